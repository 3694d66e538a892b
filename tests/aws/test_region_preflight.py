"""May the standby take over, is home well again, and does the service work where it is now?"""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from bot.aws.region.healthy_again import HealthyAgain, Recovered
from bot.aws.region.known import region_key, running, service_key
from bot.aws.region.preflight import Preflight, Takeover
from bot.aws.region.verify import Verify, Works
from bot.playbook.action import Done, Failed, Memo, Working
from bot.playbook.fence import Fence
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Step
from tests.aws.two_regions import FENCE, HOME, STANDBY, TABLE, TwoRegions

BOTH = ("shop/web", "shop/api")


class Shop(BaseHTTPRequestHandler):
    """Answers as the class says: `status`, from `region`; `taken` are the writes."""

    status: ClassVar[int] = 200
    region: ClassVar[str] = STANDBY
    writes: ClassVar[int] = 201
    taken: ClassVar[list[bytes]] = []

    def do_GET(self) -> None:
        self._answer(self.status, {"region": self.region})

    def do_POST(self) -> None:
        Shop.taken.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(self.writes, {"id": "1"} if self.writes < 300 else {"error": "the fence is up"})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running_ = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=running_.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running_.server_address[1]}/"
    running_.shutdown()
    running_.server_close()


@pytest.fixture
def probe(server: str) -> str:
    Shop.status, Shop.region, Shop.writes, Shop.taken = 200, STANDBY, 201, []
    return server


@pytest.fixture(scope="module")
def built(started: EmulatedAws) -> TwoRegions:
    made = TwoRegions(started)
    made.build()
    return made


@pytest.fixture
def shop(built: TwoRegions, emulated: EmulatedAws) -> TwoRegions:
    """Surveyed; then home goes dark."""
    built.again()
    built.write(HOME, "a", "1")
    built.later(60)
    built.survey()
    emulated.outages.darken_region(HOME)
    emulated.calls.clear()
    return built


def looked(shop: TwoRegions, **given: Any) -> Done | Failed:
    asked = {"failing": HOME, "services": BOTH, "alarm": "shop-down", "accept": ("signals",), "fence": FENCE, **given}
    step = Step(Preflight(), Takeover(**asked), shop.cloud(), known=shop.known)
    found = Preflight().look(step.params, Fence(shop.cloud(), HOME), step.attempt())
    assert isinstance(found, Done | Failed)
    return found


def text(found: Done | Failed) -> str:
    return str(found.why if isinstance(found, Failed) else found.note)


def line(found: Done | Failed, name: str) -> str:
    return next(one for one in text(found).splitlines() if f" {name}: " in one)


def test_it_says_yes_and_why_and_asks_the_dark_region_nothing(shop: TwoRegions) -> None:
    found = looked(shop, tables=(TABLE,))
    assert isinstance(found, Done), text(found)
    for name in ("credentials", "services", "targets", "data", "fence"):
        assert line(found, name).startswith("✅"), name
    assert shop.asked_of(HOME) == []


def test_two_independent_signals_are_needed(shop: TwoRegions, probe: str) -> None:
    Shop.status = 503
    assert isinstance(looked(shop, accept=(), probe=probe), Done), "an alarm, and the service itself"
    Shop.status = 200
    found = looked(shop, accept=(), probe=probe)
    assert isinstance(found, Failed)
    assert "only 1 of 2" in line(found, "signals")


def test_silence_towards_the_survey_is_a_signal(shop: TwoRegions) -> None:
    shop.later(900)
    shop.survey()
    assert isinstance(looked(shop, accept=()), Done)


def test_an_alarm_of_the_standby_that_watches_home_is_a_signal(shop: TwoRegions) -> None:
    cloudwatch = shop.client("cloudwatch", STANDBY)
    cloudwatch.put_metric_alarm(
        AlarmName="home-unreachable", Namespace="Probe", MetricName="Failures", Statistic="Maximum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
    )  # fmt: skip
    asked = {"accept": (), "witnesses": ("home-unreachable",)}
    assert isinstance(looked(shop, **asked), Failed)
    cloudwatch.set_alarm_state(AlarmName="home-unreachable", StateValue="ALARM", StateReason="-")
    assert isinstance(looked(shop, **asked), Done)


def test_a_red_point_stops_it_and_can_be_accepted_by_name(shop: TwoRegions) -> None:
    found = looked(shop, accept=())
    assert isinstance(found, Failed)
    assert text(found).splitlines()[1].startswith("❌"), "the red ones come first"
    accepted = looked(shop, accept=("signals",))
    assert isinstance(accepted, Done)
    assert accepted.output == {"red": ["signals"], "accepted": ["signals"]}
    assert "accepted" in line(accepted, "signals")


