"""A playbook's graph as one SVG file: no script, no outer font, its own background, readable on a phone by day and night."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from unicodedata import combining, east_asian_width

from bot.errors import N_
from bot.incident.run import StepStatus
from bot.language import Words
from bot.playbook.model import Playbook
from bot.report.graph.layout import Layout, layout, place
from bot.report.graph.nodes import Manner, Node

#: Any of these that is there; each can draw Korean, or is followed by one that can.
FONTS = (
    "'Noto Sans KR', 'Noto Sans CJK KR', 'Apple SD Gothic Neo', 'Malgun Gothic', 'Nanum Gothic', "
    "'Liberation Sans', 'DejaVu Sans', Arial, sans-serif"
)

BOX, CARD, PADDING, MARGIN = 264, 96, 12, 20
_GAP, _BETWEEN, _HEAD = 18, 44, 66
_TITLE, _SMALL, _HEADING = 14, 12, 19
#: How much wider bold letters are.
BOLD = 1.12

_WIDTHS = {0.35: "iljI.,:;'|! ", 0.46: "tfr()[]-/`", 0.6: "sczkvxyJ", 0.94: "w×+=<>~^#&"}  # noqa: RUF001  # as drawn
_LATIN = 0x24F

_INK, _FAINT, _PAPER, _LINE, _FRAME = "#1c2430", "#566173", "#f6f7f9", "#7b8698", "#c3cad5"
_MANNER_COLOURS: Mapping[Manner, str] = {
    "looks": "#4b6fa8", "changes": "#b3261e", "asks": "#8a5a00", "by hand": "#6b4fa0",
}  # fmt: skip
#: The strip's colour and the box's, for each state.
_STATE_COLOURS: Mapping[StepStatus, tuple[str, str]] = {
    "waiting": ("#9aa4b2", "#ffffff"), "running": ("#1f6fd1", "#e4effc"), "asking": ("#b07500", "#fdf2d6"),
    "done": ("#1d7d46", "#e3f4e9"), "failed": ("#b3261e", "#fbe4e2"), "skipped": ("#9aa4b2", "#eceff3"),
    "aborted": ("#5b6472", "#eceff3"),
}  # fmt: skip


def svg(playbook: Playbook, nodes: Mapping[str, Node], _: Words) -> str:
    """The whole file. Each step has a `<title>`, so that a reader who cannot see it is told all that the drawing says."""
    drawn = layout(playbook)
    sizes = {key: _size(len(drawn.blocks[key])) if key in drawn.blocks else (2, 0) for l in drawn.layers for key in l}  # noqa: E741
    middles = place(drawn, {key: width for key, (width, _height) in sizes.items()}, _GAP)
    tops = _tops(drawn, sizes)
    width = max(middles[key] + sizes[key][0] / 2 for key in sizes) + 2 * MARGIN
    width, shift = max(width, BOX + 2 * MARGIN + 60), max(0.0, (BOX + 2 * MARGIN + 60 - width) / 2)
    height = max(tops.values()) + max(sizes[key][1] for key in drawn.layers[-1]) + MARGIN
    heading = _(N_("Playbook {name}, tier {tier}"), name=playbook.name, tier=playbook.tier)
    title = playbook.title.for_reader(_.language)
    frame = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {frame} font-family="{FONTS}">',
        f"<title>{escape(f'{title} ({heading})')}</title>",
        f'<rect width="100%" height="100%" rx="12" fill="{_PAPER}"/>',
        _text(
            MARGIN, MARGIN + _HEADING, clipped(title, width - 2 * MARGIN, _HEADING * BOLD), _HEADING, _INK, bold=True
        ),
        _text(MARGIN, MARGIN + _HEADING + 20, clipped(heading, width - 2 * MARGIN, _SMALL), _SMALL, _FAINT),
        *_lines(drawn, {key: x + MARGIN + shift for key, x in middles.items()}, tops, sizes),
    ]
    for key, steps in drawn.blocks.items():
        left = middles[key] - sizes[key][0] / 2 + MARGIN + shift
        parts += _block([nodes[step] for step in steps], left, tops[key], sizes[key])
    return "\n".join([*parts, "</svg>", ""])


def em(letter: str) -> float:
    """How wide a letter is, in parts of the font's size: as in the widest of `FONTS`, DejaVu Sans."""
    if combining(letter):
        return 0.0
    if east_asian_width(letter) in "WF":
        return 1.0
    known = next((width for width, letters in _WIDTHS.items() if letter in letters), None)
    return known or (1.0 if letter in "mMW@%—…" or ord(letter) > _LATIN else 0.83 if letter.isupper() else 0.65)


def measured(text: str, size: float) -> float:
    """How wide a text is at most, in pixels."""
    return sum(map(em, text)) * size


