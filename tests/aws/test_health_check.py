"""health_check.flip and health_check.ready, against the emulated AWS."""

import re
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.health_check import Flip, Inspected, Ready, Wanted
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.playbook.fence import Fence
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step

HOME, STANDBY = "us-east-1", "us-west-2"
KEY = "state/standby-takes-over"
NUMBERS = count(1)


class Pay:
    """`pay.shop-1.test`: failover records, and a health check of the primary that watches an object in the standby region."""

    def __init__(self, aws: EmulatedAws, versioned: bool = False) -> None:
        aws.outages.forget()
        self.aws, self.cloud, number = aws, Cloud(aws, STANDBY), next(NUMBERS)
        self.bucket, self.name = f"shop-health-{number}", f"pay.shop-{number}.test"
        self.s3, self.route53 = aws.client("s3", STANDBY), aws.client("route53")
        location = {"LocationConstraint": STANDBY}
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=location)
        if versioned:
            self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        self.check = self.make_check("pay")
        zone = self.route53.create_hosted_zone(Name=f"shop-{number}.test", CallerReference=str(number))
        changes = [
            {"Action": "CREATE", "ResourceRecordSet": self.record(role, region)}
            for role, region in (("PRIMARY", HOME), ("SECONDARY", STANDBY))
        ]
        self.route53.change_resource_record_sets(
            HostedZoneId=zone["HostedZone"]["Id"], ChangeBatch={"Changes": changes}
        )
        aws.clock.move(timedelta(minutes=1))
        aws.calls.clear()

    def record(self, role: str, region: str) -> dict[str, Any]:
        checked = {"HealthCheckId": self.check} if role == "PRIMARY" else {}
        value = {"Value": f"shop-web-1.{region}.elb.amazonaws.com"}
        about = {"Name": self.name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [value]}
        return {**about, "SetIdentifier": region, "Failover": role, **checked}

    def make_check(self, name: str, **config: Any) -> str:
        told = {
            "Type": "HTTPS", "FullyQualifiedDomainName": f"{self.bucket}.s3.{STANDBY}.amazonaws.com",
            "ResourcePath": f"/{KEY}", "RequestInterval": 10, "FailureThreshold": 3, "Inverted": True, **config,
        }  # fmt: skip
        made = self.route53.create_health_check(CallerReference=f"{self.bucket}-{name}", HealthCheckConfig=told)
        return str(made["HealthCheck"]["Id"])

    def says(self) -> str | None:
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return self.s3.get_object(Bucket=self.bucket, Key=KEY)["Body"].read().decode() if found else None

    @property
    def region(self) -> str:
        return self.aws.names.answer(self.name).region

    def flip(self, *, number: int = 1, **wanted: Any) -> Step:
        params = Wanted(object=f"s3://{self.bucket}/{KEY}", **wanted)
        return Step(Flip(), params, self.cloud, number=number)

    def changes(self) -> list[str]:
        return [call.operation for call in self.aws.calls.of("s3") if call.operation in {"PutObject", "DeleteObject"}]


@pytest.fixture
def pay(emulated: EmulatedAws) -> Pay:
    return Pay(emulated)


def test_the_plan_shows_the_call_that_act_makes(pay: Pay) -> None:
    step = pay.flip()
    plan = Flip().plan(step.params, pay.cloud, step.attempt())
    [call] = plan.calls
    assert (call.operation, call.parameters["Key"]) == ("PutObject", KEY)
    assert [(one.before, one.after) for one in plan.changes] == [(None, "The standby takes over.")]
    assert plan.touches == (f"s3:{pay.bucket}/{KEY}",)
    assert plan.foreseen == {"was_present": False, "was": ""}
    assert any("disabled counts as healthy" in str(warning) for warning in plan.warnings)
    assert pay.changes() == []
    assert isinstance(step.wait(Flip().act(step.params, pay.cloud, step.attempt())), Working | Done)
    assert pay.says() == call.parameters["Body"]


def test_the_standby_takes_over_when_the_object_is_there_and_the_check_has_seen_it(pay: Pay) -> None:
    assert pay.region == HOME
    done = pay.flip().run()
    assert isinstance(done, Done)
    assert pay.region == HOME
    pay.aws.clock.move(timedelta(seconds=30))
    assert pay.region == STANDBY


def test_nothing_of_route_53_and_nothing_in_the_failing_region_is_asked(pay: Pay) -> None:
    pay.aws.outages.darken_region(HOME)
    step = pay.flip()
    fenced: Any = Fence(pay.cloud, HOME)
    first = Flip().act(step.params, fenced, step.attempt())
    assert isinstance(first, Working)
    step.memory = first.memory
    assert isinstance(Flip().act(step.params, fenced, step.attempt()), Done)
    assert {(call.service, call.region) for call in pay.aws.calls} == {("s3", STANDBY)}


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("before", [None, "on purpose", ""])
@pytest.mark.parametrize("present", [True, False])
def test_the_undo_restores_what_was(emulated: EmulatedAws, versioned: bool, before: str | None, present: bool) -> None:
    pay = Pay(emulated, versioned)
    if before is not None:
        pay.s3.put_object(Bucket=pay.bucket, Key=KEY, Body=before.encode())
    done = pay.flip(present=present, body="new").run() if present else pay.flip(present=False).run()
    assert isinstance(done, Done)
    assert pay.says() == ("new" if present else None)
    back = pay.flip(present=done.output["was_present"], body=done.output["was"]).run()
    assert isinstance(back, Done)
    assert pay.says() == before


def test_what_was_before_is_stored_before_anything_is_changed(pay: Pay) -> None:
    first = pay.flip().act()
    assert isinstance(first, Working)
    assert first.more
    assert first.memory == {"before": {"was_present": False, "was": ""}}
    assert pay.changes() == []


