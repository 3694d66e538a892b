"""A workspace, and a plain hello-world Bolt app that knows nothing of Lifeboat."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.slack import Channel, InstalledApp, LocalSlack, User, UserGroup, Workspace

SCOPES = [
    "app_mentions:read",
    "bookmarks:read",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:read",
    "im:write",
    "mpim:read",
    "mpim:write",
    "pins:read",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
    "users:read.email",
]
EVENTS = [
    "app_home_opened",
    "app_mention",
    "channel_archive",
    "member_joined_channel",
    "message.channels",
    "message.im",
]


def manifest(
    *, without: tuple[str, ...] = (), events: tuple[str, ...] = tuple(EVENTS), **changed: Any
) -> dict[str, Any]:
    """The hello app's manifest, without some scopes, or with other sections."""
    return {
        "display_information": {"name": "Hello"},
        "features": {
            "bot_user": {"display_name": "hello"},
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
            "slash_commands": [{"command": "/hello", "description": "Say hello", "usage_hint": "[name]"}],
        },
        "oauth_config": {"scopes": {"bot": [scope for scope in SCOPES if scope not in without]}},
        "settings": {
            "event_subscriptions": {"bot_events": list(events)},
            "interactivity": {"is_enabled": True},
            "socket_mode_enabled": True,
        },
        **changed,
    }


def workspace(**changed: Any) -> Workspace:
    return Workspace(
        users=[
            User("U1", "mina", "Mina Park", "mina@example.com", "en-US", "Asia/Seoul"),
            User("U2", "jun", "Jun Lee", "jun@example.com"),
            User("U3", "gone", "Gone Person", "gone@example.com", deleted=True),
            User("U4", "guest", "Guest", "guest@example.com", is_restricted=True),
        ],
        channels=[
            Channel("C1", "general", ["U1", "U2"], is_general=True),
            Channel("C2", "ops", ["U1", "U2"]),
            Channel("C3", "secret", ["U2"], is_private=True),
        ],
        usergroups=[UserGroup("S1", "oncall", "On call", ["U1", "U2"])],
        **changed,
    )


@dataclass
class Api:
    """The Web API over plain HTTP, as any program would call it."""

    slack: LocalSlack
    app: InstalledApp
    session: aiohttp.ClientSession

    async def __call__(self, method: str, token: str | None = None, **arguments: Any) -> dict[str, Any]:
        status, answer, _ = await self.raw(method, token, **arguments)
        assert status == 200, (status, answer)
        return answer

    async def raw(
        self, method: str, token: str | None = None, **arguments: Any
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        token = self.app.bot_token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        form = {name: json.dumps(v) if isinstance(v, dict | list | bool) else str(v) for name, v in arguments.items()}
        async with self.session.post(self.slack.api_url + method, data=form, headers=headers) as response:
            return response.status, await response.json(), response.headers

    async def error(self, method: str, **arguments: Any) -> str:
        answer = await self(method, **arguments)
        return str(answer.get("error", "ok"))

    async def channel(self, name: str = "incident") -> str:
        """A new channel that the bot is in."""
        answer = await self("conversations.create", name=name)
        assert answer["ok"], answer
        return str(answer["channel"]["id"])


@dataclass
class HelloApp:
    """A Bolt app served by aiohttp. `heard` are the bodies it was given; `retries` the headers of repeated ones."""

    bolt: AsyncApp
    client: AsyncWebClient
    installed: InstalledApp
    heard: list[dict[str, Any]] = field(default_factory=list)
    retries: list[tuple[str, str]] = field(default_factory=list)


@asynccontextmanager
async def served(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An HTTP server on loopback whose only route is POST /slack/events."""
    app = web.Application()
    app.router.add_post("/slack/events", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


def hello_app(slack: LocalSlack, installed: InstalledApp) -> HelloApp:
    client = AsyncWebClient(token=installed.bot_token, base_url=slack.api_url)
    bolt = AsyncApp(client=client, signing_secret=installed.signing_secret, process_before_response=False)
    app = HelloApp(bolt, client, installed)

    @bolt.middleware
    async def remember(body: dict[str, Any], next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002  # Bolt's name
        app.heard.append(body)
        await next()

    _answer_commands(bolt)
    _answer_interactions(bolt)
    _answer_events(bolt)
    return app


def _answer_commands(bolt: AsyncApp) -> None:
    @bolt.command("/hello")
    async def command(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack(f"Hello <@{body['user_id']}>")
        if body["text"] == "form":
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        if body["text"] == "card":
            await client.conversations_join(channel=body["channel_id"])
            await client.chat_postMessage(channel=body["channel_id"], text="A card", blocks=CARD)


def _answer_interactions(bolt: AsyncApp) -> None:
    @bolt.action("wave")
    async def wave(ack: Any, respond: Any, body: dict[str, Any]) -> None:
        await ack()
        await respond(f"You waved with {body['actions'][0]['value']}")

    @bolt.action("colour")
    async def colour(ack: Any) -> None:
        await ack()

    @bolt.view("form")
    async def form(ack: Any, view: dict[str, Any], body: dict[str, Any], client: AsyncWebClient) -> None:
        name = view["state"]["values"]["name"]["typed"]["value"]
        if name == "nobody":
            await ack(response_action="errors", errors={"name": "Nobody is not a name"})
            return
        await ack()
        await client.chat_postMessage(channel=body["user"]["id"], text=f"Nice to meet you, {name}")


def _answer_events(bolt: AsyncApp) -> None:
    @bolt.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        blocks = [{"type": "header", "text": {"type": "plain_text", "text": "Welcome home"}}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @bolt.event("message")
    @bolt.event("member_joined_channel")
    @bolt.event("channel_archive")
    @bolt.event("app_mention")
    async def others() -> None: ...


CARD = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Greetings*"}},
    {
        "type": "actions",
        "block_id": "b",
        "elements": [
            {
                "type": "button",
                "text": {"type": "plain_text", "text": "Wave"},
                "action_id": "wave",
                "value": "left hand",
            },
            {
                "type": "static_select",
                "action_id": "colour",
                "placeholder": {"type": "plain_text", "text": "Colour"},
                "options": [
                    {"text": {"type": "plain_text", "text": "Red"}, "value": "r"},
                    {"text": {"type": "plain_text", "text": "Blue"}, "value": "b"},
                ],
            },
        ],
    },
]
FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Who are you?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Your name"},
            "element": {"type": "plain_text_input", "action_id": "typed"},
        }
    ],
}
