"""weighted_records.shift, against the emulated AWS."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.weighted_records import Shift, Weights
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step

HOME, STANDBY = "us-east-1", "us-west-2"
OVER = (f"{HOME}=0", f"{STANDBY}=100")
NUMBERS = count(1)


class Old:
    """`old.shop-1.test`: weighted aliases, all of the traffic at home; and another name beside it."""

    def __init__(self, aws: EmulatedAws, **record: Any) -> None:
        aws.outages.forget()
        aws.names.records.forget()
        self.aws, self.cloud, number = aws, Cloud(aws, STANDBY), next(NUMBERS)
        self.name, self.route53 = f"old.shop-{number}.test", aws.client("route53")
        made = self.route53.create_hosted_zone(Name=f"shop-{number}.test", CallerReference=str(number))
        self.zone = str(made["HostedZone"]["Id"])
        self.put(self.record(HOME, 100, **record), self.record(STANDBY, 0, **record))
        self.put({**self.record(HOME, 7), "Name": f"older.shop-{number}.test"})
        aws.clock.move(timedelta(minutes=1))
        aws.calls.clear()

    def record(self, region: str, weight: int, **more: Any) -> dict[str, Any]:
        alias = {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": f"web-1.{region}.elb.amazonaws.com."}
        target = {"AliasTarget": {**alias, "EvaluateTargetHealth": True}} if "TTL" not in more else {}
        about = {"Name": self.name, "Type": "A", "SetIdentifier": region, "Weight": weight, **target}
        return {**about, "HealthCheckId": "abcd", **more}

    def put(self, *records: dict[str, Any]) -> None:
        changes = [{"Action": "UPSERT", "ResourceRecordSet": one} for one in records]
        self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": changes})

    def records(self) -> dict[str, Any]:
        found = self.route53.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        return {one["SetIdentifier"]: one for one in found if one["Name"] == f"{self.name}."}

    @property
    def weights(self) -> dict[str, int]:
        return {one: record["Weight"] for one, record in self.records().items()}

    @property
    def region(self) -> str:
        return self.aws.names.answer(self.name).region

    def shift(self, weights: Any = OVER, *, number: int = 1, **more: Any) -> Step:
        params = Weights(**{"zone": self.zone, "name": self.name, "weights": weights, **more})
        return Step(Shift(), params, self.cloud, number=number)

    def sent(self) -> int:
        return len(self.aws.calls.of("route53", "ChangeResourceRecordSets"))


@pytest.fixture
def old(emulated: EmulatedAws) -> Old:
    return Old(emulated)


def why(progress: Any) -> str:
    assert isinstance(progress, Failed)
    return str(progress.why)


def test_the_plan_shows_the_one_call_that_act_makes(old: Old) -> None:
    step = old.shift()
    plan = Shift().plan(step.params, old.cloud, step.attempt())
    assert [(str(one.what).split()[2], one.before, one.after) for one in plan.changes] == [
        (HOME, "100", "0"),
        (STANDBY, "0", "100"),
    ]
    assert plan.touches == (f"route53:{old.zone}:{old.name}.",)
    assert plan.foreseen == {"before": [f"{HOME}=100", f"{STANDBY}=0"]}
    assert old.sent() == 0
    assert isinstance(step.wait(Shift().act(step.params, old.cloud, step.attempt())), Working | Done)
    [call], [made] = plan.calls, old.aws.calls.of("route53", "ChangeResourceRecordSets")
    assert made.parameters["ChangeBatch"] == call.parameters["ChangeBatch"]


def test_both_weights_change_in_one_batch_and_it_is_over_when_it_is_in_sync(old: Old) -> None:
    step = old.shift()
    done = step.run()
    assert isinstance(done, Done)
    assert done.output == {"before": [f"{HOME}=100", f"{STANDBY}=0"]}
    assert old.sent() == 1
    assert old.weights == {HOME: 0, STANDBY: 100}
    assert old.region == STANDBY
    assert any("on its way" in note for note in step.notes)
    assert isinstance(Shift().look(step.params, old.cloud, step.attempt()), Done)


def test_everything_else_of_a_record_is_sent_again_as_it_was(old: Old) -> None:
    before = old.records()
    old.shift().run()
    assert old.records() == {one: {**record, "Weight": old.weights[one]} for one, record in before.items()}


def test_the_undo_gives_the_weights_from_before(old: Old) -> None:
    old.put(old.record(HOME, 90), old.record(STANDBY, 10))
    done = old.shift().run()
    assert isinstance(done, Done)
    assert isinstance(old.shift(done.output["before"]).run(), Done)
    assert old.weights == {HOME: 90, STANDBY: 10}


def test_a_stranded_change_is_sent_again(old: Old) -> None:
    old.aws.names.records.strand()
    step = old.shift()
    done = step.run()
    assert isinstance(done, Done)
    assert old.sent() == 2
    assert any("has lost change" in note for note in step.notes)
    assert old.region == STANDBY
    assert done.output["before"] == [f"{HOME}=100", f"{STANDBY}=0"]


def test_a_change_that_never_arrives_ends_and_names_other_ways(old: Old) -> None:
    old.aws.names.records.strand(1000)
    failed = old.shift().run()
    assert "routing_control.switch" in why(failed)
    assert isinstance(failed, Failed)
    assert failed.kind == "unavailable"


def test_a_control_plane_that_is_down_is_tried_again_by_the_run(old: Old) -> None:
    step = old.shift()
    step.act()
    old.aws.outages.half_working(HOME, "route53")
    with pytest.raises(ActionFailed) as caught:
        step.act()
    assert caught.value.retry
    assert old.region == HOME
    old.aws.outages.forget()
    assert isinstance(step.wait(step.act()), Done)


def test_after_a_crash_between_the_call_and_its_record_the_same_is_sent_again(old: Old) -> None:
    step = old.shift()
    step.act()
    Shift().act(step.params, old.cloud, step.attempt())
    done = step.wait(step.act(again=True))
    assert isinstance(done, Done)
    assert done.output["before"] == [f"{HOME}=100", f"{STANDBY}=0"]


def test_a_lost_answer_does_no_harm(old: Old) -> None:
    old.aws.faults.lose_answer("route53", "ChangeResourceRecordSets", times=1)
    step = old.shift()
    step.act()
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.wait(step.act()), Done)
    assert old.weights == {HOME: 0, STANDBY: 100}


def test_weights_that_are_so_already_are_not_sent(old: Old) -> None:
    step = old.shift([f"{HOME}=100"])
    assert "so already" in str(step.plan().warnings[0])
    assert isinstance(step.run(), Done)
    assert old.sent() == 0
    old.shift().run()
    done = old.shift(number=2).run()
    assert isinstance(done, Done)
    assert done.output == {}  # the first attempt knew what was before


def test_weights_of_nothing_but_zero_are_refused_because_they_are_all_the_same(old: Old) -> None:
    step = old.shift([f"{HOME}=0"])
    assert "All weights of" in str(step.plan().warnings[0])
    assert "All weights of" in why(step.run())
    assert old.sent() == 0


@pytest.mark.parametrize("wrong", [{"weights": ["eu-west-1=100"]}, {"type": "CNAME"}, {"name": "no.shop.test"}])
def test_records_that_are_not_there_are_told(old: Old, wrong: dict[str, Any]) -> None:
    assert "has no weighted record" in why(old.shift(**wrong).run())
    assert old.sent() == 0


@pytest.mark.parametrize(("ttl", "warned"), [(60, False), (61, True)])
def test_a_ttl_of_more_than_a_minute_is_told(emulated: EmulatedAws, ttl: int, warned: bool) -> None:
    old = Old(emulated, TTL=ttl, ResourceRecords=[{"Value": "192.0.2.1"}])
    assert any("its TTL" in str(one) for one in old.shift().plan().warnings) == warned


def test_an_alias_that_does_not_look_at_its_target_is_told(old: Old) -> None:
    assert not any("EvaluateTargetHealth" in str(one) for one in old.shift().plan().warnings)
    blind = old.record(STANDBY, 0)
    blind["AliasTarget"]["EvaluateTargetHealth"] = False
    old.put(blind)
    assert any(f"answers with {STANDBY} whether" in str(one) for one in old.shift().plan().warnings)


def test_it_is_labelled_as_the_last_resort(old: Old) -> None:
    assert Shift.facts.plane == "global-control"
    assert any("when nothing else works" in str(one) for one in old.shift().plan().warnings)


def test_weights_that_somebody_changes_meanwhile_are_told(old: Old) -> None:
    step = old.shift()
    step.act()
    step.act()
    old.put(old.record(HOME, 100))
    old.aws.clock.move(timedelta(minutes=1))
    assert "somebody changed them" in why(step.look())


def test_a_missing_permission_is_told(old: Old) -> None:
    old.aws.faults.deny("route53", "ChangeResourceRecordSets", times=1)
    step = old.shift()
    step.act()
    with pytest.raises(ActionFailed, match=r"route53:ChangeResourceRecordSets is missing"):
        step.act()


@pytest.mark.parametrize("weights", [[], ["home"], ["home=256"], ["home=-1"], ["=5"]])
def test_weights_that_cannot_be_are_refused(old: Old, weights: list[str]) -> None:
    with pytest.raises(ValidationError):
        old.shift(weights)


def test_a_canary_of_five_percent_is_fine(old: Old) -> None:
    assert isinstance(old.shift([f"{HOME}=255", f"{STANDBY}=5"]).run(), Done)
    assert old.weights == {HOME: 255, STANDBY: 5}


def test_records_on_later_pages_are_found(old: Old) -> None:
    pages: Any = [
        {"ResourceRecordSets": [old.records()[HOME]], "IsTruncated": True, "NextRecordName": f"{old.name}.",
         "NextRecordType": "A", "NextRecordIdentifier": STANDBY},
        {"ResourceRecordSets": [old.records()[STANDBY]], "IsTruncated": True, "NextRecordName": "z.test.",
         "NextRecordType": "A"},
    ]  # fmt: skip

    class Paged:
        region, asked = STANDBY, []  # type: ignore[var-annotated]  # of this one test

        def client(self, *_: Any, **__: Any) -> Any:
            return self

        def list_resource_record_sets(self, **parameters: Any) -> Any:
            self.asked.append(parameters)
            return pages[len(self.asked) - 1]

    step, paged = old.shift(), Paged()
    assert len(Shift().plan(step.params, paged, step.attempt()).changes) == 2
    assert paged.asked[1]["StartRecordIdentifier"] == STANDBY
    assert len(paged.asked) == 2
