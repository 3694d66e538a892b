"""bot/aws/session.py: one client per service and region, changes sent once, our errors, the right account."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from moto import mock_aws

from bot.aws.session import READS, Session, Settings
from bot.errors import ActionFailed


def test_importing_the_aws_edge_does_not_import_boto3() -> None:
    code = "import sys, bot.aws, bot.aws.session; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("operation", ["DescribeTable", "GetItem", "Query", "Scan", "BatchGetItem", "ListTables"])
def test_reads(operation: str) -> None:
    assert READS.match(operation)


@pytest.mark.parametrize(
    "operation", ["PutItem", "UpdateService", "DeleteTable", "Getaway", "TestFailover", "BatchWriteItem", "Publish"]
)
def test_everything_else_is_a_change(operation: str) -> None:
    assert not READS.match(operation)


def test_one_client_per_service_and_region_even_when_many_threads_ask(session: Session) -> None:
    fresh = Session("us-east-1")
    with ThreadPoolExecutor(8) as pool:
        clients = set(pool.map(lambda _: fresh.client("ssm"), range(32)))
    assert len(clients) == 1
    assert fresh.client("ssm", "us-east-1") in clients
    assert fresh.client("ssm", "eu-west-1") not in clients
    assert fresh.client("ssm", "eu-west-1").meta.region_name == "eu-west-1"


def test_timeouts_are_short_and_only_reads_are_retried(session: Session) -> None:
    client: Any = Session("us-east-1").client("ecs")
    for config in (client._reads.meta.config, client._changes.meta.config):
        assert (config.connect_timeout, config.read_timeout) == (2, 10)
        assert config.retries["mode"] == "standard"
    assert client._reads.meta.config.retries["total_max_attempts"] == 4
    assert client._changes.meta.config.retries["total_max_attempts"] == 1


def test_a_long_poll_is_not_cut_off(session: Session) -> None:
    client: Any = Session("us-east-1").client("sqs")
    assert client.meta.config.read_timeout == 30


def test_signing_in_does_not_depend_on_one_region(session: Session) -> None:
    assert Session("eu-west-1").client("sts").meta.endpoint_url == "https://sts.eu-west-1.amazonaws.com"


def test_errors_are_ours_and_keep_their_cause(session: Session) -> None:
    with pytest.raises(ActionFailed) as caught:
        session.client("dynamodb").describe_table(TableName="nothing")
    assert (caught.value.code, caught.value.retry) == ("ResourceNotFoundException", False)
    assert type(caught.value.__cause__).__name__ == "ResourceNotFoundException"
    assert "DescribeTable" in str(caught.value)


def test_a_wrong_parameter_is_told_not_retried(session: Session) -> None:
    with pytest.raises(ActionFailed) as caught:
        session.client("dynamodb").describe_table(Table="orders")
    assert (caught.value.code, caught.value.retry) == ("ParamValidationError", False)


def test_what_is_not_an_api_call_is_passed_through(session: Session) -> None:
    assert session.client("dynamodb").can_paginate("scan")
    with pytest.raises(AttributeError):
        session.client("dynamodb").no_such_thing()


@mock_aws
def test_the_right_account_may_change_things() -> None:
    session = Session("us-east-1", Settings(account="123456789012"))
    session.client("ssm").put_parameter(Name="/a", Value="b", Type="String")
    assert session.account() == "123456789012"


@mock_aws
def test_another_account_is_read_but_never_changed() -> None:
    session = Session("us-east-1", Settings(account="999999999999"))
    with pytest.raises(ActionFailed, match=r"123456789012.*999999999999") as caught:
        session.client("ssm").put_parameter(Name="/a", Value="b", Type="String")
    assert caught.value.code == "WrongAccount"
    assert session.client("ssm").describe_parameters()["Parameters"] == []


class Silent(http.server.BaseHTTPRequestHandler):
    """Takes every request and never answers it; or answers as `reply` says."""

    asked: list[str]
    reply: tuple[int, str] | None
    port: int

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.headers["X-Amz-Target"].rpartition(".")[2])
        if self.reply:
            status, body = self.reply
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())
        else:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Silent]]:
    handler: Any = type("Handler", (Silent,), {"asked": [], "reply": None})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{listening.server_port}")
        handler.port = listening.server_port
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield handler
        listening.shutdown()


def test_a_change_without_an_answer_is_never_sent_again_by_itself(server: type[Silent]) -> None:
    with pytest.raises(ActionFailed) as caught:
        Session("us-east-1").client("ssm").put_parameter(Name="/a", Value="b")
    assert caught.value.retry
    assert "may or may not have been done" in str(caught.value)
    assert server.asked == ["PutParameter"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_change_that_aws_could_not_do_is_left_to_the_run(status: int, server: type[Silent]) -> None:
    server.reply = (status, "{}")
    with pytest.raises(ActionFailed) as caught:
        Session("us-east-1").client("ssm").put_parameter(Name="/a", Value="b")
    assert caught.value.retry
    assert server.asked == ["PutParameter"]


def test_a_read_is_asked_again(server: type[Silent]) -> None:
    server.reply = (500, "{}")
    settings = Settings(max_attempts=1)
    with pytest.raises(ActionFailed):
        Session("us-east-1", settings).client("ssm").get_parameter(Name="/a")
    assert server.asked == ["GetParameter"] * 2


def test_an_endpoint_that_is_gone_is_tried_again_later(monkeypatch: pytest.MonkeyPatch, server: type[Silent]) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Silent) as closed:
        port = closed.server_port
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{port}")
    with pytest.raises(ActionFailed) as caught:
        Session("us-east-1").client("ssm").put_parameter(Name="/a", Value="b")
    assert caught.value.retry
    assert "is the region down" in str(caught.value)


def test_missing_credentials_say_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(ActionFailed) as caught:
        Session("us-east-1").client("ssm").get_parameter(Name="/a")
    assert (caught.value.code, caught.value.retry) == ("NoCredentialsError", False)
    assert "AWS_PROFILE" in str(caught.value)


def test_one_endpoint_of_several_is_asked_once_and_briefly(server: type[Silent]) -> None:
    url = f"http://127.0.0.1:{server.port}/v1"
    server.reply = (500, "{}")
    session = Session("us-east-1")
    client: Any = session.client("route53-recovery-cluster", "eu-west-1", endpoint=url)
    with pytest.raises(ActionFailed):
        client.get_routing_control_state(RoutingControlArn="arn:aws:route53-recovery-control::1:controlpanel/a")
    assert server.asked == ["GetRoutingControlState"]
    assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (2, 4)
    assert client.meta.region_name == "eu-west-1"
    assert session.client("route53-recovery-cluster", "eu-west-1", endpoint=url) is client
    assert session.client("route53-recovery-cluster", "eu-west-1", endpoint=f"{url}2") is not client
