"""A small workspace with one of everything that Block Kit knows, as the server would describe it."""

import time
from typing import Any

Json = dict[str, Any]

ADA, MINSU, BOT = "U0ADA", "U0MINSU", "U0BOT"
GENERAL, ROOM, OLD, DIRECT = "C0GENERAL", "C0ROOM", "C0OLD", "D0BOT"
NOON = int(time.time()) // 86_400 * 86_400 - 86_400 + 43_200  # yesterday, so that the order of days is certain


def ts(second: int) -> str:
    return f"{NOON + second}.000100"


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str, text: str | None = None, description: str | None = None) -> Json:
    extra = {"description": plain(description)} if description else {}
    return {"text": plain(text or value), "value": value, **extra}


def button(action: str, text: str, **more: Any) -> Json:
    return {"type": "button", "action_id": action, "text": plain(text), "value": action, **more}


def message(second: int, user: str, text: str, **more: Any) -> Json:
    return {"ts": ts(second), "user": user, "bot_name": None, "text": text, "blocks": None, "attachments": None,
            "edited": None, "ephemeral": False, "thread_ts": None, "reactions": [], "notice": None,
        "trouble": None, **more}  # fmt: skip


def channel(identifier: str, name: str, **more: Any) -> Json:
    return {"id": identifier, "name": name, "is_im": False, "im_user": None, "is_member": True, "topic": "", "purpose": "",
            "is_archived": False, "unread": 0, "members": [ADA, MINSU, BOT], "pins": [], "bookmarks": [], **more}  # fmt: skip


def user(identifier: str, name: str, real_name: str, **more: Any) -> Json:
    return {"id": identifier, "name": name, "real_name": real_name, "is_bot": False, "locale": "en-US", **more}


CARD: list[Json] = [
    {"type": "header", "block_id": "title", "text": plain(":rotating_light: Orders: writes are failing")},
    {"type": "section", "block_id": "facts", "fields": [
        mrkdwn("*Status*\n:red_circle: Open, 4 min"), mrkdwn("*Service*\norders · tier 1"),
        mrkdwn(f"*Paged*\n<@{MINSU}> until 12:09"), mrkdwn("*Recovery clock*\n`26:12` of 30:00"),
    ]},
    {"type": "section", "block_id": "say", "text": mrkdwn(
        "Latency is *3.2 s*, _normally_ ~300 ms~ 40 ms.\n>Threshold crossed: 3 of 5 datapoints\n"
        f"See <https://example.com/graph?a=1&amp;b=2|the graph>, <#{GENERAL}>, <!here>, since <!date^{NOON}^{{time}}|noon>."),
     "accessory": {"type": "overflow", "action_id": "more", "options": [option("mute", "Mute for an hour"), option("export", "Export")]}},
    {"type": "divider", "block_id": "line"},
    {"type": "actions", "block_id": "do", "elements": [
        button("ack", "Acknowledge", style="primary"),
        button("escalate", "Escalate now"),
        button("resolve", "Resolve", style="danger", confirm={
            "title": plain("Resolve?"), "text": mrkdwn("The *room* is archived."), "confirm": plain("Resolve it"), "deny": plain("Not yet"), "style": "danger"}),
        button("docs", "Runbook", url="https://example.com/runbook"),
        {"type": "static_select", "action_id": "plan", "placeholder": plain("Choose a playbook"), "options": [
            option("restore", "Restore the table"), option("restart", "Restart the service")]},
    ]},
    {"type": "context", "block_id": "foot", "elements": [mrkdwn("Tables: `orders` in *ap-northeast-2* :white_check_mark:")]},
]  # fmt: skip

