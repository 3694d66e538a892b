"""A run as a state machine: which step may start, what a button may do now, and how the run ends. Pure.

    waiting ──start──▶ running ──finish──▶ done          what asks first (ask, manual, break_glass) starts as asking:
       │                │   └─────fail─────▶ failed        yes  ▶ running when it has an action, else done
       ├──skip──▶ skipped ◀──skip──┘  └─retry─▶ waiting    no   ▶ skipped, with everything that comes after it
       └──leave─▶ skipped (its `when` is false)            confirm (the Done button of a manual step) ▶ done

A failed step holds up only what needs it: the other branches go on to their end. A skipped step counts as done for the
steps that need it; so does a `best_effort` step that failed. Every function returns the states that change and leaves
the writing to its caller. Elements of a `for_each` are in `elements.py`, undos in `reversal.py`; an action's own question, in
the middle of a running step, is between the action and a person, and nothing here waits for it.
"""

from collections.abc import Mapping
from typing import Literal

from bot.errors import N_, Refused, phrase
from bot.playbook.model import Playbook, Step

#: Where a step is. `aborted` is set on every unfinished step of an aborted run.
StepState = Literal["waiting", "running", "asking", "done", "failed", "skipped", "aborted"]

#: What may happen to a step. The first four come from the run itself, the others from people.
Event = Literal["start", "leave", "finish", "fail", "yes", "no", "confirm", "retry", "skip"]

#: How a run stands when nothing moves any more. `failed` rests: retry or skip moves it on; the others are final.
RunOutcome = Literal["done", "failed", "aborted"]

#: What a person reads for a state.
STATE_NAMES: Mapping[StepState, str] = {
    "waiting": N_("waiting"), "running": N_("running"), "asking": N_("waiting for a person"), "done": N_("done"),
    "failed": N_("failed"), "skipped": N_("skipped"), "aborted": N_("aborted"),
}  # fmt: skip

States = Mapping[str, StepState]
Changes = dict[str, StepState]

#: A step in one of these holds up nothing that needs it.
OVER: frozenset[StepState] = frozenset({"done", "skipped"})

_BUTTONS: tuple[Event, ...] = ("yes", "no", "confirm", "retry", "skip")


def needs(playbook: Playbook) -> dict[str, frozenset[str]]:
    """What each step waits for. A step without `needs` follows the step written directly before it."""
    found: dict[str, frozenset[str]] = {}
    before: frozenset[str] = frozenset()
    for step in playbook.steps:
        found[step.id] = before if step.needs is None else frozenset(step.needs)
        before = frozenset({step.id})
    return found


def upstream(playbook: Playbook, step: str) -> frozenset[str]:
    """Every step that is over before this one starts."""
    return _reach(needs(playbook), step)


def downstream(playbook: Playbook, step: str) -> frozenset[str]:
    """Every step that waits for this one, directly or through others."""
    later: dict[str, set[str]] = {}
    for after, first in needs(playbook).items():
        for id_ in first:
            later.setdefault(id_, set()).add(after)
    return _reach({id_: frozenset(ids) for id_, ids in later.items()}, step)


def order(playbook: Playbook) -> tuple[str, ...]:
    """The steps so that each stands after what it needs, otherwise as they are written.

    Steps on a cycle, and those behind one, are left out: `cycles` names them.
    """
    waits, ordered = needs(playbook), list[str]()
    while ready_now := [id_ for id_ in waits if id_ not in ordered and waits[id_] <= set(ordered)]:
        ordered.append(ready_now[0])
    return tuple(ordered)


def cycles(playbook: Playbook) -> list[tuple[str, ...]]:
    """Every circle of steps that wait for each other, each once, beginning with the step written first."""
    waits = needs(playbook)
    reach = {step: _reach(waits, step) for step in waits}
    found: list[tuple[str, ...]] = []
    for step in waits:
        if step in reach[step] and not any(step in circle for circle in found):
            found.append(tuple(other for other in waits if other in reach[step] and step in reach[other]))
    return found


def first_states(playbook: Playbook) -> Changes:
    """The states of a run that has just been made."""
    return {step.id: "waiting" for step in playbook.steps}


