"""What a person reads on the screen, as plain text: messages, modals and home tabs made of Block Kit."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot.rehearsal.slack.blocks import BLOCKS
from bot.rehearsal.slack.state import FIELDS, Control, controls
from bot.rehearsal.slack.workspace import Json, Message, View
from bot.rehearsal.slack.world import World

_MENTION = re.compile(r"<([@#!])([^>|]+)(?:\|([^>]*))?>")
_LINK = re.compile(r"<([a-z][a-z0-9+.-]*:[^>|]+)(?:\|([^>]*))?>")
_READ_ALOUD = (
    "text",
    "title",
    "subtitle",
    "body",
    "description",
    "label",
    "hint",
    "fields",
    "elements",
    "rows",
    "alt_text",
)


def of_message(world: World, message: Message) -> str:
    """Blocks are shown instead of the text when there are any, as in Slack."""
    blocks = [*message.blocks, *(block for part in message.attachments for block in part.get("blocks") or [])]
    lines = [] if message.blocks else [plain(world, message.text)]
    lines += of_blocks(world, blocks, {})
    lines += [plain(world, str(part["text"])) for part in message.attachments if part.get("text")]
    lines += [f"[file: {file.get('title') or file['name']}]" for file in message.files]
    return "\n".join(line for line in lines if line)


def of_view(world: World, view: View) -> str:
    spec = view.spec
    title = [spec["title"]["text"]] if spec.get("title") else []
    buttons = [f"[{spec[name]['text']}]" for name in ("close", "submit") if spec.get(name)]
    return "\n".join([*title, *of_blocks(world, spec["blocks"], view.values), *buttons])


def of_blocks(world: World, blocks: Sequence[Json], values: Json) -> list[str]:
    return [line for block in blocks for line in _block(world, block, values) if line]


def label(control: Control) -> str:
    """What the person sees on or beside a control."""
    element = control.element
    words = control.block.get("label") if control.is_input else element.get("text") or element.get("placeholder")
    return str((words or {}).get("text", "")) or control.action_id


def plain(world: World, text: str) -> str:
    """Slack's mrkdwn with mentions and links as they read."""
    text = _MENTION.sub(lambda found: _mention(world, *found.groups()), text)
    text = _LINK.sub(lambda found: found.group(2) or found.group(1), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _mention(world: World, mark: str, what: str, shown: str | None) -> str:
    if mark == "@" and what in world.users:
        return f"@{world.users[what].name}"
    if mark == "#" and what in world.channels:
        return f"#{world.channels[what].name}"
    if mark == "!" and what.startswith("date^"):
        return shown or what
    if mark == "!" and what.startswith("subteam^"):
        handles = [f"@{group.handle}" for group in world.workspace.usergroups if what == f"subteam^{group.id}"]
        return shown or "".join(handles)
    return f"{'#' if mark == '#' else '@'}{shown or what}"


def _block(world: World, block: Json, values: Json) -> Iterator[str]:
    if block["type"] not in BLOCKS:
        yield f"[unsupported: {block['type']}]"
        return
    yield from _texts(
        world, {name: part for name, part in block.items() if name not in {"type", "block_id", "element"}}
    )
    for control in controls([block]):
        yield _control(control, values)


def _control(control: Control, values: Json) -> str:
    entry = values.get(control.block_id, {}).get(control.action_id, {})
    chosen = entry.get(FIELDS[control.kind][0]) if control.kind in FIELDS else None
    if isinstance(chosen, dict) and "text" in chosen:
        chosen = chosen["text"]["text"]
    elif isinstance(chosen, list):
        chosen = ", ".join(c["text"]["text"] if isinstance(c, dict) and "text" in c else str(c) for c in chosen)
    name = label(control)
    return f"[{name}: {chosen}]" if chosen else f"[{name}]"


def _texts(world: World, part: Any) -> Iterator[str]:
    """Every text in a part of a block, in reading order; controls are left to `_control`."""
    if isinstance(part, str):
        yield plain(world, part)
    elif isinstance(part, list):
        for item in part:
            yield from _texts(world, item)
    elif isinstance(part, dict) and "action_id" not in part:
        for name in _READ_ALOUD:
            if part.get(name):
                yield from _texts(world, part[name])
        if part.get("user_id"):
            yield _mention(world, "@", str(part["user_id"]), None)
