"""ecs.leave_zone and ecs.return_to_zone, against the emulated ECS whose tasks live in zones."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.ecs.leave_zone import LeaveZone, crowded
from bot.aws.ecs.placing import Placed
from bot.aws.ecs.return_to_zone import Back, ReturnToZone
from bot.aws.session import Session
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.fakes import Recorded, World, attempt
from tests.aws.rehearsed import Step
from tests.aws.services import CLUSTER, Served

#: They build on one emulated ECS, one after the other.
pytestmark = pytest.mark.xdist_group("evacuate-ecs")

BAD = "us-east-1a"


@pytest.fixture
def served(emulated: EmulatedAws) -> Served:
    made = Served(emulated, desired=6)
    emulated.calls.clear()
    return made


def network(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.seen["networkConfiguration"]["awsvpcConfiguration"]
    return found


def zones_of_tasks(served: Served) -> Counter[str]:
    tasks = served.ecs.list_tasks(cluster=CLUSTER, serviceName=served.name)["taskArns"]
    described = served.ecs.describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"]
    return Counter(one["availabilityZone"] for one in described)


def tags(served: Served) -> dict[str, str]:
    found = served.ecs.list_tags_for_resource(resourceArn=served.seen["serviceArn"])["tags"]
    return {one["key"]: one["value"] for one in found}


def zone_id(served: Served, name: str = BAD) -> str:
    zones = served.aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    return str(next(one["ZoneId"] for one in zones if one["ZoneName"] == name))


def leaving(served: Served, zone: str = BAD) -> Step:
    return Step(LeaveZone(), Placed(service=f"{CLUSTER}/{served.name}", zone=zone), served.cloud)


def returning(served: Served, **more: Any) -> Step:
    params = Back(service=f"{CLUSTER}/{served.name}", zone=BAD, **more)
    return Step(ReturnToZone(), params, served.cloud, run_id="run-2")


def test_the_plan_shows_the_calls_that_act_makes_and_changes_nothing(served: Served) -> None:
    step = leaving(served)
    plan = LeaveZone().plan(step.params, served.cloud, step.attempt())
    assert [call.operation for call in plan.calls] == ["TagResource", "UpdateService"]
    [change] = plan.changes
    assert change.before == ", ".join(served.subnets)
    assert change.after == ", ".join(served.subnets[1:])
    assert plan.touches == (f"ecs:us-east-1:{CLUSTER}/{served.name}",)
    assert plan.foreseen["subnets_before"] == served.subnets
    assert any("image" in str(one) for one in plan.warnings)
    assert served.updates() == []
    step.act()
    assert served.updates() == [plan.calls[1].parameters]


def test_update_service_resends_the_whole_network_block(served: Served) -> None:
    before = network(served)
    leaving(served).act()
    [asked] = served.updates()
    sent = asked["networkConfiguration"]["awsvpcConfiguration"]
    assert sent == {**before, "subnets": served.subnets[1:]}
    assert sent["securityGroups"]


def test_it_is_done_when_no_task_is_left_in_the_zone(served: Served) -> None:
    assert zones_of_tasks(served)[BAD] == 2
    step = leaving(served)
    assert isinstance(step.act(), Working)
    assert zones_of_tasks(served)[BAD]  # a new deployment has begun, and the old tasks are still there
    done = step.wait(LeaveZone().look(step.params, served.cloud, step.attempt()))
    assert isinstance(done, Done)
    assert zones_of_tasks(served) == {"us-east-1b": 3, "us-east-1c": 3}
    assert done.output == {"subnets_before": served.subnets, "subnets": served.subnets[1:], "running": 6}


def test_the_zone_may_be_given_by_its_id(served: Served) -> None:
    assert isinstance(leaving(served, zone_id(served)).run(), Done)
    assert not zones_of_tasks(served)[BAD]


def test_what_it_had_is_written_on_the_service_before_it_is_changed(served: Served) -> None:
    served.aws.faults.cut("ecs", "UpdateService", times=1)
    with pytest.raises(ActionFailed):
        leaving(served).act()
    assert tags(served) == {f"lifeboat:left:{zone_id(served)}": served.subnets[0]}
    assert network(served)["subnets"] == served.subnets


def test_a_second_act_deploys_nothing_a_second_time(served: Served) -> None:
    LeaveZone().act(leaving(served).params, served.cloud, leaving(served).attempt())
    step = leaving(served)
    done = step.wait(step._kept(LeaveZone().act(step.params, served.cloud, step.attempt(again=True))))
    assert isinstance(done, Done)
    assert len(served.updates()) == 1
    assert set(done.output["subnets_before"]) == set(served.subnets)  # from the tag: this process never saw them


def test_an_update_whose_answer_was_lost_is_found(served: Served) -> None:
    served.aws.faults.lose_answer("ecs", "UpdateService", times=1)
    step = leaving(served)
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.run(), Done)
    assert len(served.updates()) == 1


def test_a_service_that_has_left_already_is_left_as_it_is(served: Served) -> None:
    leaving(served).run()
    step = leaving(served)
    assert step.plan().calls == ()
    assert isinstance(step.run(), Done)
    assert len(served.updates()) == 1


def test_a_service_that_codedeploy_deploys_is_refused(emulated: EmulatedAws) -> None:
    served = Served(emulated, deploymentController={"type": "CODE_DEPLOY"})
    step = leaving(served)
    [why] = step.plan().warnings
    assert "CODE_DEPLOY" in str(why)
    assert isinstance(step.act(), Failed)
    assert served.updates() == []


def test_somebody_elses_deployment_is_not_cut_short(served: Served) -> None:
    served.release(settled=False)
    step = leaving(served)
    assert "under way" in str(step.plan().warnings[0])
    refused = step.act()
    assert isinstance(refused, Failed)
    assert len(served.updates()) == 1  # that release


def test_a_service_with_subnets_in_no_other_zone_is_refused(served: Served) -> None:
    only = {"awsvpcConfiguration": {**network(served), "subnets": served.subnets[:1]}}
    served.ecs.update_service(cluster=CLUSTER, service=served.name, networkConfiguration=only)
    served.settle()
    served.aws.calls.clear()
    step = leaving(served)
    assert "no other zone" in str(step.plan().warnings[0])
    assert isinstance(step.act(), Failed)


@pytest.mark.parametrize(("desired", "left", "more"), [(6, 2, 3), (5, 2, 3), (1, 1, 1), (0, 2, 0)])
def test_the_zones_that_are_left_hold_n_over_n_minus_one_of_the_tasks(desired: int, left: int, more: int) -> None:
    assert crowded(desired, left) == more


def test_free_addresses_are_counted_in_the_zones_that_are_left(served: Served) -> None:
    needs = {str(need.what): need for need in leaving(served).plan().needs}
    assert {name for name in needs if "addresses" in name} == {
        "Free addresses for tasks in us-east-1b",
        "Free addresses for tasks in us-east-1c",
    }
    [vcpus] = [need for name, need in needs.items() if "vCPU" in name]
    assert vcpus.needed == 6 * 0.25  # all six start beside the old ones: maximumPercent is 200


def test_a_new_deployment_that_fails_is_told_at_once(served: Served) -> None:
    served.aws.ecs.break_service(served.name, CLUSTER)
    step = leaving(served)
    failed = step.run()
    assert isinstance(failed, Failed)
    assert "failed" in str(failed.why)
    served.aws.ecs.mend_service(served.name, CLUSTER)


def test_a_service_without_tasks_loses_its_subnet_too(emulated: EmulatedAws) -> None:
    served = Served(emulated, desired=0)
    assert isinstance(leaving(served).run(), Done)
    assert network(served)["subnets"] == served.subnets[1:]


class Bridge(Recorded):
    """A service in its instances' network: no subnets of its own, and its tasks are where its instances are."""

    api = "ecs"

    def __init__(self) -> None:
        super().__init__()
        self.rebalancing, self.zones = "ENABLED", ["us-east-1a", "us-east-1b"]
        self.tags: dict[str, str] = {}

    def fake_describe_services(self, **_: Any) -> Any:
        made = {"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED"}
        shown = {"serviceArn": "arn:aws:ecs:us-east-1:123456789012:service/shop/old", "status": "ACTIVE"}
        numbers = {"desiredCount": 2, "runningCount": 2, "pendingCount": 0, "deployments": [made]}
        return {"services": [{**shown, **numbers, "availabilityZoneRebalancing": self.rebalancing}]}

    def fake_update_service(self, **asked: Any) -> Any:
        assert set(asked) == {"cluster", "service", "availabilityZoneRebalancing"}  # anything else is a deployment
        self.rebalancing = asked["availabilityZoneRebalancing"]
        return {}

    def fake_list_tasks(self, **_: Any) -> Any:
        return {"taskArns": [str(number) for number, _ in enumerate(self.zones)]}

    def fake_describe_tasks(self, **_: Any) -> Any:
        return {"tasks": [{"availabilityZone": zone} for zone in self.zones]}

    def fake_list_tags_for_resource(self, **_: Any) -> Any:
        return {"tags": [{"key": key, "value": value} for key, value in self.tags.items()]}

    def fake_tag_resource(self, **asked: Any) -> Any:
        self.tags |= {one["key"]: one["value"] for one in asked["tags"]}

    def fake_untag_resource(self, **asked: Any) -> Any:
        for key in asked["tagKeys"]:
            del self.tags[key]