EVERYTHING: list[Json] = [
    {"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [
            {"type": "text", "text": "Bold", "style": {"bold": True}}, {"type": "text", "text": " and "},
            {"type": "user", "user_id": MINSU}, {"type": "emoji", "name": "tada"}, {"type": "link", "url": "https://example.com", "text": "a link"}]},
        {"type": "rich_text_list", "style": "bullet", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "first"}]},
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "second"}]}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "SELECT 1;"}]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quoted"}]}]},
    {"type": "table", "rows": [
        [{"type": "raw_text", "text": "Step"}, {"type": "raw_text", "text": "Seconds"}],
        [{"type": "raw_text", "text": "restore"}, {"type": "raw_number", "value": 412, "text": "412"}]]},
    {"type": "markdown", "text": "## Plan\n**one** and `two`\n\n- [x] done\n- [ ] open\n\n| a | b |\n|---|---|\n| 1 | 2 |"},
    {"type": "image", "image_url": "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='120' height='40'%3E%3Crect width='120' height='40' fill='teal'/%3E%3C/svg%3E",
     "alt_text": "a teal box", "title": plain("Graph")},
    {"type": "image", "image_url": "https://far.example.com/cat.png", "alt_text": "a picture elsewhere"},
    {"type": "video", "title": plain("How to restore"), "video_url": "https://example.com/v", "thumbnail_url": "https://example.com/t", "alt_text": "film"},
    {"type": "file", "external_id": "F1", "source": "remote"},
    {"type": "alert", "level": "warning", "text": mrkdwn("The *standby* lags 40 s")},
    {"type": "card", "title": plain("A card"), "body": mrkdwn("with a *body*"), "actions": [button("card", "Open")]},
    {"type": "carousel", "elements": [{"type": "card", "title": plain("One")}, {"type": "card", "title": plain("Two")}]},
    {"type": "container", "title": plain("A container"), "is_collapsible": True, "child_blocks": [{"type": "section", "text": plain("inside")}]},
    {"type": "plan", "title": "The plan", "tasks": [{"type": "task_card", "task_id": "1", "title": "Restore", "status": "complete"}]},
    {"type": "call", "call_id": "R1", "call": {"v1": {"join_url": "https://example.com/call", "name": "War room"}}},
    {"type": "auth_provider", "value": "forge", "name": plain("The forge"), "is_connected": False, "auth_url": "https://example.com/auth"},
    {"type": "input", "block_id": "inline", "label": plain("Inline"), "element": {"type": "rich_text_input", "action_id": "note"}},
    {"type": "context_actions", "elements": [
        {"type": "feedback_buttons", "action_id": "rate", "positive_button": {"text": plain("Good"), "value": "1"}, "negative_button": {"text": plain("Bad"), "value": "0"}},{"type": "icon_button", "action_id": "bin", "icon": "trash", "text": plain("Delete")}]},
    {"type": "hologram"},
    {"type": "actions", "block_id": "picks", "elements": [
        {"type": "channels_select", "action_id": "c"}, {"type": "conversations_select", "action_id": "d"}, {"type": "multi_users_select", "action_id": "u"},
        {"type": "multi_channels_select", "action_id": "mc"}, {"type": "multi_external_select", "action_id": "me"}, {"type": "workflow_button", "action_id": "w", "text": plain("Run")}]},
    {"type": "section", "text": plain("with a picture"), "accessory": {"type": "image", "image_url": "data:image/gif;base64,R0lGODlhAQABAAAAACw=", "alt_text": "dot"}},
    {"type": "actions", "elements": [{"type": "teleporter", "action_id": "t"}]},
]  # fmt: skip


def view(identifier: str, title: str, blocks: list[Json], **more: Any) -> Json:
    return {"id": identifier, "hash": "1", "type": "modal", "title": plain(title), "submit": plain("Run"), "close": plain("Cancel"),
            "blocks": blocks, "state": {"values": {}}, **more}  # fmt: skip


def field(block: str, label: str, element: Json, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": block,
        "label": plain(label),
        "element": {"action_id": "value", **element},
        **more,
    }


CHOICES = {
    "options": [
        option("ap-northeast-2", "Seoul", "two of three zones"),
        option("ap-northeast-1", "Tokyo"),
        option("us-west-2", "Oregon"),
    ]
}
FORM: list[Json] = [
    field("table", "Table", {"type": "plain_text_input", "initial_value": "orders"}, hint=plain("The table that lost its data")),
    field("why", "Reason", {"type": "plain_text_input", "multiline": True, "min_length": 5}, optional=True),
    field("region", "Region", {"type": "static_select", "placeholder": plain("Choose a region"), **CHOICES}),
    field("zones", "Zones", {"type": "multi_static_select", **CHOICES}, optional=True),
    field("who", "Approver", {"type": "users_select"}, optional=True),
    field("where", "Tell", {"type": "multi_conversations_select"}, optional=True),
    field("owner", "Owner", {"type": "external_select", "min_query_length": 1}, optional=True),
    field("mode", "Mode", {"type": "radio_buttons", "options": [option("dry", "Dry run"), option("real", "For real")], "initial_option": option("dry", "Dry run")}),
    field("checks", "Checks", {"type": "checkboxes", "options": [option("compare", "Compare items"), option("undo", "Prepare undo")]}, optional=True),
    field("day", "Day", {"type": "datepicker", "initial_date": "2026-11-20"}),
    field("hour", "Hour", {"type": "timepicker", "initial_time": "09:30"}),
    field("moment", "Moment", {"type": "datetimepicker"}, optional=True),
    field("count", "Count", {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "5"}, optional=True),
    field("mail", "Email", {"type": "email_text_input"}, optional=True),
    field("link", "Link", {"type": "url_text_input"}, optional=True),
]  # fmt: skip

