"""The driver does only what a person could do, and says what they see when it cannot."""

import asyncio

import pytest

from bot.rehearsal.slack import LocalSlack
from bot.rehearsal.slack.visible import of_blocks
from tests.rehearsal.slack.hello import CARD, FORM, Api, HelloApp


async def test_a_wait_ends_when_the_text_appears_without_polling(slack: LocalSlack) -> None:
    mina, jun = slack.person("mina"), slack.person("jun")
    waiting = asyncio.create_task(mina.waits_for("fire", channel="ops"))
    await asyncio.sleep(0)
    await jun.post("There is a fire", channel="ops")
    assert await waiting == "There is a fire"


async def test_a_wait_in_vain_shows_what_is_on_the_screen(slack: LocalSlack, api: Api) -> None:
    mina = slack.person("mina")
    await mina.post("calm", channel="ops")
    with pytest.raises(AssertionError, match=r"(?s)mina does not see 'fire' after 0.01 s.*#ops.*mina: calm"):
        await mina.waits_for("fire", channel="ops", timeout=0.01)


async def test_a_wait_for_a_channel_that_does_not_exist_yet_ends_when_it_does(slack: LocalSlack, api: Api) -> None:
    waiting = asyncio.create_task(slack.person("mina").waits_for("Fire", channel="inc-1"))
    await asyncio.sleep(0)
    channel = await api.channel("inc-1")
    await api("chat.postMessage", channel=channel, text="Fire")
    assert await waiting == "Fire"


async def test_she_presses_the_newest_message_that_shows_the_button(slack: LocalSlack, hello: HelloApp) -> None:
    api_client = hello.client
    await api_client.conversations_join(channel="C2")
    for _ in range(2):
        newest = await api_client.chat_postMessage(channel="C2", text="card", blocks=CARD)
    mina = slack.person("mina")
    await mina.click("Wave")
    assert hello.heard[-1]["message"]["ts"] == newest["ts"]
    await mina.click("wave", channel="ops")
    with pytest.raises(AssertionError, match="sees nothing called 'Wave'"):
        await mina.click("Wave", channel="general")


async def test_a_modal_covers_what_is_behind_it(slack: LocalSlack, hello: HelloApp) -> None:
    mina = slack.person("mina")
    await mina.command("/hello", "card", channel="ops")
    await mina.waits_for("Greetings")
    await mina.command("/hello", "form", channel="ops")
    await mina.waits_for("Your name")
    with pytest.raises(AssertionError, match="sees nothing called 'Wave'"):
        await mina.click("Wave")
    await mina.close()
    await mina.click("Wave")


async def test_she_sees_no_private_channel_that_she_is_not_in(slack: LocalSlack) -> None:
    mina, jun = slack.person("mina"), slack.person("jun")
    await jun.post("psst", channel="secret")
    assert not mina.sees("psst")
    with pytest.raises(AssertionError, match="sees no channel secret"):
        mina.messages("secret")
    with pytest.raises(AssertionError, match="cannot do that: You are not in this channel"):
        await slack.person("guest").post("hi", channel="ops")


async def test_there_is_nothing_to_submit_without_a_modal(slack: LocalSlack) -> None:
    with pytest.raises(AssertionError, match="has no modal open"):
        await slack.person("mina").submit()


async def test_a_click_gives_the_ephemeral_messages_that_came_with_it(slack: LocalSlack, hello: HelloApp) -> None:
    mina = slack.person("mina")
    outcome = await mina.command("/hello", channel="ops")
    assert outcome.told == ("Hello <@U1>",)
    assert (await slack.person("jun").command("/hello", channel="ops")).told == ("Hello <@U2>",)


async def test_people_are_found_by_name_in_pickers_and_options_by_text(slack: LocalSlack, hello: HelloApp) -> None:
    elements = [
        {"type": "users_select", "action_id": "who"},
        {"type": "datepicker", "action_id": "when"},
        {"type": "checkboxes", "action_id": "which", "options": CARD[1]["elements"][1]["options"]},  # type: ignore[index]
    ]
    blocks = [
        {
            "type": "input",
            "block_id": e["action_id"],
            "label": {"type": "plain_text", "text": str(e["action_id"])},
            "element": e,
        }
        for e in elements
    ]
    trigger = slack.world.triggers.issue(hello.installed.id, "U1")
    await hello.client.views_open(trigger_id=trigger, view={**FORM, "blocks": blocks})
    mina = slack.person("mina")
    await mina.fill({"who": "jun", "when": "2026-11-23", "which": ["Red", "b"]})
    assert mina.modal is not None
    values = mina.modal.values
    assert values["who"]["who"]["selected_user"] == "U2"
    assert values["when"]["when"]["selected_date"] == "2026-11-23"
    assert [o["value"] for o in values["which"]["which"]["selected_options"]] == ["r", "b"]
    with pytest.raises(AssertionError, match=r"no option 'Pink'; there are \['Red', 'Blue'\]"):
        await mina.fill({"which": ["Pink"]})


def test_what_is_read_aloud(slack: LocalSlack) -> None:
    blocks = [
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "Paged <@U1> in <#C2>, see <https://x.example|this> &amp; that"},
        },
        {"type": "fireworks"},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "rich"}, {"type": "user", "user_id": "U2"}],
                }
            ],
        },
    ]
    assert of_blocks(slack.world, blocks, {}) == [
        "Paged @mina in #ops, see this & that",
        "[unsupported: fireworks]",
        "rich",
        "@jun",
    ]
