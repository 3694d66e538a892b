"""A sheet of letters on which boxes and lines are drawn."""

from collections.abc import Mapping

from bot.report.graph.widths import cells

#: The sides by which a line leaves a cell.
UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8

_LETTERS: Mapping[int, str] = {
    UP | DOWN: "│", LEFT | RIGHT: "─", DOWN | RIGHT: "┌", DOWN | LEFT: "┐", UP | RIGHT: "└", UP | LEFT: "┘",
    UP | DOWN | RIGHT: "├", UP | DOWN | LEFT: "┤", DOWN | LEFT | RIGHT: "┬", UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}  # fmt: skip


class Canvas:
    """Cells by column and row."""

    def __init__(self) -> None:
        self._letters: dict[tuple[int, int], str] = {}
        self._sides: dict[tuple[int, int], int] = {}

    def put(self, x: int, y: int, text: str) -> None:
        """Write from that cell on."""
        for letter in text:
            self._letters[x, y] = letter
            for more in range(1, cells(letter)):
                self._letters[x + more, y] = ""
            x += cells(letter)

    def join(self, x: int, y: int, sides: int) -> None:
        """A part of a line. Where an upright and a level line only cross, the upright one is on top."""
        here = self._sides.get((x, y), 0)
        self._sides[x, y] = UP | DOWN if {here, sides} == {UP | DOWN, LEFT | RIGHT} else here | sides
        self._letters[x, y] = _LETTERS[self._sides[x, y]]

    def box(self, x: int, y: int, inside: list[str]) -> None:
        """A frame around these lines, which are of one width."""
        width = cells(inside[0]) + 2
        self.put(x, y, f"┌{'─' * width}┐")
        for row, line in enumerate(inside, y + 1):
            self.put(x, row, f"│ {line} │")
        self.put(x, y + len(inside) + 1, f"└{'─' * width}┘")

    def lines(self) -> list[str]:
        """What stands on it, from the first column and row on."""
        right, bottom = max(x for x, _ in self._letters), max(y for _, y in self._letters)
        rows = ("".join(self._letters.get((x, y), " ") for x in range(right + 1)) for y in range(bottom + 1))
        return [row.rstrip() for row in rows]
