"""What earlier runs of a playbook say about the next one. Decisions over records; nothing is read here."""

from collections.abc import Mapping, Sequence

from bot.incident.ports import Record
from bot.incident.run import Run, RunStatus
from bot.incident.walk import plan_of
from bot.playbook.forecast import Spread, Usual, spreads, whole
from bot.playbook.model import Playbook
from bot.playbook.offer import Experience

#: A run that ended in one of these has tried. A plan that was refused, or expired, says nothing about the playbook.
_TRIED: frozenset[RunStatus] = frozenset({"succeeded", "undone", "failed", "aborted"})


def experience(playbook: Playbook, records: Sequence[Record], usual: Usual) -> Experience:
    """How often it worked, and how long it usually takes. `usual` gives the stated duration of an action by its name."""
    tried = [record for record in records if record.status in _TRIED]
    worked = [record for record in tried if record.status == "succeeded"]
    forecast = whole(playbook, expected(playbook, records, usual))
    took = sorted(record.took for record in worked if record.took)
    length = forecast.p50 if forecast else took[(len(took) - 1) // 2] if took else None
    return Experience(len(worked), len(tried), length or None)


def expected(playbook: Playbook, records: Sequence[Record], usual: Usual) -> Mapping[str, Spread]:
    """How long each step usually takes; steps that nobody knows anything of are left out."""
    return spreads(playbook, [record.steps for record in records], usual)


def stated(run: Run) -> Usual:
    """How long the actions of the run say that they take, as its plan has it; None for all before it is planned."""
    plan = plan_of(run)
    return plan.usual.get if plan else _nothing


def _nothing(_action: str) -> None:
    return None
