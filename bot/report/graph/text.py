"""A playbook's graph in the terminal: boxes and lines of Unicode, at most 80 cells wide."""

from collections.abc import Mapping, Sequence

from bot.errors import N_
from bot.language import Words
from bot.playbook.graph import needs
from bot.playbook.model import Playbook
from bot.report.graph import tracks
from bot.report.graph.canvas import DOWN, UP, Canvas
from bot.report.graph.layout import Layout, layout, place
from bot.report.graph.nodes import Node
from bot.report.graph.widths import cells, clipped

COLUMNS = 80
#: A narrower box would show too little of a step's id; a wider one makes the drawing no clearer.
NARROWEST, WIDEST = 20, 44
_GAP = 2
#: The frame of a box, and the blanks inside it.
_FRAME = 4
_UNDO, _BETWEEN = "↩", " · "
_SIGNS = {"waiting": "·", "running": "▶", "asking": "?", "done": "✓", "failed": "✗", "skipped": "-", "aborted": "■"}

Boxes = Mapping[str, list[str]]


def drawing(playbook: Playbook, nodes: Mapping[str, Node], columns: int = COLUMNS) -> list[str] | None:
    """The graph, line by line; None when it is too wide, or its lines could not be told apart."""
    drawn = layout(playbook)
    boxes = _boxes(drawn, nodes, columns)
    if boxes is None:
        return None
    widths = {key: cells(boxes[key][0]) + _FRAME if key in boxes else 1 for layer in drawn.layers for key in layer}
    middles = place(drawn, widths, _GAP)
    lefts = {key: round(middles[key] - width / 2) for key, width in widths.items()}
    spans = {key: (left, left + widths[key] - 1) for key, left in lefts.items()}
    if max(right for _, right in spans.values()) >= columns:
        return None
    return _drawn(drawn, boxes, spans)


def listing(playbook: Playbook, nodes: Mapping[str, Node], _: Words) -> list[str]:
    """The steps one below the other, each with those that it waits for."""
    longest, waits = max(map(cells, nodes)), needs(playbook)
    lines = []
    for node in nodes.values():
        after = _("after: {steps}", steps=", ".join(one for one in nodes if one in waits[node.id]) or "-")
        words = (_padded(node.id, longest), _marks(node), node.uses, node.progress, after)
        lines.append("  ".join(word for word in words if word))
    return lines


def titles(nodes: Mapping[str, Node]) -> list[str]:
    """What each id of the drawing stands for."""
    longest = max(map(cells, nodes))
    return [f"{_padded(node.id, longest)}  {node.title}" for node in nodes.values() if node.title != node.id]


def legend(_: Words) -> str:
    """What the marks mean."""
    return _(N_("↩ can be taken back · ×n once for each item · when? only under its condition"))  # noqa: RUF001  # as drawn


def _drawn(drawn: Layout, boxes: Boxes, spans: Mapping[str, tracks.Span]) -> list[str] | None:
    canvas, below = Canvas(), 0
    for layer in drawn.layers:
        into = [edge for edge in drawn.edges if edge[1] in layer]
        ports = tracks.ports(into, spans)
        found = tracks.tracks(ports)
        if found is None:
            return None
        top = below + tracks.rows(found)
        below = _draw_layer(canvas, layer, boxes, spans, top)
        tracks.draw(canvas, found, top - tracks.rows(found))
        for (first, then), (out, enters) in ports.items():
            if first in boxes:
                canvas.put(out, top - tracks.rows(found) - 1, "┬")
            if then in boxes:
                canvas.put(enters, top, "▼")
    return canvas.lines()


def _draw_layer(canvas: Canvas, layer: Sequence[str], boxes: Boxes, spans: Mapping[str, tracks.Span], top: int) -> int:
    """The row below it."""
    height = max(len(boxes[key]) for key in layer if key in boxes)
    for key in layer:
        left = spans[key][0]
        if key in boxes:
            blank = " " * cells(boxes[key][0])
            canvas.box(left, top, boxes[key] + [blank] * (height - len(boxes[key])))
        else:
            for y in range(top, top + height + 2):
                canvas.join(left, y, UP | DOWN)
    return top + height + 2


def _boxes(drawn: Layout, nodes: Mapping[str, Node], columns: int) -> Boxes | None:
    """The lines inside each box, all of one width; None when a layer has no room for its boxes."""
    width = max(NARROWEST, min(WIDEST, max(map(_natural, nodes.values()))))
    for layer in drawn.layers:
        boxes = sum(key in drawn.blocks for key in layer)
        room = columns - (len(layer) - boxes) - _GAP * (len(layer) - 1)
        width = min(width, room // max(boxes, 1))
    if width < NARROWEST:
        return None
    tall = any(cells(_first(node)) + 2 + cells(_marks(node)) > width - _FRAME for node in nodes.values())
    return {
        key: _inside([nodes[step] for step in steps], width - _FRAME, tall=tall) for key, steps in drawn.blocks.items()
    }


def _natural(node: Node) -> int:
    return _FRAME + max(cells(f"{_first(node)}  {_marks(node)}"), cells(_second(node)))


def _inside(steps: Sequence[Node], width: int, *, tall: bool) -> list[str]:
    """Id, marks, and in a box of its own what it uses or how far it is. `tall`: the marks have lines of their own."""
    lines = []
    for node in steps:
        name, marks = _first(node) if len(steps) > 1 else node.id, _marks(node)
        both = name + " " * (width - cells(name) - cells(marks)) + marks
        lines += [name, *_wrapped(marks, width)] if tall else [both]
    if len(steps) == 1 and _second(steps[0]):
        lines.append(_second(steps[0]))
    return [_padded(clipped(line, width), width) for line in lines]


def _wrapped(marks: str, width: int) -> list[str]:
    lines: list[str] = []
    for mark in marks.split(_BETWEEN):
        longer = f"{lines[-1]}{_BETWEEN}{mark}" if lines else mark
        lines[-1:] = [longer] if cells(longer) <= width else [*lines[-1:], mark]
    return lines


def _first(node: Node) -> str:
    return f"{_SIGNS[node.state]} {node.id}" if node.state else node.id


def _second(node: Node) -> str:
    return f"{_SIGNS[node.state]} {node.progress}" if node.state else node.uses


def _marks(node: Node) -> str:
    return _BETWEEN.join([*node.marks, *([_UNDO] if node.undo else [])])


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))
