"""How long a run will take: from earlier runs where there are any, else from what is stated. Pure.

Percentiles are by nearest rank: a duration that was really seen, never one in between. With one or two runs the p95 is
therefore the longest of them, and it stays that below twenty. A run's p95 takes every step of its longest path at its
own p95, which a whole run seldom reaches: it is meant to be kept.

Steps that wait for a person count only as earlier runs show them; without one they count as nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.playbook.graph import needs, order
from bot.playbook.model import Playbook, Step

Samples = Sequence[Mapping[str, timedelta]]
Usual = Callable[[str], timedelta | None]

_NOTHING = timedelta()
#: Nothing is left of a step in one of these.
_ENDED = frozenset({"done", "skipped", "aborted"})
_BEGUN = frozenset({"running", "asking"})


@dataclass(frozen=True)
class Spread:
    """Half of the runs take at most `p50`, 19 of 20 at most `p95`. `stated`: no earlier run has shown (all of) it.

    `samples`: how many runs speak for it; for a whole path, the fewest that speak for one of its steps.
    """

    p50: timedelta
    p95: timedelta
    samples: int
    stated: bool


def spreads(
    playbook: Playbook, samples: Samples, usual: Usual, counts: Mapping[str, int] | None = None
) -> Mapping[str, Spread]:
    """How long each step takes; steps that nobody knows anything of are left out.

    `samples`: how long the steps of earlier runs took, newest run first; an element is named `step[0]`. `usual` gives the
    stated duration of an action or a check by its name, for one element. `counts`: elements by `for_each` step, where the
    list is not written in the playbook but known all the same.
    """
    found = {step.id: _spread(step, samples, usual, (counts or {}).get(step.id)) for step in playbook.steps}
    return {id_: spread for id_, spread in found.items() if spread}


def whole(playbook: Playbook, spreads: Mapping[str, Spread]) -> Spread | None:
    """From the start to the end: the longest path. None when nothing is known of a check or an action on it."""
    return remaining(playbook, spreads, {}, {})


def remaining(
    playbook: Playbook,
    spreads: Mapping[str, Spread],
    states: Mapping[str, str],
    elapsed: Mapping[str, timedelta],
    elements: Mapping[str, tuple[int, int]] | None = None,
) -> Spread | None:
    """From now to the end, by the steps' states; a step without one is waiting. None as in `whole`.

    `elapsed`: since when the steps that have begun have run. `elements`: of a `for_each`, how many are over, of how many.
    """
    left = {
        step.id: _left(spreads.get(step.id), states.get(step.id, "waiting"), elapsed.get(step.id, _NOTHING),
                       _share(step, (elements or {}).get(step.id)))
        for step in playbook.steps
    }  # fmt: skip
    p50, usually = _longest(playbook, {id_: spread.p50 for id_, spread in left.items()})
    p95, rarely = _longest(playbook, {id_: spread.p95 for id_, spread in left.items()})
    ahead = {id_ for id_ in usually | rarely if states.get(id_) not in _ENDED}
    if any(playbook.step(id_).kind in {"check", "action"} for id_ in ahead - spreads.keys()):
        return None
    known = [spreads[id_] for id_ in ahead & spreads.keys()]
    fewest = min((spread.samples for spread in known), default=0)
    return Spread(p50, p95, fewest, any(spread.stated for spread in known))


def _spread(step: Step, samples: Samples, usual: Usual, count: int | None) -> Spread | None:
    own = _seen(run[step.id] for run in samples if step.id in run)
    if step.for_each is None:
        return own or _stated(step, usual)
    count = len(step.for_each.items) if isinstance(step.for_each.items, tuple) else count
    if count is None:
        return own or _stated(step, usual)
    element = _seen(took for run in samples for name, took in run.items() if name.startswith(f"{step.id}["))
    if element is None and own:
        return own
    return _times(element or _stated(step, usual), _rounds(step, count))


def _seen(durations: Iterator[timedelta]) -> Spread | None:
    ordered = sorted(max(took, _NOTHING) for took in durations)
    if not ordered:
        return None
    return Spread(_percentile(ordered, 50), _percentile(ordered, 95), len(ordered), stated=False)


def _percentile(ordered: Sequence[timedelta], percent: int) -> timedelta:
    """The smallest duration that at least so many percent of them do not exceed."""
    rank = -(-percent * len(ordered) // 100)  # rounded up, in whole numbers
    return ordered[rank - 1]


def _stated(step: Step, usual: Usual) -> Spread | None:
    """What the playbook says, else what the action declares; nobody can say how long a person takes."""
    if step.kind in {"ask", "manual"} or step.uses is None:
        return None
    takes = step.takes if step.takes is not None else usual(step.uses)
    return None if takes is None else Spread(takes, takes, 0, stated=True)


def _rounds(step: Step, count: int) -> int:
    """How often a batch of elements begins."""
    return -(-count // step.for_each.batch) if step.for_each else 1


def _times(spread: Spread | None, rounds: int) -> Spread | None:
    return spread and Spread(spread.p50 * rounds, spread.p95 * rounds, spread.samples, spread.stated)


def _share(step: Step, elements: tuple[int, int] | None) -> float | None:
    """What part of a `for_each` step's batches is still to come; None: nobody counts."""
    if elements is None or step.for_each is None:
        return None
    over, count = elements
    return _rounds(step, max(0, count - over)) / _rounds(step, count) if count else 0.0


def _left(spread: Spread | None, state: str, elapsed: timedelta, share: float | None) -> Spread:
    """What is left of one step; nothing of one that nobody knows."""
    if spread is None or state in _ENDED:
        return Spread(_NOTHING, _NOTHING, 0, stated=False)
    if share is not None:
        return Spread(spread.p50 * share, spread.p95 * share, spread.samples, spread.stated)
    gone = max(elapsed, _NOTHING) if state in _BEGUN else _NOTHING
    return Spread(max(spread.p50 - gone, _NOTHING), max(spread.p95 - gone, _NOTHING), spread.samples, spread.stated)


def _longest(playbook: Playbook, lengths: Mapping[str, timedelta]) -> tuple[timedelta, set[str]]:
    """How long the longest path is, and every step on it; several paths may be equally long."""
    waits, ordered = needs(playbook), order(playbook)
    until: dict[str, timedelta] = {}
    for id_ in ordered:
        until[id_] = max((until[first] for first in waits[id_]), default=_NOTHING) + lengths[id_]
    after = dict.fromkeys(ordered, _NOTHING)
    for id_ in reversed(ordered):
        for first in waits[id_]:
            after[first] = max(after[first], lengths[id_] + after[id_])
    total = max(until.values(), default=_NOTHING)
    return total, {id_ for id_ in ordered if until[id_] + after[id_] == total}
