"""boto3's own paginators and waiters work on the emulated AWS: every list that a feature answers is read page by page."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, WaiterError

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.permissions import ROLE_ARN
from bot.rehearsal.front import OTHER_REGION, Front
from tests.rehearsal.aws.backup_lists import BACKUP_LISTS

QUICK = {"Delay": 0, "MaxAttempts": 200}
TWO_PAGES = {"PageSize": 2}
COUNT = 5


class Asked(Clock):
    """A clock on which a second passes whenever somebody asks: what waits by asking again needs no time of ours."""

    def __init__(self) -> None:
        super().__init__(start=datetime(2026, 3, 1, 12, tzinfo=UTC))

    def now(self) -> datetime:
        self._offset += self.scaled(1)
        return super().now()


@pytest.fixture
async def passing() -> AsyncIterator[EmulatedAws]:
    """An emulated AWS whose time passes by being asked."""
    async with EmulatedAws(clock=Asked()) as running:
        yield running


def service(aws: EmulatedAws, desired: int = COUNT, image: str = "web:1") -> Mapping[str, str]:
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="shop")
    container = {"name": "web", "image": image, "memory": 128}
    ecs.register_task_definition(family="web", containerDefinitions=[container])
    ecs.create_service(cluster="shop", serviceName="web", taskDefinition="web:1", desiredCount=desired)
    return {"cluster": "shop", "serviceName": "web"}


def shifts(aws: EmulatedAws) -> Mapping[str, str]:
    front = Front(aws)
    front.build()
    arc, load_balancer = aws.client("arc-zonal-shift"), next(iter(front.arns.values()))
    for _ in range(COUNT):
        shift = arc.start_zonal_shift(
            resourceIdentifier=load_balancer, awayFrom=next(iter(front.zones.values())), expiresIn="1h", comment="-"
        )
        arc.cancel_zonal_shift(zonalShiftId=shift["zonalShiftId"])
    return {}


def autoshifts(aws: EmulatedAws) -> Mapping[str, str]:
    for number in range(1, COUNT + 1):
        aws.zonal_shifts.start_autoshift(f"use1-az{number}")
    return {}


def plans(aws: EmulatedAws) -> Mapping[str, str]:
    for _ in range(COUNT):
        Front(aws).make_plan()
    return {}


def executions(aws: EmulatedAws) -> Mapping[str, str]:
    plan, arc = Front(aws).make_plan(), aws.client("arc-region-switch", OTHER_REGION)
    for number in range(COUNT):
        made = arc.start_plan_execution(
            planArn=plan, targetRegion=OTHER_REGION, action="activate", clientToken=str(number)
        )
        arc.cancel_plan_execution(planArn=plan, executionId=made["executionId"])
    return {"planArn": plan}


def execution(aws: EmulatedAws) -> Mapping[str, str]:
    plan, arc = Front(aws).make_plan(), aws.client("arc-region-switch", OTHER_REGION)
    made = arc.start_plan_execution(planArn=plan, targetRegion=OTHER_REGION, action="activate")
    return {"planArn": plan, "executionId": made["executionId"]}


def backups(aws: EmulatedAws) -> Mapping[str, str]:
    for number in range(COUNT):
        aws.client("dynamodb").create_backup(TableName=table(aws), BackupName=f"nightly-{number}")
    return {}


def items(aws: EmulatedAws) -> Mapping[str, Any]:
    name = table(aws)
    for number in range(COUNT):
        aws.client("dynamodb").put_item(TableName=name, Item={"id": {"S": "one"}, "at": {"N": str(number)}})
    return {"TableName": name}


def queried(aws: EmulatedAws) -> Mapping[str, Any]:
    return {
        **items(aws), "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "one"}},
    }  # fmt: skip


def versions(aws: EmulatedAws) -> Mapping[str, str]:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="assets")
    s3.put_bucket_versioning(Bucket="assets", VersioningConfiguration={"Status": "Enabled"})
    for number in range(COUNT):
        s3.put_object(Bucket="assets", Key="one", Body=str(number).encode())
    return {"Bucket": "assets"}


def objects(aws: EmulatedAws) -> Mapping[str, str]:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="assets")
    for number in range(COUNT):
        s3.put_object(Bucket="assets", Key=f"key-{number}", Body=b"-")
    return {"Bucket": "assets"}


def table(aws: EmulatedAws) -> str:
    dynamodb = aws.client("dynamodb")
    if "orders" not in dynamodb.list_tables()["TableNames"]:
        dynamodb.create_table(
            TableName="orders", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"},
            ],
        )  # fmt: skip
    return "orders"


def groups(aws: EmulatedAws) -> Mapping[str, Any]:
    scaling = aws.client("autoscaling")
    scaling.create_launch_configuration(
        LaunchConfigurationName="worker", ImageId="ami-12c6146b", InstanceType="t3.micro"
    )
    for number in range(COUNT):
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=f"workers-{number}", LaunchConfigurationName="worker", MinSize=1, MaxSize=1,
            AvailabilityZones=["us-east-1a"],
        )  # fmt: skip
    return {}


def actions(_aws: EmulatedAws) -> Mapping[str, Any]:
    return {"PolicySourceArn": ROLE_ARN, "ActionNames": [f"ecs:Action{number}" for number in range(COUNT)]}


#: How to make COUNT things (or so many as there can be), and what to ask then: by service and operation.
PAGINATED: Mapping[tuple[str, str], tuple[Callable[[EmulatedAws], Mapping[str, Any]], int, str]] = {
    ("arc-region-switch", "GetPlanExecution"): (execution, 3, OTHER_REGION),
    ("arc-region-switch", "ListPlanExecutions"): (executions, COUNT, OTHER_REGION),
    ("arc-region-switch", "ListPlansInRegion"): (plans, COUNT, OTHER_REGION),
    ("arc-zonal-shift", "ListAutoshifts"): (autoshifts, COUNT, "us-east-1"),
    ("arc-zonal-shift", "ListZonalShifts"): (shifts, COUNT, "us-east-1"),
    ("autoscaling", "DescribeAutoScalingGroups"): (groups, COUNT, "us-east-1"),
    ("autoscaling", "DescribeScalingActivities"): (groups, COUNT, "us-east-1"),
    ("dynamodb", "ListBackups"): (backups, COUNT, "us-east-1"),
    ("dynamodb", "Query"): (queried, COUNT, "us-east-1"),
    ("dynamodb", "Scan"): (items, COUNT, "us-east-1"),
    ("ec2", "DescribeInstances"): (groups, COUNT, "us-east-1"),
    ("ecs", "ListTasks"): (service, COUNT, "us-east-1"),
    ("iam", "SimulatePrincipalPolicy"): (actions, COUNT, "us-east-1"),
    ("s3", "ListObjectVersions"): (versions, COUNT, "us-east-1"),
    ("s3", "ListObjects"): (objects, COUNT, "us-east-1"),
    ("s3", "ListObjectsV2"): (objects, COUNT, "us-east-1"),
    **BACKUP_LISTS,
}
#: Lists that never grow past a page here, or are read page by page elsewhere, with the reason.
SHORT = {
    ("cloudwatch", "GetMetricData"): "one result for each query that was asked",
    ("elasticache", "DescribeGlobalReplicationGroups"): "one datastore in the shop",
    ("elasticache", "DescribeReplicationGroups"): "one group in the shop",
    ("rds", "DescribeDBClusters"): "a few clusters in the shop; pages of instances: test_databases.py",
    ("rds", "DescribeDBInstances"): "test_databases.py",
    ("rds", "DescribeGlobalClusters"): "one global cluster in the shop",
    ("route53", "ListHealthChecks"): "moto's own pages",
    ("route53-recovery-cluster", "ListRoutingControls"): "one for each region",
    ("route53-recovery-control-config", "ListClusters"): "AWS allows two in an account",
    ("route53-recovery-control-config", "ListControlPanels"): "the one that comes with the cluster",
    ("route53-recovery-control-config", "ListRoutingControls"): "one for each region",
    ("route53-recovery-control-config", "ListSafetyRules"): "one in the shop",
    ("arc-region-switch", "GetPlanEvaluationStatus"): "as many warnings as a test gives",
    ("arc-region-switch", "ListPlanExecutionEvents"): "only steps that failed",
    ("autoscaling", "DescribeAutoScalingInstances"): "moto gives all of them at once",
    ("ec2", "DescribeInstanceStatus"): "moto gives all of them at once",
    ("ec2", "DescribeSubnets"): "moto gives all of them at once",
}


@pytest.mark.parametrize("asked", PAGINATED, ids=".".join)
async def test_a_list_is_read_page_by_page_each_of_it_once(aws: EmulatedAws, asked: tuple[str, str]) -> None:
    make, count, region = PAGINATED[asked]
    parameters = make(aws)
    paginator = aws.client(asked[0], region).get_paginator(xform_name(asked[1]))
    name = paginator.result_keys[0].expression
    pages = [page[name] for page in paginator.paginate(**parameters, PaginationConfig=TWO_PAGES)]
    assert len({str(one) for page in pages for one in page}) == count
    assert [len(page) for page in pages if page] == [2] * (count // 2) + [1] * (count % 2)


async def test_a_token_that_was_never_given_is_refused(aws: EmulatedAws) -> None:
    service(aws)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        aws.client("ecs").list_tasks(cluster="shop", nextToken="none")
    with pytest.raises(ClientError, match="ValidationException"):
        aws.client("arc-zonal-shift").list_zonal_shifts(nextToken="7")


def test_every_list_that_a_feature_answers_is_read_above(aws_idle: EmulatedAws) -> None:
    lists = {
        (service, operation) for service, operation in aws_idle._handlers
        if aws_idle.client(service).can_paginate(xform_name(operation))
    }  # fmt: skip
    assert lists == PAGINATED.keys() | SHORT.keys()


@pytest.fixture
def aws_idle() -> EmulatedAws:
    """Asked nothing, so it need not run."""
    return EmulatedAws(port=1)


async def test_ecs_tells_its_waiters_when_tasks_run_and_the_service_is_steady(passing: EmulatedAws) -> None:
    service(passing)
    ecs = passing.client("ecs")
    ecs.get_waiter("services_stable").wait(cluster="shop", services=["web"], WaiterConfig=QUICK)
    tasks = ecs.list_tasks(cluster="shop")["taskArns"]
    ecs.get_waiter("tasks_running").wait(cluster="shop", tasks=tasks, WaiterConfig=QUICK)
    ecs.stop_task(cluster="shop", task=tasks[0])
    ecs.get_waiter("tasks_stopped").wait(cluster="shop", tasks=tasks[:1], WaiterConfig=QUICK)
    ecs.get_waiter("services_stable").wait(cluster="shop", services=["web"], WaiterConfig=QUICK)
    ecs.delete_service(cluster="shop", service="web", force=True)
    ecs.get_waiter("services_inactive").wait(cluster="shop", services=["web"], WaiterConfig=QUICK)


async def test_tasks_that_crash_fail_the_waiter_for_running_ones(passing: EmulatedAws) -> None:
    passing.ecs.break_service("web", "shop")
    service(passing, desired=1)
    ecs = passing.client("ecs")
    tasks = ecs.list_tasks(cluster="shop")["taskArns"]
    with pytest.raises(WaiterError, match="STOPPED"):
        ecs.get_waiter("tasks_running").wait(cluster="shop", tasks=tasks, WaiterConfig=QUICK)


async def test_dynamodb_tells_its_waiters_when_a_restored_table_is_there(passing: EmulatedAws) -> None:
    dynamodb = passing.client("dynamodb")
    backup = dynamodb.create_backup(TableName=table(passing), BackupName="first")["BackupDetails"]["BackupArn"]
    dynamodb.restore_table_from_backup(TargetTableName="restored", BackupArn=backup)
    assert dynamodb.describe_table(TableName="restored")["Table"]["TableStatus"] == "CREATING"
    dynamodb.get_waiter("table_exists").wait(TableName="restored", WaiterConfig=QUICK)
    dynamodb.delete_table(TableName="restored")
    dynamodb.get_waiter("table_not_exists").wait(TableName="restored", WaiterConfig=QUICK)


async def test_elb_tells_its_waiter_when_targets_are_in_service(passing: EmulatedAws) -> None:
    front = Front(passing)
    front.build()
    group = next(iter(front.groups.values()))
    passing.client("elbv2").get_waiter("target_in_service").wait(TargetGroupArn=group, WaiterConfig=QUICK)


async def test_region_switch_tells_its_waiter_when_the_plan_is_done(passing: EmulatedAws) -> None:
    asked, arc = execution(passing), passing.client("arc-region-switch", OTHER_REGION)
    arc.approve_plan_execution_step(**asked, stepName="confirm the switch", approval="approve")
    arc.get_waiter("plan_execution_completed").wait(**asked, WaiterConfig=QUICK)
    arc.get_waiter("plan_evaluation_status_passed").wait(planArn=asked["planArn"], WaiterConfig=QUICK)


async def test_reads_of_items_in_one_transaction_or_statement_pass_through(aws: EmulatedAws) -> None:
    asked, dynamodb = items(aws), aws.client("dynamodb")
    key = {"id": {"S": "one"}, "at": {"N": "1"}}
    got = dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": asked["TableName"], "Key": key}}])
    assert [one["Item"] for one in got["Responses"]] == [key]
    statement = {"Statement": "SELECT * FROM orders WHERE id = 'one' AND at = 1"}
    assert dynamodb.batch_execute_statement(Statements=[statement])["Responses"]
    insert = {"Statement": "INSERT INTO orders VALUE {'id': 'two', 'at': 7}"}
    dynamodb.execute_transaction(TransactStatements=[insert])
    assert dynamodb.get_item(TableName="orders", Key={"id": {"S": "two"}, "at": {"N": "7"}})["Item"]
