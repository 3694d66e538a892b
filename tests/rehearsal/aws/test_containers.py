from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws


class Cluster:
    """A cluster named prod with a task definition `api`, in subnets of two zones."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws = aws
        self.ecs = aws.client("ecs")
        ec2 = aws.client("ec2")
        wanted = [{"Name": "availability-zone", "Values": ["us-east-1a", "us-east-1b"]}]
        self.subnets = [each["SubnetId"] for each in ec2.describe_subnets(Filters=wanted)["Subnets"]]
        self.group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        self.ecs.create_cluster(clusterName="prod")
        self.register()

    def register(self) -> str:
        container = {"name": "api", "image": "api:1", "memory": 128}
        registered = self.ecs.register_task_definition(family="api", containerDefinitions=[container])
        arn: str = registered["taskDefinition"]["taskDefinitionArn"]
        return arn

    def create(self, desired: int = 2, **settings: Any) -> dict[str, Any]:
        network = {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group]}}
        created: dict[str, Any] = self.ecs.create_service(
            cluster="prod",
            serviceName="api",
            taskDefinition="api",
            desiredCount=desired,
            networkConfiguration=network,
            deploymentConfiguration=settings,
        )["service"]
        return created

    def update(self, **changes: Any) -> dict[str, Any]:
        updated: dict[str, Any] = self.ecs.update_service(cluster="prod", service="api", **changes)["service"]
        return updated

    def service(self) -> dict[str, Any]:
        described: dict[str, Any] = self.ecs.describe_services(cluster="prod", services=["api"])["services"][0]
        return described

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(cluster="prod", serviceName="api", desiredStatus=status)["taskArns"]
        described: list[dict[str, Any]] = self.ecs.describe_tasks(cluster="prod", tasks=arns)["tasks"] if arns else []
        return described

    def after(self, seconds: float) -> dict[str, Any]:
        self.aws.clock.move(timedelta(seconds=seconds))
        return self.service()


@pytest.fixture
def cluster(aws: EmulatedAws) -> Cluster:
    return Cluster(aws)


def _counts(service: dict[str, Any]) -> tuple[int, int, int]:
    return service["desiredCount"], service["runningCount"], service["pendingCount"]


def _steady(service: dict[str, Any]) -> bool:
    """The condition of a careful operator, who does not trust boto3's waiter."""
    deployments = service["deployments"]
    done = len(deployments) == 1 and deployments[0]["rolloutState"] == "COMPLETED"
    return done and service["runningCount"] == service["desiredCount"] and service["pendingCount"] == 0


