"""http.answers, against a server on loopback."""

import http.server
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws import http as module
from bot.aws.http import Answers, Question
from bot.playbook.action import Attempt, Done, Failed, Progress, Working

T0 = datetime(2026, 11, 23, 3, tzinfo=UTC)
GOOD = (200, '{"region": "us-west-2", "open": true}', {})


class Shop(http.server.BaseHTTPRequestHandler):
    """Answers with `answers`, in turn, and the last one for ever; None: it closes the connection."""

    answers: list[Any]
    asked: list[tuple[str, str, dict[str, str]]]
    port: int

    def do_GET(self) -> None:
        self.asked.append((self.path, self.client_address[0], dict(self.headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            self.close_connection = True
            return
        if isinstance(answer, threading.Event):  # the head of an answer, and then nothing for a while
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            answer.wait(10)
            return
        status, body, headers = answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[Any]:
    handler: Any = type("Handler", (Shop,), {"answers": [GOOD], "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        handler.port = listening.server_port
        threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield handler
        listening.shutdown()


class Nothing:
    """`Aws` for a check that has no business with it."""

    region = "us-west-2"

    def client(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("http.answers asks AWS nothing")


def question(shop: Any, path: str = "/health", **more: Any) -> Question:
    return Question(url=f"http://127.0.0.1:{shop.port}{path}", **more)


def attempt(memory: Any = None, after: timedelta = timedelta()) -> Attempt:
    return Attempt("inc-7", "run-1", "verify", 1, T0, T0 + after, memory or {})


def run(params: Question) -> tuple[Progress, list[str]]:
    """Until it ends, on a clock of its own."""
    now, notes = attempt(), []
    while True:
        progress = Answers().look(params, Nothing(), now)
        if not isinstance(progress, Working):
            return progress, notes
        notes.append(str(progress.note))
        now = replace(now, now=now.now + progress.again_in, memory=progress.memory)


def why(progress: Progress) -> str:
    assert isinstance(progress, Failed)
    return str(progress.why)


def test_several_good_answers_in_a_row_are_needed(shop: Any) -> None:
    done, notes = run(question(shop, times=3))
    assert isinstance(done, Done)
    assert done.output["status"] == 200
    assert len(shop.asked) == 3
    assert "(2 of 3 good answers)" in notes[-1]


def test_one_bad_answer_begins_the_count_again(shop: Any) -> None:
    shop.answers[:] = [GOOD, GOOD, (503, "no", {}), GOOD]
    done, notes = run(question(shop, times=3))
    assert isinstance(done, Done)
    assert len(shop.asked) == 6
    assert "answers 503: no" in notes[2]


def test_it_is_the_standby_that_must_answer(shop: Any) -> None:
    shop.answers[:] = [(200, '{"region": "us-east-1"}', {}), GOOD]
    done, notes = run(question(shop, field="region", equals="us-west-2", times=1))
    assert isinstance(done, Done)
    assert done.output["value"] == "us-west-2"
    assert "its region is us-east-1, not us-west-2" in notes[0]


@pytest.mark.parametrize(
    ("answer", "more", "says"),
    [
        ((503, "maintenance\n page", {}), {}, "answers 503: maintenance page"),
        ((404, "", {}), {}, "answers 404"),
        (GOOD, {"field": "region", "equals": "eu-west-1"}, "its region is us-west-2, not eu-west-1"),
        (GOOD, {"field": "zone"}, "answers 200 without zone"),
        ((200, "<html>", {}), {"field": "region", "equals": "us-west-2"}, "its region is -, not us-west-2"),
        (GOOD, {"contains": "welcome"}, "does not say welcome"),
        (None, {}, "does not answer"),
    ],
)
def test_what_it_saw_is_said_when_the_time_is_over(shop: Any, answer: Any, more: Any, says: str) -> None:
    shop.answers[:] = [answer]
    failed, notes = run(question(shop, within="20s", every="10s", **more))
    assert says in why(failed)
    assert len(notes) == 2


@pytest.mark.parametrize(("after", "ends"), [(19, False), (20, True)])
def test_it_may_take_so_long_and_no_longer(shop: Any, after: int, ends: bool) -> None:
    shop.answers[:] = [None]
    progress = Answers().look(question(shop, within="20s"), Nothing(), attempt(after=timedelta(seconds=after)))
    assert isinstance(progress, Failed) == ends


def test_nobody_listening_is_told(shop: Any) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), shop) as closed:
        port = closed.server_port
    progress = Answers().look(Question(url=f"http://127.0.0.1:{port}/"), Nothing(), attempt())
    assert isinstance(progress, Working)
    assert "refused" in str(progress.note)
    assert progress.memory == {"good": 0}


def test_true_and_numbers_are_compared_as_json_writes_them(shop: Any) -> None:
    assert isinstance(run(question(shop, field="open", equals="true", times=1))[0], Done)
    shop.answers[:] = [(200, '{"shop": {"orders": 12}}', {})]
    assert isinstance(run(question(shop, field="shop.orders", equals="12", times=1))[0], Done)


def test_a_redirect_to_another_host_is_not_followed(shop: Any) -> None:
    shop.answers[:] = [(302, "", {"Location": "http://localhost:1/login"})]
    progress = Answers().look(question(shop), Nothing(), attempt())
    assert isinstance(progress, Working)
    assert "another host (localhost)" in str(progress.note)
    assert len(shop.asked) == 1


@pytest.mark.parametrize(("redirects", "good"), [(3, True), (4, False)])
def test_redirects_on_the_same_host_are_followed_three_times(shop: Any, redirects: int, good: bool) -> None:
    shop.answers[:] = [*[(301, "", {"Location": f"/{number}"}) for number in range(redirects)], GOOD]
    progress = Answers().look(question(shop, times=1), Nothing(), attempt())
    assert isinstance(progress, Done if good else Working)


def test_a_query_is_sent_and_never_shown(shop: Any) -> None:
    shop.answers[:] = [(503, "", {})]
    progress = Answers().look(question(shop, "/health?key=secret"), Nothing(), attempt())
    assert isinstance(progress, Working)
    assert "secret" not in str(progress.note)
    assert shop.asked[0][0] == "/health?key=secret"


def test_every_question_has_a_connection_of_its_own(shop: Any) -> None:
    run(question(shop, times=2))
    assert all(headers["Connection"] == "close" for _, _, headers in shop.asked)


def test_a_name_is_looked_up_for_every_question(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, real = [], socket.getaddrinfo

    def counted(host: Any, *more: Any, **named: Any) -> Any:
        asked.append(host)
        return real(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", counted)  # it does what it did; nobody else can tell how often
    params = Question(url=f"http://localhost:{shop.port}/", times=3)
    assert isinstance(run(params)[0], Done)
    assert asked.count("localhost") == 3


def test_an_answer_that_does_not_end_is_none(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.1)  # no test waits for six
    shop.answers[:] = [waits := threading.Event()]
    progress = Answers().look(question(shop), Nothing(), attempt())
    waits.set()
    assert isinstance(progress, Working)
    assert "timed out" in str(progress.note)


def test_an_endless_answer_is_read_as_far_as_it_is_looked_at(shop: Any) -> None:
    shop.answers[:] = [(200, "x" * (module._LARGEST + 10), {})]
    done, _ = run(question(shop, times=1))
    assert isinstance(done, Done)
    assert len(module._ask(question(shop).url).body) == module._LARGEST


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example/", "file:///etc/passwd", "https://mina:geheim@shop.example/", "//shop.example", "https://",
        "http://a b/",
    ],
)  # fmt: skip
def test_only_plain_web_addresses_without_credentials_are_taken(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Question(url=url)
    [error] = caught.value.errors(include_input=False)
    assert "geheim" not in str(error["ctx"]["error"])


def test_a_field_that_is_no_jmespath_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not JMESPath"):
        Question(url="https://shop.example/", field="a[")


def test_no_time_left_is_a_timeout(shop: Any) -> None:
    with pytest.raises(TimeoutError):
        module._left(0.0)
    url = module.urlsplit(question(shop).url)
    with pytest.raises(TimeoutError):
        module._get(url, 0.0)
    assert shop.asked == []


@pytest.mark.parametrize(
    ("url", "target", "same"),
    [
        ("https://a/", "https://a/x", True), ("http://a/", "https://a/", True), ("https://a/", "http://a/", False),
        ("https://a/", "https://b/", False), ("https://a/", "ftp://a/", False),
    ],
)  # fmt: skip
def test_what_is_the_same_place(url: str, target: str, same: bool) -> None:
    assert module._is_same_place(module.urlsplit(url), module.urlsplit(target)) == same
