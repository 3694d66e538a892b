"""What an account looks like is read without a change, and laid down again as it was."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.rehearsal.account import Shape, lay_down, snapshot
from bot.rehearsal.account.shape import Cluster, Region, Service, Table
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.estate import Estate
from tests.aws.rehearsed import Cloud

SEOUL, OREGON = "ap-northeast-2", "us-west-2"


def on_an_aws(work: Callable[[EmulatedAws], Any]) -> Any:
    """Only one emulated AWS can run at a time: first it is the account, then the rehearsal."""

    async def run() -> Any:
        async with EmulatedAws() as aws:
            return await asyncio.to_thread(work, aws)

    return asyncio.run(run())


def somebodys_account(aws: EmulatedAws) -> tuple[Shape, list[str]]:
    """Its shape, and what was asked of it meanwhile."""
    ec2, elb, ecs = (aws.client(service, SEOUL) for service in ("ec2", "elbv2", "ecs"))
    dynamodb, scaling = aws.client("dynamodb", SEOUL), aws.client("application-autoscaling", SEOUL)
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{at}.0/24", AvailabilityZone=f"{SEOUL}{zone}")["Subnet"][
            "SubnetId"
        ]
        for at, zone in enumerate("ac")
    ]
    [balancer] = elb.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    [group] = elb.create_target_group(Name="checkout", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")[
        "TargetGroups"
    ]
    forward = [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    shifts = [{"Key": "zonal_shift.config.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=shifts)
    ecs.create_cluster(clusterName="payments")
    ecs.register_task_definition(
        family="checkout", cpu="1024", memory="2048", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
        containerDefinitions=[
            {"name": "app", "image": "app:7", "environment": [{"name": "PASSWORD", "value": "hunter2"}],
             "portMappings": [{"containerPort": 8080}]},
        ],
    )  # fmt: skip
    ecs.create_service(
        cluster="payments", serviceName="checkout", taskDefinition="checkout", desiredCount=3, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": []}},
        loadBalancers=[{"targetGroupArn": group["TargetGroupArn"], "containerName": "app", "containerPort": 8080}],
    )  # fmt: skip
    scaling.register_scalable_target(
        ServiceNamespace="ecs", ResourceId="service/payments/checkout", ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=2, MaxCapacity=9,
    )  # fmt: skip
    dynamodb.create_table(
        TableName="ledger", BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True,
        AttributeDefinitions=[{"AttributeName": "account", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "account", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )  # fmt: skip
    dynamodb.update_time_to_live(
        TableName="ledger", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    dynamodb.update_continuous_backups(
        TableName="ledger", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.put_item(TableName="ledger", Item={"account": {"S": "secret-account"}, "at": {"N": "1"}})
    aws.faults.deny("dynamodb", "ListTables", OREGON)
    before = len(aws.calls)
    shape = snapshot(Cloud(aws), [SEOUL, OREGON])
    return shape, [call.operation for call in aws.calls[before:]]


@pytest.fixture(scope="module")
def read() -> tuple[Shape, list[str]]:
    found: tuple[Shape, list[str]] = on_an_aws(somebodys_account)
    return found


def test_nothing_but_describing_calls_are_made(read: tuple[Shape, list[str]]) -> None:
    _, asked = read
    assert asked
    assert all(operation.startswith(("Describe", "List")) for operation in asked)
    assert not {"Scan", "Query", "GetItem"} & set(asked)


def test_what_was_read_is_the_shape_and_no_data_or_secret(read: tuple[Shape, list[str]]) -> None:
    shape, _ = read
    seoul = shape.regions[0]
    assert [(one.name, one.zones, one.shiftable) for one in seoul.balancers] == [
        ("front", (f"{SEOUL}a", f"{SEOUL}c"), True)
    ]
    service = Service(name="checkout", tasks=3, group="checkout", cpu="1024", memory="2048", least=2, most=9)
    assert seoul.clusters == (Cluster(name="payments", services=(service,)),)
    assert seoul.tables == (
        Table(
            name="ledger", keys=(("account", "S", "HASH"), ("at", "N", "RANGE")), recoverable=True, expires_by="expires",
            stream="KEYS_ONLY", protected=True,
        ),
    )  # fmt: skip
    assert not any(word in json.dumps(shape.as_json()) for word in ("hunter2", "secret-account", "app:7"))


def test_what_may_not_be_read_is_left_out_and_told(read: tuple[Shape, list[str]]) -> None:
    shape, _ = read
    assert shape.regions[1].tables == ()
    [note] = shape.unread
    assert note.startswith(f"{OREGON}: tables: ")
    assert "ListTables" in note


def test_a_shape_is_json_both_ways(read: tuple[Shape, list[str]]) -> None:
    shape, _ = read
    assert Shape.read(json.loads(json.dumps(shape.as_json()))) == shape


def test_laid_down_it_reads_as_it_was(read: tuple[Shape, list[str]]) -> None:
    shape, _ = read
    clash = Cluster(name="shop", services=())
    seoul = shape.regions[0].model_copy(update={"clusters": (*shape.regions[0].clusters, clash)})
    third = Region(name="eu-west-1")

    def lay(aws: EmulatedAws) -> tuple[list[str], Region]:
        estate = Estate(aws)
        estate.build()
        notes = lay_down(Shape(regions=(seoul, shape.regions[1], third), unread=("what was not read",)), estate)
        return [str(note) for note in notes], snapshot(Cloud(aws), [estate.home.region]).regions[0]

    notes, again = on_an_aws(lay)
    assert notes[0] == "what was not read"
    assert f"{SEOUL} is played by us-east-1." in notes
    assert "The shop has one of that name already: shop is left out." in notes
    assert "eu-west-1 is left out: the rehearsal has two regions." in notes
    front = next(one for one in again.balancers if one.name == "front")
    assert front == seoul.balancers[0].model_copy(update={"zones": ("us-east-1a", "us-east-1b")})
    assert next(one for one in again.clusters if one.name == "payments") == seoul.clusters[0]
    assert next(one for one in again.tables if one.name == "ledger") == seoul.tables[0]