def clipped(text: str, room: float, size: float) -> str:
    """The text within that room; an ellipsis shows that some of it is missing."""
    if measured(text, size) <= room:
        return text
    while text and measured(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, room: float, size: float, most: int) -> list[str]:
    """The text in at most so many lines; the last one is clipped. A word that is too long for a line is cut."""
    lines, words = [""], text.split()
    while words:
        longer = f"{lines[-1]} {words[0]}".strip()
        if measured(longer, size) <= room or not lines[-1]:
            lines[-1] = longer
            words.pop(0)
        elif len(lines) < most:
            lines.append("")
        else:
            lines[-1] = " ".join([lines[-1], *words])
            break
    return [clipped(line, room, size) for line in lines]


def _size(steps: int) -> tuple[float, float]:
    """Of a box; a block of several has two columns of boxes in a frame."""
    if steps == 1:
        return BOX, CARD
    rows = (steps + 1) // 2
    return 2 * BOX + 3 * PADDING, rows * (CARD + PADDING) + PADDING


def _tops(drawn: Layout, sizes: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    tops: dict[str, float] = {}
    top = float(MARGIN + _HEAD)
    for layer in drawn.layers:
        tops |= dict.fromkeys(layer, top)
        top += max(sizes[key][1] for key in layer) + _BETWEEN
    return tops


def _lines(
    drawn: Layout, middles: Mapping[str, float], tops: Mapping[str, float], sizes: Mapping[str, tuple[float, float]]
) -> Iterator[str]:
    """Curves between layers; a waypoint goes straight down through its layer."""
    depth = {key: max(sizes[one][1] for one in layer) for layer in drawn.layers for key in layer}
    yield (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" orient="auto" '
        f'markerUnits="userSpaceOnUse"><path d="M0 0 8 4 0 8z" fill="{_LINE}"/></marker></defs>'
    )
    for first, then in drawn.edges:
        height = sizes[first][1] if first in drawn.blocks else depth[first]
        x, y, into, end = middles[first], tops[first] + height, middles[then], tops[then]
        straight = f"V{tops[first] + depth[first]:.0f}" if height < depth[first] else ""
        turn = tops[first] + depth[first]
        bend = (turn + end) / 2
        tip = ' marker-end="url(#tip)"' if then in drawn.blocks else ""
        way = f"M{x:.1f} {y:.0f}{straight}C{x:.1f} {bend:.0f} {into:.1f} {bend:.0f} {into:.1f} {end:.0f}"
        if first not in drawn.blocks:
            way = f"M{x:.1f} {tops[first]:.0f}V{turn:.0f}" + way[way.index("C") :]
        yield f'<path d="{way}" fill="none" stroke="{_LINE}" stroke-width="1.8"{tip}/>'


def _block(steps: Sequence[Node], left: float, top: float, size: tuple[float, float]) -> Iterator[str]:
    if len(steps) == 1:
        yield _card(steps[0], left, top)
        return
    yield (
        f'<rect x="{left:.1f}" y="{top:.0f}" width="{size[0]:.0f}" height="{size[1]:.0f}" rx="12" fill="none" '
        f'stroke="{_LINE}" stroke-dasharray="5 4"/>'
    )
    for at, node in enumerate(steps):
        yield _card(node, left + PADDING + at % 2 * (BOX + PADDING), top + PADDING + at // 2 * (CARD + PADDING))


def _card(node: Node, left: float, top: float) -> str:
    """A strip in the colour of its state or manner, the title in two lines, the id, the marks."""
    strip, paper = _STATE_COLOURS[node.state] if node.state else (_MANNER_COLOURS[node.manner], "#ffffff")
    word = _FAINT if node.state in {"waiting", "skipped"} else strip
    x, room = left + 8 + PADDING, BOX - 8 - 2 * PADDING
    said = (node.title, node.uses, node.marks_in_words, node.progress)
    title = wrapped(node.title, room, _TITLE * BOLD, 2)
    name = node.id if node.title != node.id else node.uses
    both = " · ".join(filter(None, (name, node.marks_in_words)))
    below, last = (both, node.progress) if node.progress else (name, node.marks_in_words)
    return "".join(
        [
            f"<g><title>{escape(': '.join([node.id, ', '.join(filter(None, said))]))}</title>",
            f'<rect x="{left:.1f}" y="{top:.0f}" width="{BOX}" height="{CARD}" rx="8" fill="{paper}" stroke="{_FRAME}"/>',
            f'<path d="M{left + 8:.1f} {top:.0f}a8 8 0 0 0-8 8v{CARD - 16}a8 8 0 0 0 8 8z" fill="{strip}"/>',
            *(_text(x, top + 24 + 19 * row, line, _TITLE, _INK, bold=True) for row, line in enumerate(title)),
            _text(x, top + CARD - 29, clipped(below, room, _SMALL), _SMALL, _FAINT),
            _text(x, top + CARD - 11, clipped(last, room, _SMALL), _SMALL, word),
            "</g>",
        ]
    )


def _text(x: float, y: float, text: str, size: int, colour: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.0f}" font-size="{size}" fill="{colour}"{weight}>{escape(text)}</text>'
