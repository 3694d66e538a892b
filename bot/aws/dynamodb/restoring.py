"""What every restore of a table shares, wherever its items come from: permissions, cost, and waiting for its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any

from bot.aws.dynamodb.table import Table, is_ready, whole_second
from bot.aws.polling import SETTLING, next_look
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Done, Failed, Progress, Working

#: AWS checks these on the new table, though we never call them on it ourselves.
ON_NEW_TABLE = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
#: Another process of ours was faster; whether its table is the one we want is looked at afterwards.
TAKEN = frozenset({"TableAlreadyExistsException", "TableInUseException"})

#: US dollars for each GB of table data that is restored, in most regions. https://aws.amazon.com/dynamodb/pricing/
_PER_GB = Decimal("0.15")


@dataclass(frozen=True)
class Restoring:
    """The table `target` with the items of `source` as they were `at` that moment."""

    target: str
    source: str
    at: datetime


def iso(at: datetime) -> str:
    return whole_second(at).isoformat()


def cost(size_bytes: int) -> Decimal:
    """About what AWS charges for the restore: the size that it states is up to six hours old."""
    return (Decimal(size_bytes) / 2**30 * _PER_GB).quantize(Decimal("0.01"), ROUND_UP)


def warnings(at: datetime) -> tuple[Phrase, ...]:
    return (
        phrase(N_("Takes 10 to 40 minutes as a rule, sometimes more than an hour; AWS promises no time.")),
        phrase(N_("What was written after {at} is not in the new table."), at=at),
        phrase(N_("Do not change IAM policies of Lifeboat's role while the restore runs: it would fail.")),
    )


def progress(
    found: Table | None, wanted: Restoring, attempt: Attempt, memory: Mapping[str, Any], **output: Any
) -> Progress:
    """How far it is. `found`: the target, which the caller has recognised as its own; None: it is not there."""
    if found is None:
        return _absent(wanted.target, attempt, memory)
    if is_ready(found):
        fields = {"target": wanted.target, "table": wanted.source, "at": wanted.at}
        known = {"table": wanted.target, "source": wanted.source, "at": iso(wanted.at)}
        return Done(phrase(N_("{target} holds {table} as of {at}."), **fields), known | output)
    if found["TableStatus"] not in {"CREATING", "UPDATING", "ACTIVE"}:
        what = N_("The restored table {target} is {status}. Look at it in the DynamoDB console; then retry the step.")
        return Failed(phrase(what, target=wanted.target, status=found["TableStatus"]))
    what = N_("Restoring {target} as of {at}: {status} for {elapsed}")
    elapsed = attempt.now - attempt.started_at
    note = phrase(what, target=wanted.target, at=wanted.at, status=found["TableStatus"], elapsed=elapsed)
    return Working(note, again_in=next_look(attempt), memory=memory)


def _absent(target: str, attempt: Attempt, memory: Mapping[str, Any]) -> Progress:
    asked_at = datetime.fromisoformat(memory.get("asked_at", attempt.started_at.isoformat()))
    if attempt.now - asked_at < SETTLING:
        note = phrase(N_("AWS has accepted the restore; {target} is not visible yet."), target=target)
        return Working(note, again_in=next_look(attempt), memory=memory)
    what = N_("{target} is gone: the restore ended without a table, or someone deleted it. Retry the step.")
    return Failed(phrase(what, target=target))