def ready(playbook: Playbook, states: States) -> tuple[str, ...]:
    """The steps that may start now, side by side, in the order they are written."""
    waits = needs(playbook)
    return tuple(
        id_ for id_ in waits if states[id_] == "waiting" and all(states[first] in OVER for first in waits[id_])
    )


def failed(playbook: Playbook, states: States) -> tuple[str, ...]:
    """The steps that need a person: retry, skip, or abort the run. Other branches may still be running."""
    return tuple(step.id for step in playbook.steps if states[step.id] == "failed")


def outcome(playbook: Playbook, states: States) -> RunOutcome | None:
    """How the run stands, or None while anything is running, asked, or about to start."""
    now = set(states.values())
    if "aborted" in now:
        return "aborted"
    if now & {"running", "asking"} or ready(playbook, states):
        return None
    return "done" if now <= OVER else "failed"


def allowed(playbook: Playbook, states: States) -> dict[str, tuple[Event, ...]]:
    """What a person may press on each step now; steps without a button are left out."""
    pressable = {
        step.id: tuple(event for event in _BUTTONS if _becomes(playbook, states, step, event))
        for step in playbook.steps
    }
    return {id_: events for id_, events in pressable.items() if events}


def apply(playbook: Playbook, states: States, step: str, event: Event, reason: str = "") -> Changes:
    """The states that change when `event` happens to the step, to be written together.

    Raises `Refused` when the step is not in a state for it (a second click, a late answer, an aborted run), and when a
    skip gives no reason. Answering no skips the step and everything that waits for it.
    """
    becomes = _becomes(playbook, states, playbook.step(step), event)
    if becomes is None:
        raise not_now(step, states[step])
    if event == "skip":
        needs_reason(step, reason)
    changes: Changes = {step: becomes}
    if event == "no":
        changes |= {id_: "skipped" for id_ in downstream(playbook, step) if states[id_] == "waiting"}
    return changes


def not_now(step: str, state: StepState) -> Refused:
    """The step, the element or the undo is not in a state for what was to be done."""
    what = N_("Step {step} is {state} now, so this can no longer be done.")
    return Refused(phrase(what, step=step, state=phrase(STATE_NAMES[state])))


def needs_reason(step: str, reason: str) -> None:
    """Raises `Refused` for a skip without a reason."""
    if not reason.strip():
        raise Refused(phrase(N_("Say why step {step} is skipped: whoever reads this tomorrow will ask."), step=step))


def abort(playbook: Playbook, states: States) -> Changes:
    """Every step that is not over becomes aborted. What AWS has already begun goes on by itself: say so to people.

    Raises `Refused` when the run is already over. A running step's late result is then refused by `apply`.
    """
    if outcome(playbook, states) in {"done", "aborted"}:
        raise Refused(phrase(N_("The run is already over.")))
    return {id_: "aborted" for id_, state in states.items() if state not in OVER}


def _becomes(  # noqa: PLR0911  # one line for each arrow of the picture above
    playbook: Playbook, states: States, step: Step, event: Event
) -> StepState | None:
    """The one table of transitions; None where there is none."""
    match states[step.id], event, step.kind:
        case "waiting", "start", _ if step.id in ready(playbook, states):
            return "asking" if step.asks_first or step.kind == "manual" else "running"
        case "waiting", "leave", _ if step.id in ready(playbook, states):
            return "skipped"
        case ("running", "finish", _) | ("asking", "confirm", "manual"):
            return "done"
        case "asking", "yes", "ask" | "action":
            return "running" if step.action else "done"
        case "running", "fail", _:
            return "skipped" if step.best_effort else "failed"
        case "failed", "retry", _:
            return "waiting"
        case ("asking", "no", "ask" | "action") | (("waiting" | "asking" | "failed"), "skip", _):
            return "skipped"
    return None


def _reach(edges: Mapping[str, frozenset[str]], start: str) -> frozenset[str]:
    seen: set[str] = set()
    still = list(edges.get(start, ()))
    while still:
        step = still.pop()
        if step not in seen:
            seen.add(step)
            still.extend(edges.get(step, ()))
    return frozenset(seen)
