"""An SVG as a PNG, for where only pictures are shown, such as Slack. `resvg_py` is imported here alone.

Text needs fonts of the machine. A letter that no font has would be drawn as nothing, so we look first.
"""

from functools import cache

from bot.errors import N_, Missing, phrase
from bot.language import Words
from bot.report.graph.svg import FONTS

#: Pixels for each of the drawing's: sharp on a phone.
ZOOM = 2.0
#: Two letters of each writing. If both look alike, neither was drawn.
_PROBES = {"en": ("a", "b"), "ko": ("가", "나")}


def png(svg: str, zoom: float = ZOOM) -> bytes:
    """The picture. It blocks for up to half a second, when the machine's fonts are read for the first time."""
    import resvg_py  # noqa: PLC0415  # loads a library of 4 MB, and few commands draw

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))


def drawable(_: Words) -> Words:
    """The reader, or an English one on a machine without Korean letters. Raises `Missing` when it has no font at all."""
    if not has_letters("en"):
        what = N_(
            "This machine has no font to draw with. Install one: apt-get install fonts-dejavu-core fonts-noto-cjk"
        )
        raise Missing(phrase(what))
    return _ if has_letters(_.known) else Words("en", _.zone)


@cache
def has_letters(language: str) -> bool:
    """Whether the machine's fonts have the letters of that language."""
    first, second = (_letter(one) for one in _PROBES[language])
    return first != second


def _letter(letter: str) -> bytes:
    text = f'<text x="4" y="24" font-size="20" font-family="{FONTS}">{letter}</text>'
    return png(f'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">{text}</svg>', 1.0)
