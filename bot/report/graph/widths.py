"""How wide a text is, in cells of a terminal: a Korean letter takes two. Drawings of any kind count so."""

from unicodedata import combining, east_asian_width


def cells(text: str) -> int:
    """The cells that a text takes."""
    return sum(2 if east_asian_width(letter) in "WF" else 0 if combining(letter) else 1 for letter in text)


def clipped(text: str, width: int) -> str:
    """The text in at most that many cells; an ellipsis shows that some of it is missing."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[:-1]
    return text.rstrip() + "…" if width > 0 else ""