HOME: list[Json] = [
    {"type": "header", "text": plain("On call this week")},
    {"type": "section", "block_id": "s", "text": mrkdwn(f"<@{MINSU}> until *Monday 09:00*"), "accessory": button("swap", "Swap")},
    {"type": "divider"},
    {"type": "section", "text": mrkdwn("열린 장애가 없습니다. 지난 30일 동안 평균 복구 시간은 *12분* 이었습니다.")},
]  # fmt: skip

MESSAGES: dict[str, list[Json]] = {
    GENERAL: [
        message(0, ADA, "Good morning. The *release* is out :rocket:"),
        message(60, ADA, "Second line of the same thought, with `code` &amp; a list:\n• one\n• two"),
        message(900, MINSU, "좋은 아침입니다. 배포 이후 주문 지표를 함께 살펴보고 있습니다. 지금까지는 오류율이 평소와 같습니다.",
                reactions=[{"name": "eyes", "users": [ADA]}, {"name": "+1", "users": [MINSU, BOT]}], edited={"user": MINSU, "ts": ts(901)}),
        message(1000, BOT, "everything", blocks=EVERYTHING),
    ],
    ROOM: [
        message(2000, BOT, "Orders: writes are failing", blocks=CARD, edited={"user": BOT, "ts": ts(2100)}),
        message(2010, BOT, "", attachments=[{"color": "danger", "title": "Alarm", "text": "Latency *3.2 s*", "fields": [
            {"title": "Region", "value": "ap-northeast-2", "short": True}, {"title": "Since", "value": "12:00", "short": True}], "footer": "monitor"}]),
        message(2100, MINSU, "제가 보고 있습니다", thread_ts=ts(2100)),
        message(2130, ADA, "Thanks! Tell me if you need hands.", thread_ts=ts(2100)),
        message(2200, BOT, "You are not on call, so the button did nothing.", ephemeral=True),
    ],
    OLD: [message(10, ADA, "done")],
    DIRECT: [message(20, BOT, "Hello Ada, you are on call from Monday.")],
}  # fmt: skip

WORKSPACE: Json = {
    "team": {"id": "T0", "name": "Harbour"},
    "users": [user(ADA, "ada", "Ada Park"), user(MINSU, "minsu", "김민수", locale="ko-KR"), user(BOT, "watch", "Watchman", is_bot=True)],
    "channels": [
        channel(GENERAL, "general", topic="Company-wide :wave: announcements", purpose="For everybody."),
        channel(ROOM, "inc-20261122-orders", topic=":rotating_light: orders · writes failing · lead <@U0MINSU>", unread=2, pins=[ts(2000)],
                bookmarks=[{"title": "Graph", "link": "https://example.com/graph"}, {"title": "Runbook", "link": "https://example.com/runbook"}]),
        channel("C0OTHER", "random", is_member=False),
        channel(OLD, "inc-20261101-search", is_archived=True),
        channel(DIRECT, "", is_im=True, im_user=BOT, members=[ADA, BOT], unread=1),
    ],
    "commands": [
        {"command": "/dr", "description": "See and handle incidents", "usage_hint": "[declare | status | ack | resolve]"},
        {"command": "/drill", "description": "Rehearse a failure", "usage_hint": "[list | run NAME]"},
        {"command": "/weather", "description": "Tell the weather", "usage_hint": "CITY"},
    ],
    "apps": [{"id": "A0WATCH", "name": "Watchman", "bot_user": BOT}],
    "modals": [],
    "home": {"A0WATCH": {"id": "V0HOME", "hash": "1", "type": "home", "blocks": HOME, "state": {"values": {}}}},
    "epoch": 1,
}  # fmt: skip