def test_accepting_one_thing_accepts_nothing_else(shop: TwoRegions) -> None:
    shop.client("ssm", STANDBY).put_parameter(Name=FENCE, Value=STANDBY, Overwrite=True)
    found = looked(shop)
    assert isinstance(found, Failed)
    assert line(found, "fence").startswith("❌"), "it does the work already"


def test_a_service_that_is_not_there_is_red(shop: TwoRegions) -> None:
    found = looked(shop, services=("shop/web", "shop/new"))
    assert "shop/new" in line(found, "services")
    assert "shop/new" in line(found, "sizes")


def test_a_service_without_anything_healthy_is_red(shop: TwoRegions) -> None:
    shop.client("ecs", STANDBY).update_service(cluster="shop", service="web", desiredCount=0)
    shop.limit(STANDBY, "web", 0, 20)
    shop.later(60)
    assert "shop/web" in line(looked(shop), "targets")


def test_another_release_than_at_home_is_told_and_another_program_is_red(shop: TwoRegions) -> None:
    key = service_key(HOME, "shop/web")
    noted = dict(shop.known[key].value)
    shop.known[key] = Memo({**noted, "images": ["shop/web:2"]}, shop.known[key].seen_at)
    assert line(looked(shop), "releases").startswith("▫️")
    shop.known[key] = Memo({**noted, "task_definition": "shopweb:9"}, shop.known[key].seen_at)
    assert line(looked(shop), "services").startswith("❌")


def test_autoscaling_that_allows_too_few_is_red(shop: TwoRegions) -> None:
    shop.limit(STANDBY, "web", 2, 4)
    assert "shop/web" in line(looked(shop), "limits")


def noted(shop: TwoRegions, region: str, **more: Any) -> None:
    """The survey has seen something else of `web`."""
    key = service_key(region, "shop/web")
    shop.known[key] = Memo({**shop.known[key].value, **more}, shop.known[key].seen_at)


