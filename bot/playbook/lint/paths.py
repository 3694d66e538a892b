"""The longest way through a playbook: how long it takes when what is ready runs side by side."""

from collections.abc import Callable
from datetime import timedelta

from bot.playbook import graph
from bot.playbook.model import Playbook


def longest(playbook: Playbook, cost: Callable[[str], timedelta], upto: str | None = None) -> tuple[str, ...]:
    """The steps of the longest way, in their order. `upto`: of the ways that must be over before that step starts."""
    waits = graph.needs(playbook)
    total: dict[str, timedelta] = {}
    ways: dict[str, tuple[str, ...]] = {}
    for id_ in graph.order(playbook):
        first = max(sorted(waits[id_]), key=lambda one: total[one], default=None)
        ways[id_] = (*ways[first], id_) if first else (id_,)
        total[id_] = (total[first] if first else timedelta()) + cost(id_)
    ends = waits[upto] if upto else ways.keys()
    last = max(sorted(ends), key=lambda one: total[one], default=None)
    return ways[last] if last else ()
