"""The Web API says no where Slack says no, with Slack's own codes."""

import json

import aiohttp
import pytest

from bot.errors import Refused
from bot.rehearsal.slack import LocalSlack
from bot.rehearsal.slack.methods import METHODS
from tests.rehearsal.slack.hello import CARD, Api, manifest, workspace


async def test_the_tokens_are_told_apart(slack: LocalSlack, api: Api) -> None:
    assert (await api("auth.test", token=""))["error"] == "not_authed"
    assert (await api("auth.test", token="xoxb-wrong"))["error"] == "invalid_auth"
    assert (await api("auth.test", token=api.app.app_token))["error"] == "not_allowed_token_type"
    assert (await api("apps.connections.open"))["error"] == "not_allowed_token_type"
    assert (await api("apps.connections.open", token=api.app.app_token))["url"].startswith("ws://127.0.0.1:")
    me = await api("auth.test")
    assert (me["user_id"], me["bot_id"], me["team_id"]) == (api.app.bot_user_id, api.app.bot_id, "T0LOCAL")
    assert (await api("chat.posMessage"))["error"] == "unknown_method"


async def test_a_json_body_counts_only_for_methods_that_take_one(slack: LocalSlack, api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.app.bot_token}"}
    async with api.session.post(slack.api_url + "users.info", json={"user": "U1"}, headers=headers) as response:
        assert (await response.json())["error"] == "invalid_arguments"
    async with api.session.post(
        slack.api_url + "conversations.create", json={"name": "x"}, headers=headers
    ) as response:
        assert (await response.json())["ok"]
    async with api.session.get(slack.api_url + "users.info?user=U1", headers=headers) as response:
        assert (await response.json())["user"]["name"] == "mina"
    async with api.session.post(
        slack.api_url + "conversations.create", data="{", headers=headers | {"Content-Type": "application/json"}
    ) as response:
        assert (await response.json())["error"] == "invalid_json"


@pytest.mark.parametrize("name", sorted(name for name, method in METHODS.items() if method.scopes))
async def test_no_method_works_without_its_scope(slack: LocalSlack, session: aiohttp.ClientSession, name: str) -> None:
    api = Api(slack, slack.install(manifest(without=METHODS[name].scopes, events=(), features={})), session)
    refused = await api(name)
    assert refused["error"] == "missing_scope"
    assert set(refused["needed"].split(",")) == set(METHODS[name].scopes)


async def test_scopes_follow_the_kind_of_channel(slack: LocalSlack, session: aiohttp.ClientSession) -> None:
    api = Api(slack, slack.install(manifest(without=("groups:write",))), session)
    assert await api.error("conversations.create", name="hidden", is_private=True) == "missing_scope"
    assert await api.error("conversations.create", name="open") == "ok"


NAMES = {
    "": "invalid_name_required",
    "a" * 81: "invalid_name_maxlength",
    "---": "invalid_name_punctuation",
    "Upper": "invalid_name_specials",
    "with space": "invalid_name_specials",
    "dot.ted": "invalid_name_specials",
    "general": "name_taken",
    "a" * 80: "ok",
    "inc-2026_11-결제": "ok",
}


@pytest.mark.parametrize("name", NAMES)
async def test_channel_names_follow_the_rules(api: Api, name: str) -> None:
    assert await api.error("conversations.create", name=name) == NAMES[name]


async def test_the_name_of_an_archived_channel_stays_taken(api: Api) -> None:
    channel = await api.channel("incident")
    assert await api.error("conversations.archive", channel=channel) == "ok"
    assert await api.error("conversations.create", name="incident") == "name_taken"