def test_rebalancing_is_off_while_away_where_subnets_cannot_be_changed(session: Session) -> None:
    ecs = Bridge()
    world, away = World(session, ecs=ecs), Placed(service="shop/old", zone=BAD)
    plan = LeaveZone().plan(away, world, attempt())
    assert [(change.before, change.after) for change in plan.changes] == [("ENABLED", "DISABLED")]
    assert any("Auto Scaling" in str(one) for one in plan.warnings)
    assert ecs.changes == []

    assert isinstance(LeaveZone().act(away, world, attempt()), Working)  # until its instances are gone
    assert ecs.rebalancing == "DISABLED"
    ecs.zones = ["us-east-1b"] * 2
    assert isinstance(LeaveZone().look(away, world, attempt(after=60)), Done)

    still_shifted, at_last = Back(service="shop/old", zone=BAD, rebalance=False), Back(service="shop/old", zone=BAD)
    assert isinstance(ReturnToZone().act(still_shifted, world, attempt()), Done)
    assert (ecs.rebalancing, len(ecs.tags)) == ("DISABLED", 1)
    assert isinstance(ReturnToZone().act(at_last, world, attempt()), Done)
    assert (ecs.rebalancing, ecs.tags) == ("ENABLED", {})


def test_it_comes_back_to_exactly_what_it_was(served: Served) -> None:
    before = network(served)
    done = leaving(served).run()
    assert isinstance(done, Done)
    step = returning(served, subnets=tuple(done.output["subnets_before"]))
    plan = ReturnToZone().plan(step.params, served.cloud, step.attempt())
    assert [call.operation for call in plan.calls] == ["UpdateService", "UntagResource"]
    back = step.wait(step._kept(ReturnToZone().act(step.params, served.cloud, step.attempt())))
    assert isinstance(back, Done)
    assert network(served) == before
    assert zones_of_tasks(served) == {"us-east-1a": 2, "us-east-1b": 2, "us-east-1c": 2}
    assert back.output == {"running": 6, "in_zone": 2}
    assert tags(served) == {}
    assert isinstance(ReturnToZone().look(step.params, served.cloud, returning(served).attempt()), Done)


