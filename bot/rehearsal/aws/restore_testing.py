"""AWS Backup's restore testing: plans with what they restore, and the metadata that AWS would restore with.

A plan's schedule is kept and never comes by itself: `run` is its hand. Not emulated: updates, selection by tags, random
points, and AWS's own deletion of what a plan has restored.
https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.backup_vaults import MOST, BackupVaults, Point
from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.restore_jobs import USABLE, RestoreJobs

_WINDOW_DAYS = 30


@dataclass
class TestingPlan:
    asked: Mapping[str, Any]
    arn: str
    made_at: datetime
    ran_at: datetime | None = None
    selections: dict[str, Mapping[str, Any]] = field(default_factory=dict)


class RestoreTesting:
    def __init__(self, clock: Clock, vaults: BackupVaults, jobs: RestoreJobs) -> None:
        self._clock, self._vaults, self._jobs = clock, vaults, jobs
        self._plans: dict[tuple[str, str], TestingPlan] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateRestoreTestingPlan": self._create,
            "GetRestoreTestingPlan": self._get,
            "ListRestoreTestingPlans": self._list,
            "DeleteRestoreTestingPlan": self._delete,
            "CreateRestoreTestingSelection": self._select,
            "GetRestoreTestingSelection": self._get_selection,
            "ListRestoreTestingSelections": self._list_selections,
            "DeleteRestoreTestingSelection": self._delete_selection,
            "GetRestoreTestingInferredMetadata": self._infer,
        }
        return {("backup", name): handler for name, handler in by_name.items()}

    def run(self, name: str, region: str = "us-east-1") -> list[str]:
        """What the plan's schedule does: the ids of the restore jobs that it starts, one for each resource."""
        plan, now = self._plans[region, name], self._clock.now()
        plan.ran_at, days = now, plan.asked["RecoveryPointSelection"].get("SelectionWindowDays", _WINDOW_DAYS)
        started = []
        for selection in plan.selections.values():
            newest = {
                point.resource: point
                for point in self._vaults.of(region)
                if point.status_at(now) in USABLE and point.made_at >= now - timedelta(days=days)
                if point.content.kind == selection["ProtectedResourceType"]
                if set(selection.get("ProtectedResourceArns", ["*"])) & {"*", point.resource}
            }
            for point in newest.values():
                overrides = selection.get("RestoreMetadataOverrides", {})
                metadata = {**self._inferred(point), **overrides}
                asked = {"RecoveryPointArn": point.arn, "Metadata": metadata, "IamRoleArn": selection["IamRoleArn"]}
                started.append(self._jobs.begin(region, asked, plan.arn).id)
        return started

    async def _create(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters["RestoreTestingPlan"]
        name = asked["RestoreTestingPlanName"]
        if (call.region, name) in self._plans:
            raise AwsError("AlreadyExistsException", f"There is a restore testing plan {name} already.")
        arn = f"arn:aws:backup:{call.region}:{ACCOUNT}:restore-testing-plan:{name}-{uuid4()}"
        plan = self._plans[call.region, name] = TestingPlan(asked, arn, self._clock.now())
        return {"CreationTime": plan.made_at, "RestoreTestingPlanArn": arn, "RestoreTestingPlanName": name}

    async def _get(self, call: Call, _moto: Moto) -> Answer:
        plan = self._plan(call)
        shown = _listed(plan) | {"RecoveryPointSelection": plan.asked["RecoveryPointSelection"]}
        return {"RestoreTestingPlan": shown}

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        found = [_listed(plan) for (region, _), plan in self._plans.items() if region == call.region]
        return paged(call, {"RestoreTestingPlans": found}, MOST)

    async def _delete(self, call: Call, _moto: Moto) -> Answer:
        if self._plan(call).selections:
            raise AwsError("InvalidRequestException", "Delete the plan's selections first.")
        del self._plans[call.region, call.parameters["RestoreTestingPlanName"]]
        return {}

    async def _select(self, call: Call, _moto: Moto) -> Answer:
        plan, asked = self._plan(call), call.parameters["RestoreTestingSelection"]
        name = asked["RestoreTestingSelectionName"]
        if name in plan.selections:
            raise AwsError("AlreadyExistsException", f"There is a selection {name} already.")
        plan.selections[name] = {**asked, "CreationTime": self._clock.now()}
        return {
            "CreationTime": self._clock.now(),
            "RestoreTestingPlanArn": plan.arn,
            "RestoreTestingPlanName": plan.asked["RestoreTestingPlanName"],
            "RestoreTestingSelectionName": name,
        }

    async def _get_selection(self, call: Call, _moto: Moto) -> Answer:
        plan = self._plan(call)
        named = {"RestoreTestingPlanName": plan.asked["RestoreTestingPlanName"]}
        return {"RestoreTestingSelection": {**_selection(plan, call), **named}}

    async def _list_selections(self, call: Call, _moto: Moto) -> Answer:
        plan = self._plan(call)
        kept = (
            "CreationTime",
            "IamRoleArn",
            "ProtectedResourceType",
            "RestoreTestingSelectionName",
            "ValidationWindowHours",
        )
        named = {"RestoreTestingPlanName": plan.asked["RestoreTestingPlanName"]}
        found = [{key: one[key] for key in kept if key in one} | named for one in plan.selections.values()]
        return paged(call, {"RestoreTestingSelections": found}, MOST)

    async def _delete_selection(self, call: Call, _moto: Moto) -> Answer:
        plan = self._plan(call)
        _selection(plan, call)
        del plan.selections[call.parameters["RestoreTestingSelectionName"]]
        return {}

    async def _infer(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        point = self._vaults.find(call.region, asked["RecoveryPointArn"], asked["BackupVaultName"])
        return {"InferredMetadata": self._inferred(point)}

    def _inferred(self, point: Point) -> dict[str, str]:
        name = f"awsbackup-restore-test-{uuid4().hex[:12]}"
        if point.content.kind == "S3":
            return {"destinationBucketName": name, "encrypted": "true", "encryptionType": "SSE-S3", "newBucket": "true"}
        return {"deletionProtection": "false", "encryptionType": "Default", "targetTableName": name}

    def _plan(self, call: Call) -> TestingPlan:
        name = call.parameters["RestoreTestingPlanName"]
        plan = self._plans.get((call.region, name))
        if plan is None:
            raise AwsError("ResourceNotFoundException", f"There is no restore testing plan {name}.")
        return plan


def _selection(plan: TestingPlan, call: Call) -> Mapping[str, Any]:
    name = call.parameters["RestoreTestingSelectionName"]
    if name not in plan.selections:
        raise AwsError("ResourceNotFoundException", f"There is no selection {name}.")
    return plan.selections[name]


def _listed(plan: TestingPlan) -> dict[str, Any]:
    asked = plan.asked
    return {
        "CreationTime": plan.made_at,
        "LastExecutionTime": plan.ran_at,
        "LastUpdateTime": plan.made_at,
        "RestoreTestingPlanArn": plan.arn,
        "RestoreTestingPlanName": asked["RestoreTestingPlanName"],
        "ScheduleExpression": asked["ScheduleExpression"],
        "ScheduleExpressionTimezone": asked.get("ScheduleExpressionTimezone", "Etc/UTC"),
        "StartWindowHours": asked.get("StartWindowHours", 24),
    }
