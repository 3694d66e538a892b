"""The elements of a `for_each` step: which may start now, and how the step stands. Pure."""

from collections.abc import Sequence
from typing import Literal

from bot.playbook.graph import OVER, StepState
from bot.playbook.model import ForEach

_GOING: frozenset[StepState] = frozenset({"running", "asking"})


def row(step: str, number: int) -> str:
    """The name of an element's row."""
    return f"{step}[{number}]"


def next_up(rule: ForEach, states: Sequence[StepState]) -> tuple[int, ...]:
    """The elements that may start now, in the order of the list: at most a batch side by side, none after too many failures."""
    if states.count("failed") >= rule.stop_after:
        return ()
    room = rule.batch - sum(state in _GOING for state in states)
    return tuple(number for number, state in enumerate(states) if state == "waiting")[: max(0, room)]


def outcome(rule: ForEach, states: Sequence[StepState]) -> Literal["done", "failed"] | None:
    """How the step stands; None while an element runs, asks, or is about to start."""
    if any(state in _GOING for state in states) or next_up(rule, states):
        return None
    return "done" if all(state in OVER for state in states) else "failed"