def test_another_run_finds_on_the_service_itself_what_it_had(served: Served) -> None:
    leaving(served).run()
    assert isinstance(returning(served).run(), Done)
    assert set(network(served)["subnets"]) == set(served.subnets)


def test_what_people_have_changed_since_stays_so(served: Served) -> None:
    leaving(served).run()
    fewer = {"awsvpcConfiguration": {**network(served), "subnets": served.subnets[2:]}}
    served.ecs.update_service(cluster=CLUSTER, service=served.name, networkConfiguration=fewer)
    served.settle()
    assert isinstance(returning(served).run(), Done)
    assert set(network(served)["subnets"]) == {served.subnets[0], served.subnets[2]}


def test_nobody_guesses_which_subnets_it_had(served: Served) -> None:
    leaving(served).run()
    tagged = {"resourceArn": served.seen["serviceArn"], "tagKeys": list(tags(served))}
    served.ecs.untag_resource(**tagged)
    step = returning(served)
    assert "Name all" in str(step.plan().warnings[0])
    assert isinstance(step.act(), Failed)


def test_a_service_that_never_left_is_back(served: Served) -> None:
    step = returning(served)
    assert step.plan().calls == ()
    assert isinstance(step.run(), Done)
    assert served.updates() == []


def test_a_return_whose_process_died_is_followed_to_its_end(served: Served) -> None:
    leaving(served).run()
    ReturnToZone().act(returning(served).params, served.cloud, returning(served).attempt())
    step = returning(served)
    working = ReturnToZone().act(step.params, served.cloud, step.attempt(again=True))
    assert isinstance(working, Working)
    assert isinstance(step.wait(step._kept(working)), Done)
    assert len(served.updates()) == 2


@pytest.mark.parametrize("service", ["web", "shop/web/x", ""])
def test_a_service_is_named_with_its_cluster(service: str) -> None:
    with pytest.raises(ValidationError):
        Placed(service=service, zone=BAD)


def test_being_throttled_is_told_as_what_it_is(served: Served) -> None:
    served.aws.faults.throttle("ecs", "TagResource", times=1)
    with pytest.raises(ActionFailed) as refused:
        leaving(served).act()
    assert refused.value.kind == "throttled"
    assert isinstance(leaving(served).run(), Done)


def test_a_task_that_hangs_in_the_zone_keeps_it_from_being_called_done(served: Served) -> None:
    """The deployment is over, and yet DescribeTasks shows one there: another way of looking than the one that acted."""
    step = leaving(served)
    step.act()
    served.settle(60)
    rollout = served.aws.ecs.rollouts["us-east-1", CLUSTER, served.name]
    places = rollout.primary.places
    rollout.tasks[-1].place = type(places[0])(BAD, served.subnets[0])
    progress = step.look()
    assert isinstance(progress, Working)
    assert "still in" in str(progress.note)
    served.aws.clock.move(timedelta(seconds=1))
