"""What a drawing says of each step: what it does, how often, under which condition, and how far a run of it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.errors import N_
from bot.incident.run import Step as Row
from bot.incident.run import StepStatus
from bot.language import Words
from bot.playbook.graph import STATE_NAMES
from bot.playbook.model import Playbook, Step

#: What a step is to whoever looks on: it only looks, changes AWS, asks a person, or is done by one.
Manner = Literal["looks", "changes", "asks", "by hand"]

TIMES = "\N{MULTIPLICATION SIGN}"
_MANNERS: Mapping[Manner, str] = {
    "looks": N_("looks"), "changes": N_("changes"), "asks": N_("asks"), "by hand": N_("by hand"),
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """How far a step of a run is. `over` of `elements` are behind it when it is done for each item of a list."""

    state: StepStatus
    over: int = 0
    elements: int = 0
    undone: bool = False


@dataclass(frozen=True)
class Node:
    """One step, in words of the reader. `marks` begin with its manner; `undo` says that it has one; `progress` is empty where there is no run."""

    id: str
    title: str
    uses: str
    manner: Manner
    marks: tuple[str, ...]
    undo: str
    state: StepStatus | None = None
    progress: str = ""

    @property
    def marks_in_words(self) -> str:
        """All marks in words."""
        return " · ".join(filter(None, (*self.marks, self.undo)))


def nodes(playbook: Playbook, _: Words, seen: Mapping[str, Seen] | None = None) -> dict[str, Node]:
    """Every step by its id, in the order they are written."""
    return {step.id: _node(step, _, (seen or {}).get(step.id)) for step in playbook.steps}


def seen(rows: Iterable[Row]) -> dict[str, Seen]:
    """How far each step is, from the rows of a run: its own, those of its elements, those of undos."""
    found: dict[str, Seen] = {}
    rows = list(rows)
    undone = {row.undoes for row in rows if row.undoes and row.state == "done"}
    for row in rows:
        if row.undoes is None and not row.is_element:
            elements = [one for one in rows if one.is_element and one.of == row.step]
            over = sum(one.over for one in elements)
            changed = [one.step for one in elements if one.state == "done"] or [row.step]
            found[row.step] = Seen(row.state, over, len(elements), undone.issuperset(changed))
    return found


def _node(step: Step, _: Words, at: Seen | None) -> Node:
    manner = _manner(step)
    return Node(
        step.id,
        step.title.for_reader(_.language) if step.title else step.id,
        step.uses or "",
        manner,
        tuple(_marks(step, manner, _)),
        _(N_("undo")) if step.undo else "",
        at.state if at else None,
        _progress(at, _) if at else "",
    )


def _manner(step: Step) -> Manner:
    if step.kind == "manual":
        return "by hand"
    if step.asks_first:
        return "asks"
    return "changes" if step.action else "looks"


def _marks(step: Step, manner: Manner, _: Words) -> Iterable[str]:
    yield _(_MANNERS[manner])
    if manner == "asks" and step.action:
        yield _(_MANNERS["changes"])
    if step.for_each:
        items = step.for_each.items
        yield TIMES + (str(len(items)) if isinstance(items, tuple) else "n")
    if step.when is not None:
        yield _(N_("when?"))
    if step.break_glass:
        yield _(N_("break-glass"))


def _progress(at: Seen, _: Words) -> str:
    if at.undone:
        return _(N_("taken back"))
    state = _(STATE_NAMES[at.state])
    return f"{state} {at.over}/{at.elements}" if at.elements else state
