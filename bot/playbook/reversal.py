"""Taking a run back: which rows, in which order, and what stays as it is. Pure.

The order is the reverse of what really happened, not of what is written: rows carry a number from the transaction that
wrote down their intent. A row that failed or was aborted may have had its effect all the same, so it is taken back too.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.errors import N_, Phrase, phrase
from bot.playbook.model import LocalText, Playbook, Step

_PREFIX = "undo:"


class Row(Protocol):
    """What is asked of a run's row (`bot.incident.run.Step`)."""

    @property
    def step(self) -> str: ...
    @property
    def written(self) -> str: ...
    @property
    def undoes(self) -> str | None: ...
    @property
    def happened(self) -> int | None: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True)
class Reversal:
    """`order`: the rows to take back, one after the other. `stays`: the rows that cannot be, and why."""

    order: tuple[str, ...] = ()
    stays: Mapping[str, LocalText | Phrase] = field(default_factory=dict)


def undo_row(row: str) -> str:
    """The name of the row that takes `row` back."""
    return f"{_PREFIX}{row}"


def reversal(playbook: Playbook, rows: Iterable[Row], row: str | None = None, *, only: bool = False) -> Reversal:
    """What taking back means now. `row` None: the whole run; a row: it and all that happened after it; `only`: it alone.

    The name of a `for_each` step stands for all of its elements. What has been taken back already is left out.
    """
    rows = list(rows)
    gone = {one.undoes for one in rows if one.undoes and one.state == "done"}
    happened = [one for one in rows if one.undoes is None and one.happened is not None and one.step not in gone]
    chosen = [one for one in happened if playbook.step(one.written).action]
    if row is not None:
        named = [one for one in chosen if row in {one.step, one.written}]
        since = min((one.happened or 0 for one in named), default=None)
        chosen = named if only else [one for one in chosen if since is not None and (one.happened or 0) >= since]
    latest_first = sorted(chosen, key=lambda one: one.happened or 0, reverse=True)
    stays = {one.step: _why(playbook.step(one.written)) for one in latest_first if not playbook.step(one.written).undo}
    return Reversal(tuple(one.step for one in latest_first if one.step not in stays), stays)


def can_be_undone(playbook: Playbook, rows: Collection[Row]) -> bool:
    """Whether there is anything to take back."""
    return bool(reversal(playbook, rows).order)


def _why(step: Step) -> LocalText | Phrase:
    match step.irreversible:
        case LocalText() as text:
            return text
        case str() as text:
            return Phrase("{why}", {"why": text})
    return phrase(N_("The playbook does not say how this is taken back."))
