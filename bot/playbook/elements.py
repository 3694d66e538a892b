"""The elements of a `for_each` step: which may start now, and how the step stands. Pure."""

from collections.abc import Collection, Sequence
from typing import Literal

from bot.playbook.graph import OVER, StepState
from bot.playbook.model import ForEach

_GOING: frozenset[StepState] = frozenset({"running", "asking"})


def row(step: str, number: int) -> str:
    """The name of an element's row."""
    return f"{step}[{number}]"


def next_up(rule: ForEach, states: Sequence[StepState], retried: Collection[int] = ()) -> tuple[int, ...]:
    """The elements that may start now, in the order of the list: at most a batch side by side, none after too many failures.

    `retried`: a person has asked for these again, so they start whatever else has failed, as soon as there is room.
    """
    waiting = [number for number, state in enumerate(states) if state == "waiting"]
    if states.count("failed") >= rule.stop_after:
        waiting = [number for number in waiting if number in retried]
    room = rule.batch - sum(state in _GOING for state in states)
    return tuple(waiting[: max(0, room)])


def outcome(
    rule: ForEach, states: Sequence[StepState], retried: Collection[int] = ()
) -> Literal["done", "failed"] | None:
    """How the step stands; None while an element runs, asks, or is about to start."""
    if any(state in _GOING for state in states) or next_up(rule, states, retried):
        return None
    return "done" if all(state in OVER for state in states) else "failed"
