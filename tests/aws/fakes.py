"""Stand-ins for AWS: moto where it is faithful, and small hand-written clients where it is not."""

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.validate import ParamValidator

from bot.aws.session import Session
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Attempt

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
INCIDENT = "inc-7"


def attempt(
    after: float = 0, memory: Mapping[str, Any] | None = None, incident: str = INCIDENT, started_at: datetime = T0
) -> Attempt:
    """An attempt that started at T0, `after` seconds later."""
    now = started_at + timedelta(seconds=after)
    return Attempt(incident, "run-1", "step-1", 1, started_at, now, memory or {})


def refused(code: str, *, retry: bool = False) -> ActionFailed:
    return ActionFailed(phrase(N_("{code}"), code=code), retry=retry, code=code)


def assert_valid(service: str, method: str, parameters: Mapping[str, Any]) -> None:
    if service:
        model = service_model(service)
        operation = next(o for o in model.operation_names if xform_name(o) == method)
        report = ParamValidator().validate(parameters, model.operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()


@cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


class Recorded:
    """A client that writes down what it was asked, and can be told to fail before or after it does something.

    With an `api`, what it is asked must be what botocore would send: an unknown or missing parameter fails the test.
    """

    api = ""

    def __init__(self, client: Any = None) -> None:
        self._client = client
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.instead: dict[str, Callable[..., Any]] = {}
        self.fail_before: dict[str, Exception] = {}
        self.fail_after: dict[str, Exception] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith(("_", "fake_")):
            raise AttributeError(name)
        does = self.instead.get(name) or getattr(self, f"fake_{name}", None) or getattr(self._client, name)

        def call(**parameters: Any) -> Any:
            self.calls.append((name, copy.deepcopy(parameters)))
            assert_valid(self.api, name, parameters)
            if name in self.fail_before:
                raise self.fail_before[name]
            answer = does(**parameters)
            if name in self.fail_after:
                raise self.fail_after.pop(name)
            return answer

        return call

    def count(self, name: str) -> int:
        return sum(called == name for called, _ in self.calls)

    @property
    def changes(self) -> list[str]:
        reads = ("describe_", "list_", "get_", "scan", "batch_get_")
        return [name for name, _ in self.calls if not name.startswith(reads)]


class Dynamo(Recorded):
    """moto's DynamoDB with what it lacks: restores that take time and say their moment, a window, Kinesis, insights."""

    api = "dynamodb"

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.moments: dict[str, datetime] = {}
        self.restoring: set[str] = set()
        self.building: set[str] = set()
        self.described: dict[str, dict[str, Any]] = {}
        self.earliest, self.latest = T0 - timedelta(days=1), T0
        self.recovery_period: dict[str, int] = {}
        self.kinesis: dict[str, dict[str, str]] = {}
        self.insights: dict[tuple[str, str], str] = {}

    def fake_restore_table_to_point_in_time(self, **parameters: Any) -> Any:
        moment = parameters["RestoreDateTime"]
        answer = self._client.restore_table_to_point_in_time(**parameters)
        self.moments[parameters["TargetTableName"]] = datetime.fromisoformat(moment)
        self.restoring.add(parameters["TargetTableName"])
        return answer

    def fake_describe_table(self, **parameters: Any) -> Any:
        answer = self._client.describe_table(**parameters)
        table, name = answer["Table"], parameters["TableName"]
        if "RestoreSummary" in table and name in self.moments:
            table["RestoreSummary"] |= {
                "RestoreDateTime": self.moments[name],
                "RestoreInProgress": name in self.restoring,
            }
        if name in self.restoring:
            table["TableStatus"] = "CREATING"
        if name in self.building:
            table["GlobalSecondaryIndexes"][0]["IndexStatus"] = "CREATING"
        return {"Table": table | self.described.get(name, {})}

    def fake_describe_continuous_backups(self, **parameters: Any) -> Any:
        answer = self._client.describe_continuous_backups(**parameters)
        recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        answer["ContinuousBackupsDescription"]["ContinuousBackupsStatus"] = "ENABLED"  # as AWS always says
        if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
            recovery |= {
                "EarliestRestorableDateTime": self.earliest,
                "LatestRestorableDateTime": self.latest,
                "RecoveryPeriodInDays": self.recovery_period.get(parameters["TableName"], 35),
            }
        return answer

    def fake_update_continuous_backups(self, **parameters: Any) -> Any:
        days = parameters["PointInTimeRecoverySpecification"].get("RecoveryPeriodInDays", 35)
        self.recovery_period[parameters["TableName"]] = days
        return self._client.update_continuous_backups(**parameters)

    def fake_describe_kinesis_streaming_destination(self, TableName: str) -> Any:  # noqa: N803  # AWS's own name
        streams = self.kinesis.get(TableName, {})
        return {
            "TableName": TableName,
            "KinesisDataStreamDestinations": [
                {"StreamArn": arn, "DestinationStatus": "ACTIVE", "ApproximateCreationDateTimePrecision": precision}
                for arn, precision in streams.items()
            ],
        }

    def fake_enable_kinesis_streaming_destination(self, **parameters: Any) -> Any:
        precision = parameters["EnableKinesisStreamingConfiguration"]["ApproximateCreationDateTimePrecision"]
        self.kinesis.setdefault(parameters["TableName"], {})[parameters["StreamArn"]] = precision
        return {}

    def fake_describe_contributor_insights(self, **parameters: Any) -> Any:
        mode = self.insights.get((parameters["TableName"], parameters.get("IndexName", "")))
        status = {"ContributorInsightsStatus": "ENABLED" if mode else "DISABLED"}
        return status | ({"ContributorInsightsMode": mode} if mode else {})

    def fake_update_contributor_insights(self, **parameters: Any) -> Any:
        where = (parameters["TableName"], parameters.get("IndexName", ""))
        self.insights[where] = parameters["ContributorInsightsMode"]
        return {}


class Ecs(Recorded):
    """One service whose tasks a test replaces by hand; moto's services never get tasks."""

    api = "ecs"

    def __init__(self, desired: int = 2) -> None:
        super().__init__()
        self.made = 0
        self.now = T0 - timedelta(days=3)
        self.service: dict[str, Any] = {
            "serviceName": "orders",
            "status": "ACTIVE",
            "desiredCount": desired,
            "runningCount": desired,
            "pendingCount": 0,
            "deployments": [],
            "events": [],
            "loadBalancers": [],
            "deploymentConfiguration": {"minimumHealthyPercent": 50, "maximumPercent": 200},
        }
        self.deploy()
        self.finish()

    def deploy(self) -> dict[str, Any]:
        self.made += 1
        for old in self.service["deployments"]:
            old["status"] = "ACTIVE"
        new = {
            "id": f"ecs-svc/{self.made}",
            "status": "PRIMARY",
            "taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/orders:7",
            "createdAt": self.now,
            "rolloutState": "IN_PROGRESS",
            "failedTasks": 0,
        }
        self.service["deployments"].insert(0, new)
        return new

    def finish(self) -> None:
        self.service["deployments"] = self.service["deployments"][:1]
        self.service["deployments"][0]["rolloutState"] = "COMPLETED"

    def fake_describe_services(self, cluster: str, services: list[str]) -> Any:
        known = cluster == "shop" and services == ["orders"]
        return {"services": [copy.deepcopy(self.service)] if known else [], "failures": []}

    def fake_update_service(self, **_: Any) -> Any:
        self.now = T0 + timedelta(seconds=1)
        self.deploy()
        return {"service": copy.deepcopy(self.service)}


class Targets(Recorded):
    """A target group with so many healthy targets."""

    api = "elbv2"
    healthy = 0
    delay = "300"

    def fake_describe_target_health(self, **_: Any) -> Any:
        states = ["healthy"] * self.healthy + ["initial"]
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in states]}

    def fake_describe_target_group_attributes(self, **_: Any) -> Any:
        return {"Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": self.delay}]}


class World:
    """`Aws` for a test: the clients it names, and moto for the others."""

    region = "us-east-1"

    def __init__(self, session: Session, **clients: Any) -> None:
        self._session, self._clients = session, clients

    def client(self, service: str, region: str | None = None) -> Any:
        return self._clients.get(service) or self._session.client(service, region)
