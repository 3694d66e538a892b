"""The browser's side: what the page gets, what it may do, and that no other web page may."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from bot.rehearsal.slack import LocalSlack
from tests.rehearsal.slack.hello import CARD, FORM, Api, HelloApp


@dataclass
class Browser:
    slack: LocalSlack
    session: aiohttp.ClientSession
    user: str = "U1"

    async def get(self, path: str, **query: str) -> Any:
        async with self.session.get(f"{self.slack.url}/ui/{path}", params={"user": self.user, **query}) as response:
            assert response.status == 200, response.status
            return await response.json()

    async def post(self, path: str, **body: Any) -> Any:
        async with self.session.post(f"{self.slack.url}/ui/{path}", json={"user": self.user, **body}) as response:
            assert response.status == 200, (response.status, await response.text())
            return await response.json()


@pytest.fixture
def browser(slack: LocalSlack, session: aiohttp.ClientSession) -> Browser:
    return Browser(slack, session)


async def test_the_state_holds_what_the_page_draws(slack: LocalSlack, browser: Browser, api: Api) -> None:
    channel = await api.channel("incident")
    await api("conversations.setTopic", channel=channel, topic="Fire")
    await api("conversations.invite", channel=channel, users="U1")
    ts = (await api("chat.postMessage", channel=channel, text="card"))["ts"]
    await api("pins.add", channel=channel, timestamp=ts)
    link = {"title": "Run", "type": "link", "link": "https://x.example"}
    await api("bookmarks.add", channel_id=channel, **link)
    state = await browser.get("state")
    assert (state["team"], state["me"]) == ({"id": "T0LOCAL", "name": "Rehearsal"}, "U1")
    names = {c["name"] for c in state["channels"]}
    assert {"general", "ops", "incident"} <= names
    assert "secret" not in names
    shown = next(c for c in state["channels"] if c["id"] == channel)
    assert (shown["topic"], shown["is_member"], shown["pins"]) == ("Fire", True, [ts])
    assert shown["bookmarks"] == [{"title": "Run", "link": "https://x.example"}]
    assert shown["unread"] > 0
    assert state["commands"] == [{"command": "/hello", "description": "Say hello", "usage_hint": "[name]"}]
    assert state["apps"] == [{"id": api.app.id, "name": "Hello", "bot_user": api.app.bot_user_id}]
    assert (state["modals"], state["home"]) == ([], {api.app.id: None})
    assert await browser.post("read", channel=channel) == {"ok": True}
    state = await browser.get("state")
    assert next(c for c in state["channels"] if c["id"] == channel)["unread"] == 0


async def test_messages_are_those_that_this_person_sees(slack: LocalSlack, browser: Browser, api: Api) -> None:
    await api("conversations.join", channel="C2")
    await api("chat.postMessage", channel="C2", text="Card", blocks=CARD)
    await api("chat.postEphemeral", channel="C2", user="U2", text="for Jun")
    await api("chat.postEphemeral", channel="C2", user="U1", text="for Mina")
    shown = (await browser.get("messages", channel="C2"))["messages"]
    assert [m["text"] for m in shown if not m["subtype"]] == ["Card", "for Mina"]
    assert shown[-1]["ephemeral"]
    assert shown[-2]["bot_name"] == "Hello"
    async with browser.session.get(f"{slack.url}/ui/messages?user=U1&channel=C3") as response:
        assert response.status == 404


async def test_a_click_a_form_and_a_home_tab_work_as_in_the_page(
    slack: LocalSlack, browser: Browser, hello: HelloApp
) -> None:
    mina = slack.person("mina")
    assert await browser.post("command", channel="C2", text="/hello card") == {"ok": True}
    await mina.waits_for("Greetings", channel="ops")
    ts = mina.message("Greetings").ts
    where = {"channel": "C2", "ts": ts, "block_id": "b"}
    assert await browser.post("click", **where, action_id="wave") == {"ok": True}
    await mina.waits_for("You waved with left hand")
    picked = {"text": {"type": "plain_text", "text": "Blue"}, "value": "b"}
    assert await browser.post("click", **where, action_id="colour", selected_option=picked) == {"ok": True}
    assert hello.heard[-1]["actions"][0]["selected_option"]["value"] == "b"
    invented = {"text": {"type": "plain_text", "text": "Pink"}, "value": "p"}
    assert not (await browser.post("click", **where, action_id="colour", selected_option=invented))["ok"]
    assert not (await browser.post("click", **where, action_id="nothing"))["ok"]
    await browser.post("command", channel="C2", text="/hello form")
    await mina.waits_for("Your name")
    view = (await browser.get("state"))["modals"][-1]
    assert view["title"]["text"] == "Who are you?"

    def values(text: str) -> dict[str, Any]:
        return {"values": {"name": {"typed": {"type": "plain_text_input", "value": text}}}}

    refused = await browser.post("submit", view_id=view["id"], state=values("nobody"))
    assert refused == {"ok": False, "errors": {"name": "Nobody is not a name"}}
    assert await browser.post("submit", view_id=view["id"], state=values("Mina")) == {"ok": True}
    assert not (await browser.post("submit", view_id=view["id"], state=values("Mina")))["ok"]
    assert await browser.post("home", app_id=hello.installed.id) == {"ok": True}
    await mina.waits_for("Welcome home")
    assert (await browser.get("state"))["home"][hello.installed.id]["type"] == "home"


async def test_a_click_in_a_form_carries_what_is_typed_so_far(
    slack: LocalSlack, browser: Browser, hello: HelloApp
) -> None:
    api = Api(slack, hello.installed, browser.session)
    go = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "colour"}
    button = {"type": "actions", "block_id": "a", "elements": [go]}
    form = {**FORM, "blocks": [*FORM["blocks"], button]}  # type: ignore[misc]
    view = (await api("views.open", trigger_id=slack.world.triggers.issue(api.app.id, "U1"), view=form))["view"]
    typed = {"values": {"name": {"typed": {"type": "plain_text_input", "value": "Mi"}}}}
    await browser.post("click", view_id=view["id"], block_id="a", action_id="colour", state=typed)
    assert hello.heard[-1]["view"]["state"]["values"]["name"]["typed"]["value"] == "Mi"
    assert await browser.post("close", view_id=view["id"]) == {"ok": True}
    assert (await browser.get("state"))["modals"] == []


async def test_people_write_and_open_direct_messages(slack: LocalSlack, browser: Browser) -> None:
    channel = (await browser.post("open_im", **{"with": "U2"}))["channel"]
    assert await browser.post("post", channel=channel, text="Hi Jun") == {"ok": True}
    assert [m.text for m in slack.person("jun").direct_messages()] == ["Hi Jun"]
    assert "notice" in await browser.post("post", channel="C3", text="not mine")


async def test_changes_arrive_as_they_happen_and_only_those_the_person_may_see(
    slack: LocalSlack, browser: Browser, api: Api
) -> None:
    async with browser.session.get(f"{slack.url}/ui/events?user=U1") as stream:
        assert stream.content_type == "text/event-stream"
        assert await stream.content.readline() == b": open\n"
        await slack.person("jun").post("hidden", channel="secret")
        await api("conversations.join", channel="C2")
        await api("chat.postEphemeral", channel="C2", user="U2", text="hidden")
        await api("chat.postMessage", channel="C2", text="seen")
        async with asyncio.timeout(5):
            changes = []
            while not changes or changes[-1].get("text") != "seen":
                line = await stream.content.readline()
                if line.startswith(b"data: "):
                    changes.append(json.loads(line[6:]))
    assert "hidden" not in json.dumps(changes)
    assert changes[-1]["type"] == "message"
    assert changes[-1]["channel"] == "C2"


FOREIGN = {
    "another origin": {"Origin": "http://evil.example"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "a file": {"Origin": "null"},
    "https here": {"Origin": "https://127.0.0.1"},
    "a rebound name": {"Host": "evil.example"},
    "a cross-site fetch": {"Sec-Fetch-Site": "cross-site"},
}


@pytest.mark.parametrize("name", FOREIGN)
async def test_a_web_page_elsewhere_cannot_act(slack: LocalSlack, session: aiohttp.ClientSession, name: str) -> None:
    body = {"user": "U1", "channel": "C2", "text": "stolen"}
    async with session.post(f"{slack.url}/ui/post", json=body, headers=FOREIGN[name]) as response:
        assert response.status == 403
    assert not slack.person("mina").sees("stolen")


async def test_its_own_page_may_act_and_forms_may_not(slack: LocalSlack, session: aiohttp.ClientSession) -> None:
    body = {"user": "U1", "channel": "C2", "text": "mine"}
    async with session.post(f"{slack.url}/ui/post", json=body, headers={"Origin": slack.url}) as response:
        assert (await response.json())["ok"]
    async with session.post(
        f"{slack.url}/ui/post", data=json.dumps(body), headers={"Content-Type": "text/plain"}
    ) as reply:
        assert reply.status == 415


@pytest.mark.parametrize("path", ["/page/../ui.py", "/page/%2e%2e/ui.py", "/page//etc/passwd", "/page/nothing.js"])
async def test_only_the_pages_own_files_are_served(
    slack: LocalSlack, session: aiohttp.ClientSession, path: str
) -> None:
    import yarl

    async with session.get(yarl.URL(slack.url + path, encoded=True)) as response:
        assert response.status == 404


@pytest.mark.parametrize("user", ["", "U9", "U3"])
async def test_only_people_who_are_here_look(slack: LocalSlack, session: aiohttp.ClientSession, user: str) -> None:
    async with session.get(f"{slack.url}/ui/messages", params={"user": user, "channel": "C2"}) as response:
        assert (response.status, (await response.json())["error"]) == (404, "user_not_found")
    async with session.get(f"{slack.url}/ui/state", params={"user": user}) as response:
        assert (await response.json())["me"] == "U1"


async def test_the_epoch_tells_a_restart_and_nothing_else(slack: LocalSlack, browser: Browser) -> None:
    before = (await browser.get("state"))["epoch"]
    slack.clock.advance(60)
    assert (await browser.get("state"))["epoch"] == before


async def test_slacks_own_lines_are_marked_and_a_failed_button_is_remembered(
    slack: LocalSlack, browser: Browser, api: Api
) -> None:
    await api("conversations.join", channel="C2")
    await api("chat.postMessage", channel="C2", text="Card", blocks=CARD)
    failed = await browser.post(
        "click", channel="C2", ts=max(slack.world.channels["C2"].messages), block_id="b", action_id="wave"
    )
    assert failed == {"ok": False, "notice": "Hello is not connected. Try again later."}
    joined, card = (await browser.get("messages", channel="C2"))["messages"]
    assert (joined["notice"], card["notice"]) == (True, None)
    assert (joined["trouble"], card["trouble"]) == (None, failed["notice"])
