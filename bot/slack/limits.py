"""Slack's sizes, and the one way in which texts are cut to them. https://docs.slack.dev/reference/block-kit/blocks"""

#: A message's own text: `chat.update` refuses more, `chat.postMessage` would take ten times as much.
TEXT = 4_000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
#: A view may have 250 kB; some of it is the frame around the texts.
VIEW_BYTES = 240_000
HEADER = 150
SECTION = 3_000
CONTEXT = 2_000
BUTTON = 75
VALUE = 2_000
VIEW_TITLE = 24
TOPIC = 250
BOOKMARK = 75

_CUT = "…"


def clip(text: str, most: int) -> str:
    """The text, or as much of its beginning as fits and "…"."""
    if len(text) <= most:
        return text
    return text[: most - len(_CUT)].rstrip() + _CUT


def clip_markup(text: str, most: int) -> str:
    """Like `clip`, for mrkdwn: never inside `&amp;`, `<@U1>` or a code block, whose rest would show as rubbish."""
    if len(text) <= most:
        return text
    cut = text[: most - len(_CUT) - len(_FENCE)]
    if cut.rfind("<") > cut.rfind(">"):
        cut = cut[: cut.rfind("<")]
    if cut.rfind("&") > cut.rfind(";"):
        cut = cut[: cut.rfind("&")]
    fence = _FENCE if cut.count(_FENCE) % 2 else ""
    return cut.rstrip() + _CUT + fence


_FENCE = "```"
