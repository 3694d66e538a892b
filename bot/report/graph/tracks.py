"""The lines between two layers in the terminal: down from a box, level along a track, down into the next box. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.report.graph.canvas import DOWN, LEFT, RIGHT, UP, Canvas
from bot.report.graph.layout import Edge

#: Where a line leaves one box and enters the next: two columns.
Ports = Mapping[Edge, tuple[int, int]]
#: The first and the last column of a box, or of a waypoint, where they are one.
Span = tuple[int, int]


@dataclass(frozen=True)
class Track:
    """The lines from boxes that lead to the same boxes. `row` counts from the top; a straight line needs none."""

    sources: frozenset[int]
    targets: frozenset[int]
    row: int = 0

    @property
    def straight(self) -> bool:
        return self.sources == self.targets and len(self.sources) == 1

    @property
    def span(self) -> Span:
        return min(self.sources | self.targets), max(self.sources | self.targets)

    def beside(self, other: "Track") -> bool:
        """Whether both can be in one row."""
        (left, right), (start, end) = self.span, other.span
        return right + 1 < start or end + 1 < left

    def above(self, other: "Track") -> bool:
        """Whether it must be: lines down from it and up from the other would lie on each other."""
        return bool(self.sources & other.targets) and not other.straight


def ports(edges: Sequence[Edge], spans: Mapping[str, Span]) -> Ports:
    """A box is left in its middle, and entered at a column for each kind of line: joined lines could be read two ways.

    An only line between two boxes is straight where it can be.
    """
    kinds = _kinds(edges)
    found = {}
    for first, then in edges:
        out, into = sum(spans[first]) // 2, _entrance(then, kinds[first], edges, kinds, spans)
        alone = [edge for edge in edges if edge[0] == first or edge[1] == then] == [(first, then)]
        if alone and spans[then][0] < out < spans[then][1]:
            into = out
        elif alone and spans[first][0] < into < spans[first][1]:
            out = into
        found[first, then] = (out, into)
    return found


def _kinds(edges: Sequence[Edge]) -> dict[str, frozenset[str]]:
    """What each box leads to: boxes that lead to the same share a track."""
    leads: dict[str, set[str]] = {}
    for first, then in edges:
        leads.setdefault(first, set()).add(then)
    return {first: frozenset(thens) for first, thens in leads.items()}


def _entrance(
    box: str,
    kind: frozenset[str],
    edges: Sequence[Edge],
    kinds: Mapping[str, frozenset[str]],
    spans: Mapping[str, Span],
) -> int:
    """From left to right as the lines come."""
    come: dict[frozenset[str], int] = {}
    for first, then in edges:
        if then == box:
            come.setdefault(kinds[first], sum(spans[first]))
    left, right = spans[box]
    place = sorted(come, key=lambda one: come[one]).index(kind)
    return left + (right - left) * (place + 1) // (len(come) + 1)


def tracks(found: Ports) -> list[Track] | None:
    """Each with its row; None where no order of the rows keeps the lines apart."""
    alike: dict[frozenset[str], list[tuple[int, int]]] = {}
    kinds = _kinds(tuple(found))
    for (first, _), columns in found.items():
        alike.setdefault(kinds[first], []).append(columns)
    todo = [Track(frozenset(out for out, _ in one), frozenset(into for _, into in one)) for one in alike.values()]
    placed = [track for track in todo if track.straight]
    todo = [track for track in todo if not track.straight]
    while todo:
        free = [one for one in todo if not any(other.above(one) for other in todo if other is not one)]
        if not free:
            return None
        todo.remove(free[0])
        placed.append(_placed(free[0], [one for one in placed if not one.straight]))
    return placed


def _placed(track: Track, others: Sequence[Track]) -> Track:
    row = max((one.row + 1 for one in others if one.above(track)), default=0)
    while any(one.row == row and not one.beside(track) for one in others):
        row += 1
    return replace(track, row=row)


def rows(found: Sequence[Track]) -> int:
    """How many rows they need."""
    return max((one.row + 1 for one in found if not one.straight), default=0)


def draw(canvas: Canvas, found: Sequence[Track], top: int) -> None:
    """Draw them in the rows from `top` on."""
    height = rows(found)
    for track in found:
        turn = height if track.straight else track.row
        for x in track.sources:
            for y in range(top, top + turn):
                canvas.join(x, y, UP | DOWN)
        if track.straight:
            continue
        for x in track.targets:
            for y in range(top + turn + 1, top + height):
                canvas.join(x, y, UP | DOWN)
        left, right = track.span
        for x in range(left, right + 1):
            sides = (LEFT if x > left else 0) | (RIGHT if x < right else 0)
            sides |= (UP if x in track.sources else 0) | (DOWN if x in track.targets else 0)
            canvas.join(x, top + turn, sides)
