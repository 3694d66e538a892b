"""Modals: triggers that live three seconds and serve once, hashes, the stack of three, and what a submission may do."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.rehearsal.slack import InstalledApp, LocalSlack, Person
from tests.rehearsal.slack.hello import FORM, Api, manifest, served


@pytest.fixture
def trigger(slack: LocalSlack, api: Api) -> str:
    return slack.world.triggers.issue(api.app.id, "U1")


def plain_modal(**changed: Any) -> dict[str, Any]:
    title = {"type": "plain_text", "text": "A modal"}
    return {"type": "modal", "title": title, "blocks": [{"type": "divider"}], **changed}


async def test_a_trigger_serves_once(api: Api, trigger: str) -> None:
    assert await api.error("views.open", trigger_id=trigger, view=plain_modal()) == "ok"
    assert await api.error("views.open", trigger_id=trigger, view=plain_modal()) == "exchanged_trigger_id"
    assert await api.error("views.open", trigger_id="1.2.3", view=plain_modal()) == "invalid_trigger_id"


async def test_a_trigger_lives_three_seconds(slack: LocalSlack, api: Api, trigger: str) -> None:
    slack.clock.advance(3.01)
    assert await api.error("views.open", trigger_id=trigger, view=plain_modal()) == "expired_trigger_id"
    young = slack.world.triggers.issue(api.app.id, "U1")
    slack.clock.advance(2.5)
    assert await api.error("views.open", trigger_id=young, view=plain_modal()) == "ok"


async def test_a_fast_clock_does_not_shorten_what_an_app_has(slack: LocalSlack, api: Api) -> None:
    slack.clock.speed = 1000.0
    trigger = slack.world.triggers.issue(api.app.id, "U1")
    assert await api.error("views.open", trigger_id=trigger, view=plain_modal()) == "ok"


async def test_a_bad_view_does_not_cost_the_trigger(api: Api, trigger: str) -> None:
    assert await api.error("views.open", trigger_id=trigger, view=plain_modal(blocks=7)) == "invalid_arguments"
    assert await api.error("views.open", trigger_id=trigger, view=plain_modal()) == "ok"


async def test_a_trigger_of_another_app_is_worth_nothing(slack: LocalSlack, api: Api, trigger: str) -> None:
    other = slack.install(manifest(display_information={"name": "Other"}, features={}))
    refused = await api("views.open", token=other.bot_token, trigger_id=trigger, view=plain_modal())
    assert refused["error"] == "invalid_trigger_id"


async def test_an_update_with_a_stale_hash_is_refused(slack: LocalSlack, api: Api, trigger: str) -> None:
    view = (await api("views.open", trigger_id=trigger, view=plain_modal()))["view"]
    at = {"view_id": view["id"], "hash": view["hash"], "view": plain_modal()}
    assert [await api.error("views.update", **at) for _ in range(2)] == ["ok", "hash_conflict"]
    assert await api.error("views.update", view_id="V9", view=plain_modal()) == "not_found"
    assert (
        await api.error("views.update", view_id=view["id"], view={"type": "home", "blocks": []}) == "invalid_arguments"
    )


async def test_the_stack_is_three_deep(slack: LocalSlack, api: Api, trigger: str) -> None:
    await api("views.open", trigger_id=trigger, view=plain_modal())
    answers = []
    for _ in range(3):
        again = slack.world.triggers.issue(api.app.id, "U1")
        answers.append(await api.error("views.push", trigger_id=again, view=plain_modal()))
    assert answers == ["ok", "ok", "push_limit_reached"]


async def test_a_push_needs_a_modal_and_an_external_id_is_unique(slack: LocalSlack, api: Api, trigger: str) -> None:
    assert await api.error("views.push", trigger_id=trigger, view=plain_modal()) == "not_found"
    named = plain_modal(external_id="one")
    first, second = (slack.world.triggers.issue(api.app.id, user) for user in ("U1", "U2"))
    assert await api.error("views.open", trigger_id=first, view=named) == "ok"
    assert await api.error("views.open", trigger_id=second, view=named) == "duplicate_external_id"
    assert await api.error("views.update", external_id="one", view=named) == "ok"


async def test_what_was_entered_survives_an_update_of_the_form(slack: LocalSlack, api: Api, trigger: str) -> None:
    mina = slack.person("mina")
    view = (await api("views.open", trigger_id=trigger, view=FORM))["view"]
    await mina.fill({"Your name": "Mina"})
    shown = (await api("views.update", view_id=view["id"], view=FORM))["view"]
    assert shown["state"]["values"]["name"]["typed"]["value"] == "Mina"


async def test_a_home_tab_needs_to_be_enabled_and_its_hash_counts(slack: LocalSlack, api: Api) -> None:
    home = {"type": "home", "blocks": []}
    view = (await api("views.publish", user_id="U1", view=home))["view"]
    at = {"user_id": "U1", "view": home, "hash": view["hash"]}
    assert [await api.error("views.publish", **at) for _ in range(2)] == ["ok", "hash_conflict"]
    assert await api.error("views.publish", user_id="U9", view=home) == "invalid_arguments"
    bare = slack.install(manifest(display_information={"name": "Bare"}, features={}))
    assert (await api("views.publish", token=bare.bot_token, user_id="U1", view=home))["error"] == "not_enabled"


class Canned:
    """An app that gives one fixed answer to every submission."""

    def __init__(self) -> None:
        self.answer: Any = {}
        self.status = 200
        self.heard: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.heard.append(str((await request.post())["payload"]))
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
async def canned() -> Canned:
    return Canned()


@pytest.fixture
async def installed(slack: LocalSlack, canned: Canned) -> AsyncIterator[InstalledApp]:
    async with served(canned.handle) as url:
        yield slack.install(manifest(), url)


@pytest.fixture
async def mina(slack: LocalSlack, installed: InstalledApp, session: Any) -> Person:
    """Mina, with a filled form open."""
    api = Api(slack, installed, session)
    form = {**FORM, "notify_on_close": True}
    await api("views.open", trigger_id=slack.world.triggers.issue(installed.id, "U1"), view=form)
    person = slack.person("mina")
    await person.fill({"Your name": "Mina"})
    return person


async def test_a_submission_may_update_push_and_clear(mina: Person, canned: Canned) -> None:
    canned.answer = {"response_action": "update", "view": {**FORM, "title": {"type": "plain_text", "text": "Updated"}}}
    first = mina.modal
    assert (await mina.submit()).ok
    assert mina.modal is first
    assert mina.sees("Updated")
    canned.answer = {"response_action": "push", "view": {**FORM, "title": {"type": "plain_text", "text": "Pushed"}}}
    await mina.submit()
    assert mina.modal is not first
    assert mina.modal is not None
    assert first is not None
    assert mina.modal.previous == first.id
    canned.answer = {"response_action": "clear"}
    await mina.fill({"Your name": "Mina"})
    await mina.submit()
    assert mina.modal is None


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"no such block": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "dance"},
    ],
)
async def test_an_answer_that_slack_cannot_use_is_trouble_for_the_person(
    mina: Person, canned: Canned, answer: Any
) -> None:
    canned.answer = answer
    outcome = await mina.submit()
    assert outcome.notice == "We had some trouble connecting. Try again?"
    assert mina.modal is not None


async def test_a_submission_that_fails_stays_open(mina: Person, canned: Canned) -> None:
    canned.status = 500
    assert (await mina.submit()).notice
    assert mina.modal is not None


async def test_closing_tells_the_app_that_asked_for_it(mina: Person, canned: Canned) -> None:
    await mina.close()
    assert mina.modal is None
    assert '"view_closed"' in canned.heard[-1]


FIELDS = {
    "required": ({"type": "plain_text_input"}, "", "Mina"),
    "length": ({"type": "plain_text_input", "min_length": 2, "max_length": 3}, "x", "xx"),
    "too long": ({"type": "plain_text_input", "max_length": 3}, "xxxx", "xxx"),
    "number": ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "15"),
    "least": ({"type": "number_input", "is_decimal_allowed": True, "min_value": "2"}, "1.9", "2.0"),
    "most": ({"type": "number_input", "is_decimal_allowed": True, "max_value": "2"}, "2.1", "2"),
    "email": ({"type": "email_text_input"}, "mina", "mina@example.com"),
    "url": ({"type": "url_text_input"}, "example.com", "https://example.com"),
}


@pytest.mark.parametrize("name", FIELDS)
async def test_slack_itself_refuses_to_send_a_wrong_field(mina: Person, canned: Canned, name: str) -> None:
    element, wrong, right = FIELDS[name]
    block = {**FORM["blocks"][0], "element": {**element, "action_id": "f"}}  # type: ignore[dict-item]
    canned.answer = {"response_action": "update", "view": {**FORM, "blocks": [block]}}
    await mina.submit()
    canned.answer = {}
    heard = len(canned.heard)
    await mina.fill({"f": wrong})
    assert set((await mina.submit()).errors) == {"name"}
    assert len(canned.heard) == heard
    await mina.fill({"f": right})
    assert (await mina.submit()).ok
