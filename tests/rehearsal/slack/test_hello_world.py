"""A plain hello-world Bolt app against the local Slack, over signed HTTP."""

import pytest

from bot.rehearsal.slack import LocalSlack
from tests.rehearsal.slack.hello import HelloApp


async def test_a_command_is_answered_only_to_the_one_who_typed_it(slack: LocalSlack, hello: HelloApp) -> None:
    mina, jun = slack.person("mina"), slack.person("jun")
    outcome = await mina.command("/hello", channel="#ops")
    assert outcome.ok
    assert outcome.told == ("Hello <@U1>",)
    assert mina.sees("Hello @mina", channel="ops")
    assert not jun.sees("Hello", channel="ops")


async def test_a_button_reaches_the_app_with_its_value_and_the_answer_reaches_the_person(
    slack: LocalSlack, hello: HelloApp
) -> None:
    mina = slack.person("mina")
    await mina.command("/hello", "card", channel="ops")
    await mina.waits_for("Greetings", channel="ops")
    await mina.click("Wave", channel="ops")
    await mina.waits_for("You waved with left hand", channel="ops")
    pressed = next(body for body in hello.heard if body.get("type") == "block_actions")
    assert pressed["user"]["id"] == "U1"
    assert pressed["container"]["channel_id"] == "C2"
    assert pressed["message"]["blocks"][1]["block_id"] == "b"


async def test_a_menu_sends_the_chosen_option(slack: LocalSlack, hello: HelloApp) -> None:
    mina = slack.person("mina")
    await mina.command("/hello", "card", channel="ops")
    await mina.waits_for("Greetings")
    await mina.select("Colour", "Blue", channel="ops")
    pressed = hello.heard[-1]
    assert pressed["actions"][0]["selected_option"]["value"] == "b"
    assert pressed["state"]["values"]["b"]["colour"]["selected_option"]["value"] == "b"


async def test_a_form_shows_the_apps_errors_then_closes_when_it_is_accepted(slack: LocalSlack, hello: HelloApp) -> None:
    mina = slack.person("mina")
    await mina.command("/hello", "form", channel="ops")
    await mina.waits_for("Your name")
    assert (await mina.submit()).errors == {"name": "Please complete this required field."}
    await mina.fill({"Your name": "nobody"})
    assert (await mina.submit()).errors == {"name": "Nobody is not a name"}
    assert mina.modal is not None
    await mina.fill({"name": "Mina"})
    assert (await mina.submit()).ok
    assert mina.modal is None
    await mina.waits_for("Nice to meet you, Mina")
    assert [mina.reads(m) for m in mina.direct_messages()] == ["Nice to meet you, Mina"]


async def test_opening_the_home_tab_makes_the_app_publish_it(slack: LocalSlack, hello: HelloApp) -> None:
    mina = slack.person("mina")
    await mina.open_home("Hello")
    await mina.waits_for("Welcome home")
    assert not slack.person("jun").sees("Welcome home")


async def test_an_app_hears_only_the_channels_it_is_in(slack: LocalSlack, hello: HelloApp) -> None:
    mina = slack.person("mina")
    await mina.post("before", channel="ops")
    await hello.client.conversations_join(channel="C2")
    await mina.post("after, <@" + hello.installed.bot_user_id + ">", channel="ops")
    await slack.settled()
    kinds = [(b["event"]["type"], b["event"].get("text")) for b in hello.heard if b.get("type") == "event_callback"]
    assert ("message", "before") not in kinds
    assert {"message", "member_joined_channel", "app_mention"} <= {kind for kind, _ in kinds}


async def test_a_request_url_is_verified_by_its_challenge(slack: LocalSlack, hello: HelloApp) -> None:
    assert await slack.verify_request_url(hello.installed)


async def test_a_command_that_no_app_has_is_refused_in_words(slack: LocalSlack, hello: HelloApp) -> None:
    outcome = await slack.person("mina").command("/nope", channel="ops")
    assert not outcome.ok
    assert "/nope" in outcome.notice


async def test_what_she_cannot_see_she_cannot_press(slack: LocalSlack, hello: HelloApp) -> None:
    with pytest.raises(AssertionError, match="sees nothing called 'Wave'"):
        await slack.person("mina").click("Wave", channel="ops")