async def test_admins_can_forbid_to_create_channels(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(workspace(may_create_channels=False), rate_limits=None) as slack:
        api = Api(slack, slack.install(manifest()), session)
        assert await api.error("conversations.create", name="incident") == "restricted_action"


async def test_an_archived_channel_refuses_every_write(api: Api) -> None:
    channel = await api.channel()
    ts = (await api("chat.postMessage", channel=channel, text="x"))["ts"]
    await api("conversations.archive", channel=channel)
    writes = {
        "chat.postMessage": {"text": "x"},
        "chat.postEphemeral": {"text": "x", "user": "U1"},
        "chat.update": {"text": "y", "ts": ts},
        "chat.delete": {"ts": ts},
        "conversations.invite": {"users": "U1"},
        "conversations.join": {},
        "conversations.kick": {"user": "U1"},
        "conversations.leave": {},
        "conversations.rename": {"name": "other"},
        "conversations.setPurpose": {"purpose": "x"},
        "conversations.setTopic": {"topic": "x"},
        "pins.add": {"timestamp": ts},
        "pins.remove": {"timestamp": ts},
        "reactions.add": {"timestamp": ts, "name": "eyes"},
        "reactions.remove": {"timestamp": ts, "name": "eyes"},
        "bookmarks.add": {"channel_id": channel, "title": "t", "type": "link", "link": "https://x.example"},
        "bookmarks.edit": {"channel_id": channel, "bookmark_id": "Bk1"},
    }
    for method, arguments in writes.items():
        assert await api.error(method, **{"channel": channel} | arguments) == "is_archived", method
    assert await api.error("conversations.archive", channel=channel) == "already_archived"
    assert await api.error("conversations.unarchive", channel=channel) == "not_in_channel"


async def test_only_members_write_and_private_channels_do_not_exist_for_others(slack: LocalSlack, api: Api) -> None:
    assert await api.error("chat.postMessage", channel="C2", text="x") == "not_in_channel"
    assert await api.error("conversations.setTopic", channel="C2", topic="x") == "not_in_channel"
    assert await api.error("conversations.history", channel="C2") == "not_in_channel"
    for method in ("conversations.info", "conversations.join", "conversations.history"):
        assert await api.error(method, channel="C3") == "channel_not_found"
    assert await api.error("chat.postMessage", channel="C3", text="x") == "channel_not_found"
    assert await api.error("conversations.join", channel="C2") == "ok"
    assert (await api("conversations.join", channel="C2"))["warning"] == "already_in_channel"
    assert await api.error("chat.postMessage", channel="#ops", text="x") == "ok"


async def test_chat_write_public_needs_no_membership(slack: LocalSlack, session: aiohttp.ClientSession) -> None:
    wide = manifest()
    wide["oauth_config"]["scopes"]["bot"].append("chat:write.public")
    api = Api(slack, slack.install(wide), session)
    assert await api.error("chat.postMessage", channel="C2", text="x") == "ok"


INVITATIONS = {
    "U9": "user_not_found",
    "U3": "cant_invite",
    "U4": "user_is_restricted",
    "U1,U9": "user_not_found",
    "": "no_user",
    "U1,U2": "ok",
    ",".join(["U1"] * 101): "invalid_arguments",
}


@pytest.mark.parametrize("users", INVITATIONS)
async def test_invitations_are_all_or_nobody(slack: LocalSlack, api: Api, users: str) -> None:
    channel = await api.channel()
    assert await api.error("conversations.invite", channel=channel, users=users) == INVITATIONS[users]
    assert ("U1" in slack.world.channels[channel].members) == (INVITATIONS[users] == "ok")


async def test_a_forced_invitation_brings_those_who_can_come(slack: LocalSlack, api: Api) -> None:
    channel = await api.channel()
    bot = api.app.bot_user_id
    answer = await api("conversations.invite", channel=channel, users=f"U1,U9,{bot}", force=True)
    assert answer["ok"]
    assert [(e["user"], e["error"]) for e in answer["errors"]] == [("U9", "user_not_found"), (bot, "cant_invite_self")]
    assert "U1" in slack.world.channels[channel].members
    assert await api.error("conversations.invite", channel=channel, users="U1", force=True) == "already_in_channel"


@pytest.mark.parametrize(
    ("method", "name"), [("conversations.setTopic", "topic"), ("conversations.setPurpose", "purpose")]
)
async def test_topic_and_purpose_have_250_characters(api: Api, method: str, name: str) -> None:
    channel = await api.channel()
    assert await api.error(method, channel=channel, **{name: "x" * 250}) == "ok"
    assert await api.error(method, channel=channel, **{name: "x" * 251}) == "too_long"


async def test_a_post_is_cut_at_40000_characters_and_an_update_over_4000_is_refused(
    slack: LocalSlack, api: Api
) -> None:
    channel = await api.channel()
    posted = await api("chat.postMessage", channel=channel, text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000
    update = {"channel": channel, "ts": posted["ts"]}
    assert await api.error("chat.update", **update, text="x" * 4001) == "msg_too_long"
    assert await api.error("chat.update", **update, text="x" * 4000) == "ok"
    assert await api.error("chat.postMessage", channel=channel) == "no_text"


async def test_an_update_keeps_the_blocks_and_metadata_that_it_does_not_name(slack: LocalSlack, api: Api) -> None:
    channel = await api.channel()
    metadata = {"event_type": "card", "event_payload": {"id": "7"}}
    ts = (await api("chat.postMessage", channel=channel, text="a", blocks=CARD, metadata=metadata))["ts"]
    await api("chat.update", channel=channel, ts=ts, text="b")
    kept = (await api("conversations.history", channel=channel, include_all_metadata=True))["messages"][0]
    assert (kept["text"], kept["metadata"]) == ("b", metadata)
    assert kept["blocks"][1]["block_id"] == "b"
    assert kept["edited"]["user"] == api.app.bot_user_id
    await api("chat.update", channel=channel, ts=ts, text="c", blocks=[])
    bare = (await api("conversations.history", channel=channel))["messages"][0]
    assert "blocks" not in bare
    assert "metadata" not in bare


async def test_metadata_must_have_a_type_and_a_payload(api: Api) -> None:
    channel = await api.channel()
    for wrong in ({"event_type": "x"}, {"event_payload": {}}, ["x"], "{"):
        assert (
            await api.error("chat.postMessage", channel=channel, text="x", metadata=wrong) == "invalid_metadata_format"
        )


async def test_nobody_edits_what_others_wrote(slack: LocalSlack, api: Api) -> None:
    await api("conversations.join", channel="C2")
    await slack.person("mina").post("mine", channel="ops")
    ts = slack.person("mina").message("mine").ts
    assert await api.error("chat.update", channel="C2", ts=ts, text="x") == "cant_update_message"
    assert await api.error("chat.delete", channel="C2", ts=ts) == "cant_delete_message"
    assert await api.error("chat.update", channel="C2", ts="1.0", text="x") == "message_not_found"


async def test_an_ephemeral_message_is_for_one_member_and_cannot_be_had_again(slack: LocalSlack, api: Api) -> None:
    await api("conversations.join", channel="C2")
    whispered = await api("chat.postEphemeral", channel="C2", user="U1", text="psst")
    assert slack.person("mina").sees("psst")
    assert not slack.person("jun").sees("psst")
    assert await api.error("chat.update", channel="C2", ts=whispered["message_ts"], text="x") == "message_not_found"
    history = await api("conversations.history", channel="C2")
    assert "psst" not in json.dumps(history)
    assert await api.error("chat.postEphemeral", channel="C2", user="U9", text="x") == "user_not_in_channel"


async def test_lists_come_in_pages(api: Api) -> None:
    for number in range(5):
        await api.channel(f"page-{number}")
    names, cursor = [], ""
    for _ in range(4):
        page = await api("conversations.list", limit=2, cursor=cursor)
        names += [channel["name"] for channel in page["channels"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert names == ["general", "ops", *(f"page-{n}" for n in range(5))]
    assert cursor == ""
    assert await api.error("conversations.list", cursor="rubbish!") == "invalid_cursor"
    assert await api.error("conversations.list", limit=1001) == "invalid_limit"
    assert await api.error("conversations.list", types="secret") == "invalid_types"


async def test_history_is_newest_first_without_replies_and_threads_are_oldest_first(api: Api) -> None:
    channel = await api.channel()
    root = (await api("chat.postMessage", channel=channel, text="root"))["ts"]
    reply = (await api("chat.postMessage", channel=channel, text="reply", thread_ts=root))["ts"]
    last = (await api("chat.postMessage", channel=channel, text="last"))["ts"]
    found = (await api("conversations.history", channel=channel, oldest=root, inclusive=True))["messages"]
    assert [m["ts"] for m in found] == [last, root]
    assert found[1]["reply_count"] == 1
    assert [m["ts"] for m in (await api("conversations.history", channel=channel, oldest=root))["messages"]] == [last]
    thread = (await api("conversations.replies", channel=channel, ts=root))["messages"]
    assert [m["ts"] for m in thread] == [root, reply]
    assert await api.error("conversations.replies", channel=channel, ts="1.0") == "thread_not_found"


async def test_people_are_found_by_id_and_address_with_their_locale(api: Api) -> None:
    assert "locale" not in (await api("users.info", user="U1"))["user"]
    user = (await api("users.info", user="U1", include_locale=True))["user"]
    assert (user["locale"], user["tz"], user["tz_offset"]) == ("en-US", "Asia/Seoul", 9 * 3600)
    assert (await api("users.lookupByEmail", email="MINA@example.com"))["user"]["id"] == "U1"
    assert await api.error("users.lookupByEmail", email="gone@example.com") == "users_not_found"
    assert await api.error("users.info", user="U9") == "user_not_found"
    assert {u["id"] for u in (await api("users.list"))["members"]} >= {"U1", "U2", api.app.bot_user_id}
    assert (await api("usergroups.users.list", usergroup="S1"))["users"] == ["U1", "U2"]
    assert (await api("usergroups.list"))["usergroups"][0]["handle"] == "oncall"


async def test_direct_messages_open_once_and_not_with_those_who_left(slack: LocalSlack, api: Api) -> None:
    opened = await api("conversations.open", users="U1")
    again = await api("conversations.open", users="U1", return_im=True)
    assert again["channel"]["id"] == opened["channel"]["id"]
    assert (again["already_open"], again["channel"]["user"]) == (True, "U1")
    assert await api.error("conversations.open", users="U3") == "user_disabled"
    assert await api.error("conversations.open", users="U9") == "user_not_found"
    assert await api.error("conversations.open") == "users_list_not_supplied"
    await api("chat.postMessage", channel="U1", text="page")
    assert [m.text for m in slack.person("mina").direct_messages()] == ["page"]
    assert (await api("conversations.open", users="U1,U2"))["channel"]["id"].startswith("G")


async def test_pins_bookmarks_and_reactions(slack: LocalSlack, api: Api) -> None:
    channel = await api.channel()
    ts = (await api("chat.postMessage", channel=channel, text="card"))["ts"]
    on = {"channel": channel, "timestamp": ts}
    assert [await api.error("pins.add", **on) for _ in range(2)] == ["ok", "already_pinned"]
    assert (await api("pins.list", channel=channel))["items"][0]["message"]["pinned_to"] == [channel]
    assert [await api.error("pins.remove", **on) for _ in range(2)] == ["ok", "no_pin"]
    assert [await api.error("reactions.add", **on, name="eyes") for _ in range(2)] == ["ok", "already_reacted"]
    assert [await api.error("reactions.remove", **on, name="eyes") for _ in range(2)] == ["ok", "no_reaction"]
    link = {"channel_id": channel, "title": "Runbook", "type": "link"}
    assert await api.error("bookmarks.add", **link, link="runbook") == "invalid_link"
    mark = (await api("bookmarks.add", **link, link="https://x.example"))["bookmark"]
    await api("bookmarks.edit", channel_id=channel, bookmark_id=mark["id"], title="Plan")
    assert [m["title"] for m in (await api("bookmarks.list", channel_id=channel))["bookmarks"]] == ["Plan"]
    assert await api.error("bookmarks.edit", channel_id=channel, bookmark_id="Bk9") == "not_found"


async def test_a_file_is_uploaded_in_three_steps(slack: LocalSlack, api: Api) -> None:
    channel = await api.channel()
    ticket = await api("files.getUploadURLExternal", filename="graph.png", length=5)
    entry = {"id": ticket["file_id"], "title": "Graph"}
    assert await api.error("files.completeUploadExternal", files=[entry], channel_id=channel) == "file_not_found"
    async with api.session.post(ticket["upload_url"], data=b"1234") as response:
        assert response.status == 400
    async with api.session.post(ticket["upload_url"], data=b"12345") as response:
        assert response.status == 200
    await api("files.completeUploadExternal", files=[entry], channel_id=channel, initial_comment="Look")
    shared = (await api("conversations.history", channel=channel))["messages"][0]
    assert (shared["text"], shared["files"][0]["title"]) == ("Look", "Graph")
    async with api.session.get(shared["files"][0]["url_private"]) as response:
        assert await response.read() == b"12345"


async def test_calls_are_kept_without_the_token(slack: LocalSlack, api: Api) -> None:
    await api.session.post(slack.api_url + "users.info", data={"token": api.app.bot_token, "user": "U1"})
    call = slack.called("users.info")[0]
    assert (call.arguments, call.ok, call.app_id) == ({"user": "U1"}, True, api.app.id)
    assert api.app.bot_token not in repr(slack.calls)
    assert api.app.bot_token not in repr(api.app)


async def test_a_link_to_a_message_and_the_validation_of_blocks(api: Api) -> None:
    channel = await api.channel()
    ts = (await api("chat.postMessage", channel=channel, text="x"))["ts"]
    assert ts.replace(".", "") in (await api("chat.getPermalink", channel=channel, message_ts=ts))["permalink"]
    assert await api.error("blocks.validate", blocks=CARD) == "ok"
    assert await api.error("blocks.validate", blocks=[{"type": "x"}]) == "invalid_blocks"
    assert await api.error("blocks.validate", view={"type": "modal"}) == "invalid_view"
    assert await api.error("blocks.validate") == "invalid_arguments"


def test_a_manifest_that_slack_would_not_take_is_refused_when_it_is_installed() -> None:
    slack = LocalSlack(workspace())
    with pytest.raises(Refused, match="the event app_mention needs one of the scopes app_mentions:read"):
        slack.install(manifest(without=("app_mentions:read",)))
    with pytest.raises(Refused, match="1 to 35 characters"):
        slack.install(manifest(display_information={"name": "x" * 36}))
    slack.install(manifest(display_information={"name": "x" * 35}))
    with pytest.raises(Refused, match="belongs to another app"):
        slack.install(manifest())