async def test_a_new_service_gets_its_tasks_step_by_step(cluster: Cluster) -> None:
    created = cluster.create()
    assert _counts(created) == (2, 0, 2)
    assert created["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert {task["lastStatus"] for task in cluster.tasks()} == {"PROVISIONING"}
    cluster.after(1)
    assert {task["lastStatus"] for task in cluster.tasks()} == {"PENDING"}
    assert _counts(cluster.after(1.9)) == (2, 0, 2)
    service = cluster.after(0.1)
    assert _counts(service) == (2, 2, 0)
    assert _steady(service)
    tasks = cluster.tasks()
    assert {task["lastStatus"] for task in tasks} == {"RUNNING"}
    assert {task["availabilityZone"] for task in tasks} == {"us-east-1a", "us-east-1b"}
    assert {task["startedBy"] for task in tasks} == {service["deployments"][0]["id"]}
    assert {task["taskDefinitionArn"] for task in tasks} == {service["taskDefinition"]}
    assert {task["startedAt"] for task in tasks} == {cluster.aws.clock.now()}
    assert "has reached a steady state." in service["events"][0]["message"]


async def test_a_forced_deployment_replaces_every_task_and_never_falls_below_the_desired_count(
    cluster: Cluster,
) -> None:
    cluster.create()
    before = {task["taskArn"] for task in (cluster.after(3), cluster.tasks())[1]}
    updated = cluster.update(forceNewDeployment=True)
    assert [each["status"] for each in updated["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert updated["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    seen = [cluster.after(0.5) for _ in range(9)]
    assert all(service["runningCount"] >= 2 for service in seen)
    assert not _steady(seen[-1])
    service = cluster.after(0.5)
    assert _steady(service)
    assert service["deployments"][0]["id"] == updated["deployments"][0]["id"]
    assert not before & {task["taskArn"] for task in cluster.tasks()}
    stopped = cluster.tasks("STOPPED")
    assert {task["taskArn"] for task in stopped} == before
    assert {task["stopCode"] for task in stopped} == {"ServiceSchedulerInitiated"}


async def test_one_great_move_of_the_clock_tells_the_same_story_as_many_small_ones(cluster: Cluster) -> None:
    cluster.create()
    cluster.after(3)
    cluster.update(forceNewDeployment=True)
    assert _steady(cluster.after(3600))


async def test_a_deployment_within_half_and_full_capacity_stops_before_it_starts(cluster: Cluster) -> None:
    cluster.create(minimumHealthyPercent=50, maximumPercent=100)
    cluster.after(3)
    cluster.update(forceNewDeployment=True)
    seen = [cluster.after(1) for _ in range(12)]
    assert min(service["runningCount"] for service in seen) == 1
    assert _steady(seen[-1])


async def test_a_new_task_definition_is_rolled_out(cluster: Cluster) -> None:
    cluster.create()
    cluster.after(3)
    second = cluster.register()
    cluster.update(taskDefinition="api:2")
    assert cluster.after(5)["taskDefinition"] == second
    assert {task["taskDefinitionArn"] for task in cluster.tasks()} == {second}


async def test_scaling_starts_no_deployment(cluster: Cluster) -> None:
    cluster.create()
    deployment = cluster.after(3)["deployments"][0]["id"]
    assert _counts(cluster.update(desiredCount=4)) == (4, 2, 2)
    service = cluster.after(3)
    assert _counts(service) == (4, 4, 0)
    assert [each["id"] for each in service["deployments"]] == [deployment]
    cluster.update(desiredCount=0)
    assert _counts(cluster.after(2)) == (0, 0, 0)


async def test_a_stopped_task_is_replaced(cluster: Cluster) -> None:
    cluster.create()
    cluster.after(3)
    arn = cluster.tasks()[0]["taskArn"]
    stopped = cluster.ecs.stop_task(cluster="prod", task=arn, reason="sick")["task"]
    assert (stopped["desiredStatus"], stopped["stoppedReason"]) == ("STOPPED", "sick")
    assert _counts(cluster.service()) == (2, 1, 1)
    assert _counts(cluster.after(3)) == (2, 2, 0)
    assert arn not in {task["taskArn"] for task in cluster.tasks()}


async def test_a_broken_service_trips_the_circuit_breaker_and_keeps_its_old_tasks(cluster: Cluster) -> None:
    cluster.create(deploymentCircuitBreaker={"enable": True, "rollback": False})
    cluster.after(3)
    old = {task["taskArn"] for task in cluster.tasks()}
    cluster.aws.ecs.break_service("api", "prod")
    cluster.update(forceNewDeployment=True)
    newest = cluster.after(3)["deployments"][0]
    assert (newest["failedTasks"], newest["rolloutState"]) == (2, "IN_PROGRESS")
    service = cluster.after(3)
    newest = service["deployments"][0]
    assert (newest["failedTasks"], newest["rolloutState"]) == (4, "FAILED")
    assert "circuit breaker" in newest["rolloutStateReason"]
    assert {task["taskArn"] for task in cluster.tasks()} == old
    crashed = cluster.tasks("STOPPED")[0]
    assert crashed["stopCode"] == "EssentialContainerExited"
    assert crashed["containers"][0]["exitCode"] == 1
    cluster.aws.ecs.mend_service("api", "prod")
    cluster.update(forceNewDeployment=True)
    assert _steady(cluster.after(5))


async def test_without_a_breaker_a_broken_deployment_fails_for_ever(cluster: Cluster) -> None:
    cluster.create()
    cluster.after(3)
    cluster.aws.ecs.break_service("api", "prod")
    cluster.update(forceNewDeployment=True)
    newest = cluster.after(60)["deployments"][0]
    assert newest["rolloutState"] == "IN_PROGRESS"
    assert newest["failedTasks"] == 40


async def test_a_breaker_with_rollback_returns_to_the_last_good_definition(cluster: Cluster) -> None:
    first = cluster.create(deploymentCircuitBreaker={"enable": True, "rollback": True})["taskDefinition"]
    cluster.after(3)
    cluster.register()
    cluster.aws.ecs.break_service("api", "prod")
    cluster.update(taskDefinition="api:2")
    cluster.after(5.9)
    cluster.aws.ecs.mend_service("api", "prod")
    service = cluster.after(10)
    assert service["taskDefinition"] == first
    assert _steady(service)
    assert any("rolling back" in event["message"] for event in service["events"])


async def test_sick_tasks_are_cured_by_their_replacement(cluster: Cluster) -> None:
    cluster.create()
    cluster.after(3)
    cluster.aws.ecs.sicken_tasks("api", "prod")
    assert {task["healthStatus"] for task in cluster.tasks()} == {"UNHEALTHY"}
    cluster.update(forceNewDeployment=True)
    cluster.after(5)
    assert {task["healthStatus"] for task in cluster.tasks()} == {"HEALTHY"}


async def test_what_does_not_exist_is_named(cluster: Cluster) -> None:
    failures = cluster.ecs.describe_tasks(cluster="prod", tasks=["nothing"])["failures"]
    assert failures == [{"arn": "nothing", "reason": "MISSING"}]
    services = cluster.ecs.describe_services(cluster="prod", services=["nothing"])
    assert (services["services"], services["failures"][0]["reason"]) == ([], "MISSING")
    cluster.create()
    with pytest.raises(ClientError, match="idempotent"):
        cluster.create()


@pytest.mark.parametrize("include", [[], ["TAGS"]])
async def test_a_service_is_shown_the_same_whoever_else_is_asked_about(cluster: Cluster, include: list[str]) -> None:
    """Alone it takes a shorter way."""
    cluster.create()
    cluster.ecs.tag_resource(resourceArn=cluster.service()["serviceArn"], tags=[{"key": "class", "value": "critical"}])
    ask = cluster.ecs.describe_services
    alone = ask(cluster="prod", services=["api"], include=include)["services"]
    assert ask(cluster="prod", services=["api", "nothing"], include=include)["services"] == alone
    assert ("tags" in alone[0]) == bool(include)


async def test_a_deleted_service_stops_its_tasks(cluster: Cluster) -> None:
    cluster.create()
    cluster.after(3)
    cluster.ecs.delete_service(cluster="prod", service="api", force=True)
    cluster.aws.clock.move(timedelta(seconds=2))
    assert cluster.tasks() == []


def _deployments(cluster: Cluster, **asked: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = cluster.ecs.list_service_deployments(cluster="prod", service="api", **asked)[
        "serviceDeployments"
    ]
    return listed


async def test_deployments_are_remembered_with_their_end(cluster: Cluster) -> None:
    cluster.create()
    cluster.after(3)
    cluster.update(taskDefinition=cluster.register())
    assert [each["status"] for each in _deployments(cluster)] == ["IN_PROGRESS", "SUCCESSFUL"]
    cluster.update(taskDefinition=cluster.register())
    cluster.after(60)
    assert [each["status"] for each in _deployments(cluster)] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert len(_deployments(cluster, status=["SUCCESSFUL"])) == 2


async def test_a_revision_says_its_task_definition_and_what_the_image_was(cluster: Cluster) -> None:
    cluster.create()
    arns = [each["targetServiceRevisionArn"] for each in _deployments(cluster)]
    described = cluster.ecs.describe_service_revisions(serviceRevisionArns=[*arns, f"{arns[0]}9"])
    [revision] = described["serviceRevisions"]
    assert revision["taskDefinition"].endswith("task-definition/api:1")
    [image] = revision["containerImages"]
    assert image["image"] == "api:1"
    assert image["imageDigest"].startswith("sha256:")
    assert [each["reason"] for each in described["failures"]] == ["MISSING"]


async def test_deployments_come_in_pages(cluster: Cluster) -> None:
    cluster.create()
    for _ in range(2):
        cluster.update(forceNewDeployment=True)
    first = cluster.ecs.list_service_deployments(cluster="prod", service="api", maxResults=2)
    assert len(first["serviceDeployments"]) == 2
    rest = cluster.ecs.list_service_deployments(
        cluster="prod", service="api", maxResults=2, nextToken=first["nextToken"]
    )
    assert len(rest["serviceDeployments"]) == 1
    assert "nextToken" not in rest


async def test_a_release_may_be_spoiled(cluster: Cluster) -> None:
    cluster.create()
    bad = cluster.register()
    cluster.aws.ecs.spoil_release(bad)
    cluster.update(taskDefinition=bad)
    assert _steady(cluster.after(60))
    assert {task["healthStatus"] for task in cluster.tasks()} == {"UNHEALTHY"}
