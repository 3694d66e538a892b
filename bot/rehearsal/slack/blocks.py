"""Block Kit's blocks with Slack's limits, and whole messages and views made of them.

https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/reference/views.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from bot.rehearsal.slack.elements import (
    ELEMENTS,
    ID,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    URL,
    element,
)
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.shapes import (
    At,
    Check,
    Shape,
    Where,
    anything,
    at_least_one,
    by_type,
    exactly_one,
    flag,
    listing,
    one_of,
    plain,
    string,
    text,
)
from bot.rehearsal.slack.workspace import Json

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
VIEW_BYTES = 250_000
MARKDOWN = 12_000
EVERYWHERE: tuple[Where, ...] = ("message", "modal", "home")


def _on(*surfaces: Where) -> Check:
    def rule(value: Any, at: At) -> None:
        if at.surface not in surfaces:
            at.wrong(f"unsupported type: {value['type']}")

    return rule


def _unique_action_ids(value: Any, at: At) -> None:
    ids = [part.get("action_id") for part in parts(value)]
    for name, times in Counter(i for i in ids if i).items():
        if times > 1:
            at.wrong(f"`action_id` {name} already exists for this block")


def _block(
    required: Mapping[str, Check] | None = None,
    optional: Mapping[str, Check] | None = None,
    *rules: Check,
    on: tuple[Where, ...] = EVERYWHERE,
    unfinished: bool = False,
) -> Check:
    return Shape(
        {"type": anything, **(required or {})},
        {"block_id": string(255), **(optional or {})},
        (_on(*on), _unique_action_ids, *rules),
        open=unfinished,
    )


def _context_element(value: Any, at: At) -> None:
    if isinstance(value, dict) and value.get("type") == "image":
        ELEMENTS["image"](value, at)
    else:
        text(2000)(value, at)


BLOCKS: Mapping[str, Check] = {
    "section": _block(
        None,
        {
            "text": text(3000),
            "fields": listing(text(2000), 1, 10),
            "accessory": element(*IN_SECTION),
            "expand": flag,
        },
        at_least_one("text", "fields"),
    ),
    "header": _block({"text": plain(150)}, {"level": anything}),
    "divider": _block(),
    "actions": _block({"elements": listing(element(*IN_ACTIONS), 1, 25)}),
    "context": _block({"elements": listing(_context_element, 1, 10)}),
    "image": _block(
        {"alt_text": string(2000, 1)},
        {"image_url": URL, "slack_file": anything, "title": plain(2000)},
        exactly_one("image_url", "slack_file"),
    ),
    "input": _block(
        {"label": plain(2000), "element": element(*IN_INPUT)},
        {"hint": plain(2000), "optional": flag, "dispatch_action": flag},
    ),
    "rich_text": _block({"elements": listing(anything, 1, 1000)}),
    "video": _block(
        {"alt_text": string(2000), "title": plain(200), "video_url": URL, "thumbnail_url": URL}, unfinished=True
    ),
    "file": _block({"external_id": string(255), "source": one_of("remote")}, on=("message",)),
    "markdown": _block({"text": string(MARKDOWN, 1)}, on=("message",)),
    "table": _block(
        {"rows": listing(listing(anything, 1, 20), 1, 100)}, {"column_settings": anything}, on=("message",)
    ),
    "context_actions": _block({"elements": listing(element(*IN_CONTEXT_ACTIONS), 1, 5)}, on=("message",)),
    "task_card": _block({"task_id": ID, "title": string(3000)}, on=("message",), unfinished=True),
    "plan": _block({"title": anything}, on=("message",), unfinished=True),
    "alert": _block({"text": anything}, on=("modal",), unfinished=True),
    "card": _block(unfinished=True),
    "carousel": _block({"elements": listing(anything, 1, 10)}, on=("message",), unfinished=True),
    "container": _block(on=("message",), unfinished=True),
}


def parts(block: Json) -> Iterator[Json]:
    """The elements of a block that a person can use or see."""
    candidates = [block.get("accessory"), block.get("element")]
    elements = block.get("elements")
    if block.get("type") in {"actions", "context", "context_actions"} and isinstance(elements, list):
        candidates += elements
    yield from (part for part in candidates if isinstance(part, dict))


def problems_of_blocks(blocks: Any, at: At, most: int) -> None:
    """Check a whole list of blocks, where no `block_id` may stand twice."""
    listing(by_type(BLOCKS), 0, most)(blocks, at)
    if isinstance(blocks, list):
        ids = Counter(block.get("block_id") for block in blocks if isinstance(block, dict) and block.get("block_id"))
        for index, block in enumerate(blocks):
            if isinstance(block, dict) and ids[block.get("block_id")] > 1:
                (at / index / "block_id").wrong(f"`block_id` {block['block_id']} already exists")


def check_message(blocks: Any, new_id: Callable[[], str], pointer: str = "/blocks") -> list[Json]:
    """The blocks as Slack stores them, with ids where the app gave none. Raises `invalid_blocks`, `_format`."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refusal("invalid_blocks_format", [f"[ERROR] should be an array of objects [json-pointer:{pointer}]"])
    at = At(pointer, "message", [])
    problems_of_blocks(blocks, at, MESSAGE_BLOCKS)
    if sum(len(str(b.get("text"))) for b in blocks if b.get("type") == "markdown") > MARKDOWN:
        at.wrong(f"all markdown blocks together must be less than {MARKDOWN + 1} characters")
    if at.problems:
        raise Refusal("invalid_blocks", [f"[ERROR] {problem}" for problem in at.problems], errors=at.problems)
    return with_ids(blocks, new_id)


