"""The few blocks we use, each cut to Slack's limits, and how texts of others are made harmless in them.

Whatever a person, an alarm or AWS wrote goes through `escape` before it stands in mrkdwn: `<!channel>` in the name of an
alarm must ping nobody.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.language import Words
from bot.slack.limits import BUTTON, CONTEXT, HEADER, SECTION, TEXT, clip, clip_markup

Block = dict[str, Any]
#: The name of an actor (a key of people.yaml, `<@U…>`, `cli:root`) as mrkdwn; `People.display` for one reader.
Who = Callable[[str], str]

#: Look-alikes of the two letters that would end bold text and code.
_STAR, _TICK = "\u2217", "\u02cb"
#: Slack takes no empty text.
EMPTY = "—"
_NO_STYLE = str.maketrans("", "", "*`")


@dataclass(frozen=True)
class Message:
    """What is posted. `text` is what phones show in their notification and screen readers read: mentions and times
    are written as in mrkdwn, but bold and code would show as asterisks and backticks, so they are left out.
    """

    text: str
    blocks: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clip_markup(self.text.translate(_NO_STYLE), TEXT) or EMPTY)


def escape(text: str) -> str:
    """The text as mrkdwn that shows exactly it. https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def flat(text: str) -> str:
    """The text on one line: a name with line breaks in it must not look like lines of ours."""
    return " ".join(text.split())


def bold(text: str) -> str:
    """Somebody's text in bold. A `*` inside would end the bold early, so it becomes its look-alike."""
    return f"*{escape(flat(text)).replace('*', _STAR)}*" if text.strip() else ""


def code(text: str) -> str:
    """Somebody's text as code on one line."""
    return f"`{escape(flat(text)).replace('`', _TICK)}`" if text.strip() else ""


def preformatted(text: str) -> str:
    """Somebody's text as a code block."""
    return f"```{escape(text).replace('```', _TICK * 3)}```"


_FORMATS = {"time": "{time}", "day": "{date_short_pretty} {time}"}


def moment(at: datetime, _: Words, shown: str = "time") -> str:
    """An instant that Slack shows in each reader's own zone; where it cannot, the zone of `_` stands in."""
    fallback = _.time(at) if shown == "time" else _.day_and_time(at)
    return f"<!date^{int(at.timestamp())}^{_FORMATS[shown]}|{fallback}>"


def header(text: str) -> Block:
    """One line in large letters; plain text, so nothing in it means anything to Slack."""
    return {"type": "header", "text": {"type": "plain_text", "text": clip(flat(text), HEADER) or EMPTY, "emoji": False}}


def worded(text: str) -> Message:
    """An answer that is only mrkdwn: drawn in sections, so that bold and code show, each as long as Slack takes."""
    parts = [""]
    for line in text.split("\n"):
        longer = f"{parts[-1]}\n{line}" if parts[-1] else line
        if len(longer) <= SECTION:
            parts[-1] = longer
        else:
            parts.append(line)
    return Message(text, [section(part) for part in parts if part.strip()])


def section(text: str, accessory: Block | None = None) -> Block:
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": clip_markup(text, SECTION) or EMPTY}}
    return block | ({"accessory": accessory} if accessory else {})


def context(text: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": clip_markup(text, CONTEXT) or EMPTY}]}


def actions(*buttons: Block) -> list[Block]:
    """A row of buttons; no row when there are none."""
    return [{"type": "actions", "elements": list(buttons)}] if buttons else []


def button(text: str, action_id: str, value: str, *, style: str = "", confirm: Block | None = None) -> Block:
    block: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": clip(flat(text), BUTTON) or EMPTY, "emoji": True},
        "action_id": action_id,
        "value": value,
    }
    return block | ({"style": style} if style else {}) | ({"confirm": confirm} if confirm else {})


def confirmation(title: str, text: str, yes: str, no: str, *, style: str = "danger") -> Block:
    """Are you sure? Asked by Slack itself before it sends us the press."""

    def plain(words: str, most: int) -> Block:
        return {"type": "plain_text", "text": clip(words, most) or EMPTY}

    return {"title": plain(title, 100), "text": plain(text, 300), "confirm": plain(yes, 30), "deny": plain(no, 30),
            "style": style}  # fmt: skip


def lines(*rows: str) -> str:
    """The rows that are not empty, one below the other."""
    return "\n".join(row for row in rows if row)


def listed(rows: Sequence[str], most: int, _: Words) -> str:
    """The first rows, and how many more there are."""
    left = len(rows) - most
    return lines(*rows[:most], _("and {count} more", count=left) if left > 0 else "")


_MENTION = re.compile(r"<@[UW][A-Z0-9]+>")


def mention(actor: str) -> str | None:
    """The actor itself when it is a mention of a Slack user and nothing else."""
    return actor if _MENTION.fullmatch(actor) else None