def test_images_that_come_from_the_failing_region_or_are_gone_are_red(shop: TwoRegions) -> None:
    registry = "123456789012.dkr.ecr.{}.amazonaws.com/web:1"
    noted(shop, STANDBY, images=[registry.format(HOME)])
    assert "another region" in line(looked(shop), "images")
    noted(shop, STANDBY, images=[registry.format(STANDBY)])
    assert line(looked(shop), "images").startswith("❌")
    ecr = shop.client("ecr", STANDBY)
    ecr.create_repository(repositoryName="web")
    manifest = json.dumps({"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []})
    ecr.put_image(repositoryName="web", imageManifest=manifest, imageTag="1")
    assert line(looked(shop), "images").startswith("✅")


def test_a_quota_that_is_too_small_is_red(shop: TwoRegions) -> None:
    noted(shop, STANDBY, cpu=10_000_000)
    assert line(looked(shop), "quota").startswith("❌")


def test_a_table_without_a_copy_is_red(shop: TwoRegions) -> None:
    found = looked(shop, tables=(TABLE, "carts"))
    assert isinstance(found, Failed)
    assert "carts" in line(found, "data")


def test_the_last_known_lag_is_told_with_its_age(shop: TwoRegions) -> None:
    shop.later(120)
    found = looked(shop, tables=(TABLE,))
    assert "1.0 s" in line(found, "loss")
    assert "0:02:00" in line(found, "loss") or "2 min" in line(found, "loss")


def test_endpoints_that_nobody_noted_are_red(shop: TwoRegions) -> None:
    cluster = "arn:aws:route53-recovery-control::123456789012:cluster/11111111-2222-3333-4444-555555555555"
    found = looked(shop, cluster=cluster)
    assert isinstance(found, Failed)
    assert line(found, "routing").startswith("❌")


def test_nothing_known_of_home_is_red(shop: TwoRegions) -> None:
    shop.known = {}
    found = looked(shop)
    assert isinstance(found, Failed)
    assert {"sizes", "survey"} <= {
        one.split()[1].rstrip(":") for one in text(found).splitlines() if one.startswith("❌")
    }


def test_credentials_that_the_region_refuses_are_red(shop: TwoRegions) -> None:
    shop.aws.faults.deny("sts", "GetCallerIdentity", STANDBY)
    assert line(looked(shop), "credentials").startswith("❌")


def test_what_may_not_be_asked_is_red_and_hides_nothing_else(shop: TwoRegions) -> None:
    shop.aws.faults.deny("dynamodb", "DescribeTable", STANDBY)
    shop.aws.faults.deny("ssm", "GetParameter", STANDBY)
    found = looked(shop, tables=(TABLE,))
    assert line(found, "data").startswith("❌")
    assert line(found, "fence").startswith("❌")
    assert line(found, "targets").startswith("✅")


def recovered(shop: TwoRegions, **given: Any) -> Done | Failed:
    step = Step(HealthyAgain(), Recovered(region=HOME, **given), shop.cloud(HOME), known=shop.known)
    found = HealthyAgain().look(step.params, step.cloud, step.attempt())
    assert isinstance(found, Done | Failed)
    return found


def answering_for(shop: TwoRegions, length: timedelta) -> None:
    """Home answers, and has answered every survey for so long."""
    shop.aws.outages.light_region(HOME)
    now = shop.aws.clock.now()
    shop.known[region_key(HOME)] = Memo({"since": (now - length).isoformat()}, now)


def test_home_must_answer_for_an_hour(shop: TwoRegions) -> None:
    answering_for(shop, timedelta(minutes=59, seconds=59))
    assert isinstance(recovered(shop), Failed)
    answering_for(shop, timedelta(minutes=60))
    assert isinstance(recovered(shop), Done)
    shop.later(900)
    assert isinstance(recovered(shop), Failed), "it has missed two surveys"


def test_what_it_answered_before_a_gap_does_not_count(shop: TwoRegions) -> None:
    shop.later(3600)
    shop.aws.outages.light_region(HOME)
    shop.survey()
    since = shop.known[region_key(HOME)].value["since"]
    assert since == shop.aws.clock.now().isoformat()
    shop.later(300)
    shop.survey()
    assert shop.known[region_key(HOME)].value["since"] == since


def test_its_alarms_must_be_ok_for_as_long(shop: TwoRegions, probe: str) -> None:
    answering_for(shop, timedelta(minutes=10))
    cloudwatch = shop.client("cloudwatch", HOME)
    cloudwatch.put_metric_alarm(
        AlarmName="errors", Namespace="Shop", MetricName="Errors", Statistic="Maximum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="-")
    found = recovered(shop, steady_for="10m", alarms=("errors", "nothing-of-that-name"), probe=probe)
    assert isinstance(found, Failed)
    assert "errors" in text(found)
    assert "nothing-of-that-name" in text(found)
    assert "✅ probe" in text(found)


def verified(shop: TwoRegions, probe: str, **given: Any) -> Step:
    return Step(Verify(), Works(**{"region": STANDBY, "probe": probe, "field": "region", **given}), shop.cloud())


def test_the_service_must_answer_from_the_region_several_times_in_a_row(shop: TwoRegions, probe: str) -> None:
    step = verified(shop, probe)
    assert isinstance(Verify().look(step.params, step.cloud, step.attempt()), Working)
    assert isinstance(step.wait(step.look()), Done)
    Shop.region = HOME
    elsewhere = verified(shop, probe, within="1m")
    assert isinstance(elsewhere.wait(elsewhere.look()), Failed)


def test_a_write_must_be_taken(shop: TwoRegions, probe: str) -> None:
    step = verified(shop, probe, times=1, write_to=f"{probe}orders", write='{"id": "lifeboat"}', within="30s")
    done = step.wait(step.look())
    assert isinstance(done, Done)
    assert (done.output, Shop.taken) == ({"written": True}, [b'{"id": "lifeboat"}'])
    Shop.writes = 503
    refused = verified(shop, probe, times=1, write_to=f"{probe}orders", write="{}", within="30s")
    failed = refused.wait(refused.look())
    assert isinstance(failed, Failed)
    assert "the fence is up" in str(failed.why)


def test_the_fence_and_the_alarms_are_looked_at_too(shop: TwoRegions, probe: str) -> None:
    shop.client("ssm", STANDBY).put_parameter(Name=FENCE, Value=HOME, Overwrite=True)
    waiting = verified(shop, probe, flag=FENCE).look()
    assert isinstance(waiting, Working)
    assert FENCE in str(waiting.note)


def test_what_is_recalled_is_what_the_survey_notes(shop: TwoRegions) -> None:
    seen = running(shop.known, HOME, "shop/web")
    assert seen is not None
    assert seen.at <= shop.aws.clock.now() - timedelta()
    assert all(any(key.startswith(prefix) for prefix in Preflight.facts.recalls) for key in shop.known)