def _has_inputs(value: Any) -> bool:
    blocks = value.get("blocks")
    return isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)


def _inputs_need_submit(value: Any, at: At) -> None:
    if _has_inputs(value) and not value.get("submit"):
        (at / "submit").wrong("missing required field: submit (a modal with input blocks must have it)")


_COMMON: Mapping[str, Check] = {
    "type": anything,
    "blocks": lambda value, at: problems_of_blocks(value, at, VIEW_BLOCKS),
}
_OPTIONAL: Mapping[str, Check] = {
    "callback_id": string(255),
    "external_id": string(255),
    "private_metadata": string(3000),
}
VIEWS: Mapping[str, Check] = {
    "modal": Shape(
        {**_COMMON, "title": plain(24)},
        {
            **_OPTIONAL,
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": flag,
            "notify_on_close": flag,
            "submit_disabled": flag,
        },
        (_inputs_need_submit,),
    ),
    "home": Shape(_COMMON, _OPTIONAL),
}


def check_view(view: Any, surfaces: Sequence[str], new_id: Callable[[], str]) -> Json:
    """The view as Slack stores it. Raises `invalid_arguments`, or `view_too_large` past 250 kB."""
    if not isinstance(view, dict):
        raise Refusal("invalid_arguments", ["[ERROR] should be an object [json-pointer:/view]"])
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES:
        raise Refusal("view_too_large", [f"[ERROR] view must be less than {VIEW_BYTES} bytes [json-pointer:/view]"])
    surface: Where = "home" if view.get("type") == "home" else "modal"
    at = At("/view", surface, [])
    by_type(VIEWS, surfaces)(view, at)
    if at.problems:
        raise Refusal("invalid_arguments", [f"[ERROR] {problem}" for problem in at.problems])
    return {**view, "blocks": with_ids(view["blocks"], new_id)}


def with_ids(blocks: Sequence[Json], new_id: Callable[[], str]) -> list[Json]:
    """A copy in which every block has a `block_id` and every element that a person can use an `action_id`."""
    found = deepcopy(list(blocks))
    for block in found:
        if not block.get("block_id"):
            block["block_id"] = new_id()
        for part in parts(block):
            if part["type"] not in {"image", "plain_text", "mrkdwn"} and not part.get("action_id"):
                part["action_id"] = new_id()
    return found
