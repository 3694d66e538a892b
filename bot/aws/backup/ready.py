"""`backup.recovery_point_ready`: the newest recovery point from before a moment. What is younger than it would be lost."""

from datetime import timedelta
from typing import ClassVar

from pydantic import AwareDatetime

from bot.aws.backup.points import PointArn, Protected, chosen, faults
from bot.aws.dynamodb.table import describe
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Progress, check
from escalation.duration import format_duration

_CALLS = (
    "backup:DescribeBackupVault",
    "backup:DescribeRecoveryPoint",
    "backup:ListRecoveryPointsByBackupVault",
    "dynamodb:DescribeTable",
)


class Before(Protected):
    """`recovery_point`: an ARN; left out, the newest one that holds nothing later than `before`."""

    before: AwareDatetime
    recovery_point: PointArn = ""


@check(
    "backup.recovery_point_ready",
    Before,
    permissions=_CALLS,
    outputs={"recovery_point": "str", "made_at": "time", "age": "duration", "exists": "bool"},
    calls=_CALLS,
    takes=timedelta(seconds=5),
    faults=faults,
)
class RecoveryPointReady:
    """Holds when there is one. `age`: how much would be lost. `exists`: the table itself is still there."""

    facts: ClassVar[Facts]

    def look(self, params: Before, aws: Aws, attempt: Attempt) -> Progress:
        point = chosen(aws, params, params.before, params.recovery_point, attempt.now)
        if isinstance(point, Phrase):
            return Failed(point)
        age = max(attempt.now - point.holds, timedelta())
        what = N_("{name} as of {at} can be restored: what was written in the {age} since then would be lost.")
        note = phrase(what, name=params.name, at=point.holds, age=age)
        exists = params.table is None or describe(aws, params.table) is not None
        told = {"made_at": point.holds.isoformat(), "age": format_duration(age), "exists": exists}
        return Done(note, {"recovery_point": point.arn, **told})
