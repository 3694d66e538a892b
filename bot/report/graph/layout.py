"""Where each step stands: layers from top to bottom, branches side by side, as few crossings as a few sweeps find. Pure.

A step stands one layer below the lowest of what it waits for. A line that skips layers gets a waypoint in each. More than
three steps that wait for the same and are waited for by the same are drawn as one block: twenty side by side would fit
neither a phone nor a terminal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.playbook.graph import needs, order, upstream
from bot.playbook.model import Playbook

#: More steps than this with the same lines to and from them are one block.
ABREAST = 3
#: How often the layers are put into order, down and up in turn. More hardly ever finds fewer crossings.
SWEEPS = 8

Edge = tuple[str, str]
Order = list[list[str]]


@dataclass(frozen=True)
class Layout:
    """`layers` hold keys: of `blocks`, or of waypoints, which are no blocks. `edges` join neighbouring layers."""

    layers: tuple[tuple[str, ...], ...]
    edges: tuple[Edge, ...]
    blocks: Mapping[str, tuple[str, ...]]


def layout(playbook: Playbook) -> Layout:
    """The whole of it."""
    waits = _direct(playbook)
    blocks = _blocks(waits)
    home = {step: key for key, steps in blocks.items() for step in steps}
    edges = list(dict.fromkeys((home[first], home[step]) for step in waits for first in _written(waits, waits[step])))
    layers, edges = _with_waypoints(_layers([key for key in order(playbook) if key in blocks], edges), edges)
    return Layout(tuple(map(tuple, _ordered(layers, edges))), tuple(edges), blocks)


def place(drawn: Layout, widths: Mapping[str, float], gap: float) -> dict[str, float]:
    """The middle of everything, from left to right, so that lines are as upright as they can be. The least left edge is 0."""
    middles = {key: x for layer in drawn.layers for key, x in _packed(layer, widths, gap).items()}
    above, below = _neighbours(drawn.edges)
    for sweep in range(SWEEPS):
        layers, near = (drawn.layers, above) if sweep % 2 == 0 else (drawn.layers[::-1], below)
        for layer in layers:
            wished = [_mean([middles[one] for one in near.get(key, ())], middles[key]) for key in layer]
            middles |= zip(layer, _apart(wished, [_space(pair, widths, gap) for pair in pairwise(layer)]), strict=True)
    least = min(x - widths[key] / 2 for key, x in middles.items())
    return {key: x - least for key, x in middles.items()}


def crossings(layers: Sequence[Sequence[str]], edges: Iterable[Edge]) -> int:
    """How many pairs of lines cross."""
    at = {key: (row, place) for row, layer in enumerate(layers) for place, key in enumerate(layer)}
    rows: dict[int, list[tuple[int, int]]] = {}
    for first, then in edges:
        rows.setdefault(at[first][0], []).append((at[first][1], at[then][1]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0 for lines in rows.values() for n, a in enumerate(lines) for b in lines[:n]
    )


def _written(waits: Mapping[str, frozenset[str]], some: frozenset[str]) -> list[str]:
    """In the order of the playbook: sets have none."""
    return [step for step in waits if step in some]


def _direct(playbook: Playbook) -> dict[str, frozenset[str]]:
    """What each step waits for, without what follows from the rest: whoever waits for b waits for all that b waits for."""
    before = {step.id: upstream(playbook, step.id) for step in playbook.steps}
    return {
        step: frozenset(one for one in firsts if not any(one in before[other] for other in firsts))
        for step, firsts in needs(playbook).items()
    }


def _blocks(waits: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    after: dict[str, frozenset[str]] = {
        step: frozenset(then for then, firsts in waits.items() if step in firsts) for step in waits
    }
    alike: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for step in waits:
        alike.setdefault((waits[step], after[step]), []).append(step)
    found: dict[str, tuple[str, ...]] = {}
    for steps in alike.values():
        parts = [tuple(steps)] if len(steps) > ABREAST else [(step,) for step in steps]
        found |= {part[0]: part for part in parts}
    return {step: found[step] for step in waits if step in found}


def _layers(keys: Sequence[str], edges: Sequence[Edge]) -> Order:
    """`keys` so that each stands after what it waits for."""
    depth = dict.fromkeys(keys, 0)
    for key in keys:
        depth[key] = max((depth[first] + 1 for first, then in edges if then == key), default=0)
    return [[key for key in keys if depth[key] == row] for row in range(max(depth.values()) + 1)]


def _with_waypoints(layers: Order, edges: Sequence[Edge]) -> tuple[Order, list[Edge]]:
    depth = {key: row for row, layer in enumerate(layers) for key in layer}
    short: list[Edge] = []
    for first, then in edges:
        way = [first, *(f"{first}→{then}@{row}" for row in range(depth[first] + 1, depth[then])), then]
        for row, waypoint in enumerate(way[1:-1], depth[first] + 1):
            layers[row].append(waypoint)
        short += pairwise(way)
    return layers, short


def _ordered(layers: Order, edges: Sequence[Edge]) -> Order:
    above, below = _neighbours(edges)
    best, fewest = layers, crossings(layers, edges)
    now = [list(layer) for layer in layers]
    for sweep in range(SWEEPS):
        near, rows = (above, range(1, len(now))) if sweep % 2 == 0 else (below, range(len(now) - 2, -1, -1))
        for row in rows:
            fixed = now[row - 1 if sweep % 2 == 0 else row + 1]
            at = {key: place for place, key in enumerate(fixed)}
            old = {key: place for place, key in enumerate(now[row])}
            now[row].sort(key=lambda key: _mean([at[one] for one in near.get(key, ())], old[key]))
        if (found := crossings(now, edges)) < fewest:
            best, fewest = [list(layer) for layer in now], found
    return best


def _neighbours(edges: Iterable[Edge]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for first, then in edges:
        above.setdefault(then, []).append(first)
        below.setdefault(first, []).append(then)
    return above, below


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _space(pair: tuple[str, str], widths: Mapping[str, float], gap: float) -> float:
    return (widths[pair[0]] + widths[pair[1]]) / 2 + gap


def _packed(layer: Sequence[str], widths: Mapping[str, float], gap: float) -> dict[str, float]:
    """Side by side around 0."""
    left = -(sum(widths[key] for key in layer) + gap * (len(layer) - 1)) / 2
    middles = {}
    for key in layer:
        middles[key] = left + widths[key] / 2
        left += widths[key] + gap
    return middles


def _apart(wished: Sequence[float], spaces: Sequence[float]) -> list[float]:
    """The places nearest to those wished for (least squares) that keep their order and the spaces between them."""
    offsets = [0.0]
    for space in spaces:
        offsets.append(offsets[-1] + space)
    pools: list[tuple[float, int]] = []  # mean and number of neighbours that move as one
    for wish, offset in zip(wished, offsets, strict=True):
        pools.append((wish - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (left, many), (right, more) = pools[-2:]
            pools[-2:] = [((left * many + right * more) / (many + more), many + more)]
    flat = [mean for mean, many in pools for _ in range(many)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]