def test_after_a_crash_between_the_call_and_its_record_the_state_before_is_still_known(pay: Pay) -> None:
    step = pay.flip()
    step.act()
    Flip().act(step.params, pay.cloud, step.attempt())
    done = step.act(again=True)
    assert isinstance(done, Done)
    assert done.output == {"was_present": False, "was": ""}
    assert isinstance(Flip().look(step.params, pay.cloud, step.attempt()), Done)


def test_a_lost_answer_is_looked_for(pay: Pay) -> None:
    pay.aws.faults.lose_answer("s3", "PutObject", times=1)
    step = pay.flip()
    step.act()
    with pytest.raises(ActionFailed) as caught:
        step.act()
    assert caught.value.retry
    assert isinstance(step.act(again=True), Done)


def test_an_object_that_is_there_already_is_left_alone(pay: Pay) -> None:
    pay.s3.put_object(Bucket=pay.bucket, Key=KEY, Body=b"somebody was faster")
    pay.aws.calls.clear()
    step = pay.flip()
    assert "so already" in str(step.plan().warnings[0])
    done = step.run()
    assert isinstance(done, Done)
    assert done.output == {"was_present": True, "was": "somebody was faster"}
    assert pay.changes() == []


def test_a_retry_that_finds_it_done_does_not_take_it_for_what_was_before(pay: Pay) -> None:
    pay.flip().run()
    done = pay.flip(number=2).run()
    assert isinstance(done, Done)
    assert done.output == {}


def test_a_bucket_in_another_region_is_refused(pay: Pay) -> None:
    pay.aws.client("s3", HOME).create_bucket(Bucket=f"{pay.bucket}-home")
    step = Step(Flip(), Wanted(object=f"s3://{pay.bucket}-home/{KEY}"), pay.cloud)
    assert f"is in {HOME}, and {STANDBY} takes over" in str(step.plan().warnings[0])
    failed = step.act()
    assert isinstance(failed, Failed)
    assert pay.changes() == []


@pytest.mark.parametrize(("body", "fine"), [(b"x" * 4096, True), (b"x" * 4097, False), (b"\xff\xfe", False)])
def test_somebodys_data_is_never_taken_for_a_switch(pay: Pay, body: bytes, fine: bool) -> None:
    pay.s3.put_object(Bucket=pay.bucket, Key=KEY, Body=body)
    pay.aws.calls.clear()
    if fine:
        assert isinstance(pay.flip(present=False).run(), Done)
        return
    with pytest.raises(ActionFailed, match="somebody's data"):
        pay.flip(present=False).act()
    assert pay.changes() == []


def test_an_object_that_somebody_takes_away_again_is_told(pay: Pay) -> None:
    step = pay.flip()
    step.act()
    step.act()
    pay.s3.delete_object(Bucket=pay.bucket, Key=KEY)
    assert isinstance(step.look(), Working)
    pay.aws.clock.move(timedelta(minutes=1))
    failed = step.look()
    assert isinstance(failed, Failed)
    assert "somebody changed it" in str(failed.why)


def test_throttling_may_be_tried_again_and_a_denial_not(pay: Pay) -> None:
    pay.aws.faults.throttle("s3", "PutObject", times=1)
    step = pay.flip()
    step.act()
    with pytest.raises(ActionFailed) as caught:
        step.act()
    assert caught.value.retry
    pay.aws.faults.deny("s3", "PutObject", times=1)
    with pytest.raises(ActionFailed, match="permission") as caught:
        step.act()
    assert not caught.value.retry
    assert isinstance(step.act(), Done)


@pytest.mark.parametrize("name", ["https://bucket/key", "s3://bucket", "s3://bucket/", "bucket/key"])
def test_an_object_is_named_by_its_bucket_and_its_key(name: str) -> None:
    with pytest.raises(ValidationError):
        Wanted(object=name)


def inspect(pay: Pay, check: str = "") -> Any:
    step = Step(Ready(), Inspected(object=f"s3://{pay.bucket}/{KEY}", health_check=check or pay.check), pay.cloud)
    return Ready().look(step.params, pay.cloud, step.attempt())


def test_a_check_that_would_see_the_object_is_ready(pay: Pay) -> None:
    done = inspect(pay)
    assert isinstance(done, Done)
    assert done.output == {"detects": 30}
    path = {"FullyQualifiedDomainName": f"s3.{STANDBY}.amazonaws.com", "ResourcePath": f"/{pay.bucket}/{KEY}"}
    assert isinstance(inspect(pay, pay.make_check("path", **path)), Done)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"Disabled": True}, "counts as healthy"),
        ({"Inverted": False}, "is not inverted"),
        ({"ResourcePath": "/other"}, "watches .*/other, not"),
        ({"Type": "TCP", "FullyQualifiedDomainName": "shop.test", "Port": 80}, r"watches shop\.test"),
    ],
)
def test_a_check_that_would_not_move_traffic_is_not_ready(pay: Pay, config: dict[str, Any], says: str) -> None:
    failed = inspect(pay, pay.make_check("bad", **config))
    assert isinstance(failed, Failed)
    assert re.search(says, str(failed.why))


def test_a_disabled_health_check_counts_as_healthy_and_nothing_moves(pay: Pay) -> None:
    pay.route53.update_health_check(HealthCheckId=pay.check, Disabled=True, Inverted=False)
    assert isinstance(pay.flip().run(), Done)
    pay.aws.clock.move(timedelta(minutes=5))
    assert pay.region == HOME
    failed = inspect(pay)
    assert isinstance(failed, Failed)
    assert "disabled" in str(failed.why)
