"""elb.leave_zone and elb.return_to_zone: what has not opted in to zonal shift leaves a zone by its subnets."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from bot.aws.elb.leave_zone import LeaveZone
from bot.aws.elb.return_to_zone import Back, ReturnToZone
from bot.aws.elb.subnets import _mappings, inside, note_down
from bot.aws.left import read
from bot.aws.zonal_shift.shifts import Where
from bot.aws.zone.find import Zone
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step

BAD = "us-east-1a"
NUMBERS = count(1)


class Front:
    """A load balancer of its own over three zones."""

    def __init__(self, aws: EmulatedAws, kind: str = "application", zones: int = 3) -> None:
        self.aws, self.cloud, self.name = aws, Cloud(aws), f"front-{next(NUMBERS)}"
        self.elb: Any = aws.client("elbv2")
        self.subnets = _subnets(aws)[:zones]
        self.elb.create_load_balancer(Name=self.name, Subnets=self.subnets, Type=kind)
        aws.calls.clear()

    @property
    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = self.elb.describe_load_balancers(Names=[self.name])["LoadBalancers"][0]
        return found

    @property
    def zones(self) -> set[str]:
        return {one["ZoneName"] for one in self.seen["AvailabilityZones"]}

    def tags(self) -> list[Any]:
        described = self.elb.describe_tags(ResourceArns=[self.seen["LoadBalancerArn"]])["TagDescriptions"]
        return [tag for one in described for tag in one["Tags"]]

    def changes(self) -> list[str]:
        return self.cloud.changes("elbv2")


def _subnets(aws: EmulatedAws) -> list[str]:
    described = aws.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    return [one["SubnetId"] for one in sorted(described, key=lambda one: one["AvailabilityZone"])][:3]


@pytest.fixture
def front(emulated: EmulatedAws) -> Iterator[Front]:
    made = Front(emulated)
    yield made
    made.elb.delete_load_balancer(LoadBalancerArn=made.seen["LoadBalancerArn"])


def leaving(front: Front) -> Step:
    return Step(LeaveZone(), Where(load_balancer=front.name, zone=BAD), front.cloud)


def returning(front: Front, **more: Any) -> Step:
    return Step(ReturnToZone(), Back(load_balancer=front.name, zone=BAD, **more), front.cloud, run_id="run-2")


def test_the_list_of_subnets_is_replaced_as_a_whole(front: Front) -> None:
    step = leaving(front)
    plan = LeaveZone().plan(step.params, front.cloud, step.attempt())
    assert [call.operation for call in plan.calls] == ["AddTags", "SetSubnets"]
    assert set(plan.calls[1].parameters["Subnets"]) == set(front.subnets[1:])
    assert plan.touches == (f"elb:us-east-1:{front.name}",)
    assert any("does not end by itself" in str(one) for one in plan.warnings)
    assert front.changes() == []
    done = step.wait(step._kept(LeaveZone().act(step.params, front.cloud, step.attempt())))
    assert isinstance(done, Done)
    assert front.zones == {"us-east-1b", "us-east-1c"}
    assert isinstance(LeaveZone().look(step.params, front.cloud, step.attempt()), Done)


def test_it_comes_back_to_what_it_was(front: Front) -> None:
    done = leaving(front).run()
    assert isinstance(done, Done)
    step = returning(front, mappings=done.output["mappings"])
    plan = ReturnToZone().plan(step.params, front.cloud, step.attempt())
    assert [call.operation for call in plan.calls] == ["SetSubnets", "RemoveTags"]
    assert isinstance(ReturnToZone().act(step.params, front.cloud, step.attempt()), Done)
    assert {one["SubnetId"] for one in front.seen["AvailabilityZones"]} == set(front.subnets)
    assert front.tags() == []
    assert isinstance(ReturnToZone().look(step.params, front.cloud, step.attempt()), Done)
    assert returning(front).plan().calls == ()


def test_another_run_finds_on_the_load_balancer_itself_what_it_had(front: Front) -> None:
    leaving(front).run()
    assert isinstance(returning(front).run(), Done)
    assert {one["SubnetId"] for one in front.seen["AvailabilityZones"]} == set(front.subnets)


@pytest.mark.parametrize("operation", ["AddTags", "SetSubnets"])
def test_a_change_whose_answer_was_lost_is_found(front: Front, operation: str) -> None:
    front.aws.faults.lose_answer("elbv2", operation, times=1)
    step = leaving(front)
    with pytest.raises(ActionFailed):
        step.act()
    done = step.run()
    assert isinstance(done, Done)
    assert front.changes().count("SetSubnets") == 1
    assert all(subnet in done.output["mappings"] for subnet in front.subnets)


def test_an_application_load_balancer_keeps_two_zones(emulated: EmulatedAws) -> None:
    front = Front(emulated, zones=2)
    step = leaving(front)
    assert "needs 2" in str(step.plan().warnings[0])
    assert isinstance(step.act(), Failed)
    assert front.changes() == []


def test_a_network_load_balancer_may_keep_one_and_gives_up_its_address(emulated: EmulatedAws) -> None:
    plan = leaving(front := Front(emulated, kind="network", zones=2)).plan()
    assert plan.calls[1].parameters["SubnetMappings"] == [{"SubnetId": front.subnets[1]}]
    assert any("Elastic IP" in str(one) for one in plan.warnings)


def test_a_network_load_balancer_leaves_and_comes_back(emulated: EmulatedAws) -> None:
    front = Front(emulated, kind="network")
    assert isinstance(leaving(front).run(), Done)
    assert front.zones == {"us-east-1b", "us-east-1c"}
    assert isinstance(returning(front).run(), Done)
    assert front.zones == {"us-east-1a", "us-east-1b", "us-east-1c"}


def test_an_elastic_address_is_written_down_and_asked_for_again() -> None:
    addresses = [{"IpAddress": "203.0.113.7", "AllocationId": "eipalloc-0a"}]
    balancer = {
        "LoadBalancerArn": "arn", "Type": "network",
        "AvailabilityZones": [
            {"ZoneName": "us-east-1a", "SubnetId": "subnet-1", "LoadBalancerAddresses": addresses},
            {"ZoneName": "us-east-1b", "SubnetId": "subnet-2", "LoadBalancerAddresses": [{"IpAddress": "203.0.113.8"}]},
        ],
    }  # fmt: skip
    zone = Zone("use1-az6", "us-east-1a")
    [tag] = note_down(balancer, zone).parameters["Tags"]
    assert _mappings(read(tag["Value"])) == inside(balancer, zone) == [
        {"SubnetId": "subnet-1", "AllocationId": "eipalloc-0a"}
    ]  # fmt: skip


def test_what_is_not_in_the_zone_is_left_alone(front: Front) -> None:
    leaving(front).run()
    front.aws.calls.clear()
    step = leaving(front)
    assert step.plan().calls == ()
    assert isinstance(step.run(), Done)
    assert front.changes() == []


def test_nobody_guesses_which_subnets_it_had(emulated: EmulatedAws) -> None:
    front = Front(emulated)
    front.elb.set_subnets(LoadBalancerArn=front.seen["LoadBalancerArn"], Subnets=front.subnets[1:])
    step = returning(front)
    assert "Nothing says" in str(step.plan().warnings[0])
    assert isinstance(step.act(), Failed)
