"""Menus of what AWS has: never waited for longer than a person does, and asked once a minute."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from bot.language import Words
from bot.playbook.model import Playbook
from bot.slack.choices import Choices
from bot.slack.playbook_form import suggestions
from bot.slack.values import encode_value
from tests.slack.front import Front, Names, payload

EN = Words()


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def aws() -> Names:
    return Names({"dynamodb.table": ["orders", "carts", "orders"]})


async def test_names_are_in_order_and_each_once(aws: Names) -> None:
    assert await Choices(aws).of("dynamodb.table", "us-east-1") == ["carts", "orders"]


async def test_aws_is_asked_once_a_minute_for_each_region_and_each_cluster(aws: Names) -> None:
    clock = Clock()
    choices = Choices(aws, clock)
    for at, asked in ((0, 1), (59.9, 1), (60, 2)):
        clock.at = at
        await choices.of("dynamodb.table", "us-east-1")
        assert len(aws.asked) == asked
    await choices.of("dynamodb.table", "eu-west-1")
    await choices.of("ecs.service", "eu-west-1", {"ecs.cluster": "a"})
    await choices.of("ecs.service", "eu-west-1", {"ecs.cluster": "b"})
    assert len(aws.asked) == 5


async def test_many_forms_at_once_ask_once(aws: Names) -> None:
    choices = Choices(aws)
    found = await asyncio.gather(*(choices.of("dynamodb.table", "us-east-1") for _ in range(20)))
    assert found == [["carts", "orders"]] * 20
    assert len(aws.asked) == 1


async def test_a_slow_answer_is_not_waited_for_and_fills_the_next_form(aws: Names) -> None:
    aws.slow = asyncio.Event()
    choices = Choices(aws, patience=0.01)
    assert await choices.of("dynamodb.table", "us-east-1") is None
    aws.slow.set()
    await choices.settled()
    assert await choices.of("dynamodb.table", "us-east-1") == ["carts", "orders"]
    assert len(aws.asked) == 1


async def test_an_empty_answer_is_not_remembered(aws: Names) -> None:
    choices = Choices(aws)
    assert await choices.of("ecs.cluster", "us-east-1") == []
    aws.of["ecs.cluster"] = ["shop"]
    assert await choices.of("ecs.cluster", "us-east-1") == ["shop"]


async def test_what_is_broken_is_not_remembered(aws: Names) -> None:
    aws.broken = True
    choices = Choices(aws)
    assert await choices.of("dynamodb.table", "us-east-1") is None
    aws.broken = False
    assert await choices.of("dynamodb.table", "us-east-1") == ["carts", "orders"]


def said(names: list[str], typed: str) -> list[str]:
    return [one["value"] for one in suggestions(names, typed, EN)]


def test_what_begins_so_is_suggested_first_and_what_was_typed_stays_possible() -> None:
    names = ["carts", "old-orders", "orders", "orders-2"]
    assert said(names, "Orders") == ["orders", "orders-2", "old-orders", "Orders"]
    assert said(names, "orders") == ["orders", "orders-2", "old-orders"]
    assert said(names, " gone ") == ["gone"]
    assert said(names, "") == names


def test_suggestions_stay_within_what_slack_takes() -> None:
    names = [f"t{n:03}" for n in range(300)]
    assert len(said(names, "")) == 99
    assert len(said(names, "t")) == 100
    assert said(["x" * 150, "x" * 151], "") == ["x" * 150]
    assert said([], "y" * 151) == []


# --- in forms


async def _form(front: Front, tables: list[str], word: str = "orders") -> Mapping[str, object]:
    front.aws.of["dynamodb.table"] = tables
    await front.command("alex", f"restore {word}")
    modal = front.person("alex").modal
    assert modal
    [element] = [b["element"] for b in modal.spec["blocks"] if b.get("block_id") == "table"]
    return dict(element)


async def test_up_to_a_hundred_names_are_a_menu_and_one_more_a_search(front: Front) -> None:
    hundred = ["orders", *(f"t{n}" for n in range(99))]
    menu = await _form(front, hundred)
    assert menu["type"] == "static_select"
    assert menu["initial_option"]["value"] == "orders"  # type: ignore[index]  # a block is any JSON


async def test_more_names_are_searched_for_while_the_person_types(front: Front) -> None:
    menu = await _form(front, ["orders", *(f"t{n}" for n in range(100))])
    assert menu["type"] == "external_select"
    alex = front.person("alex")
    await alex.select("Damaged table", "t77")
    assert (await alex.submit()).ok
    await front.done()
    assert (await _inputs(front))["table"] == "t77"
    assert len(front.aws.asked) == 1


async def test_a_name_given_with_the_command_stays_though_aws_does_not_list_it(front: Front) -> None:
    await _form(front, ["carts"], "gone")
    alex = front.person("alex")
    assert (await alex.submit()).ok
    await front.done()
    assert (await _inputs(front))["table"] == "gone"


async def test_with_a_hundred_names_one_more_given_by_the_command_is_searched_for(front: Front) -> None:
    assert (await _form(front, [f"t{n}" for n in range(100)], "gone"))["type"] == "external_select"


@pytest.mark.parametrize("how", ["broken", "slow", "nothing"])
async def test_without_an_answer_of_aws_the_name_is_typed(front: Front, how: str) -> None:
    if how == "slow":
        front.aws.slow = asyncio.Event()
    front.aws.broken = how == "broken"
    assert (await _form(front, []))["type"] == "plain_text_input"
    alex = front.person("alex")
    assert ("AWS did not list them in time" in alex.screen()) == (how != "nothing")
    await alex.fill({"Damaged table": "orders-2"})
    assert (await alex.submit()).ok
    await front.done()
    assert (await _inputs(front))["table"] == "orders-2"
    if front.aws.slow:
        front.aws.slow.set()
        await front.to.forms.choices.settled()  # type: ignore[union-attr]  # this front has choices


@pytest.mark.parametrize("team", ["T0LOCAL", "TOTHER"])
@pytest.mark.parametrize("broken", ["", "playbook", "action", "block", "view"])
async def test_a_search_answers_options_and_nothing_to_outsiders_and_nonsense(
    front: Front, team: str, broken: str
) -> None:
    front.aws.of["dynamodb.table"] = ["orders"]
    asked = {
        "type": "block_suggestion", "user": {"id": "UALEX", "team_id": team}, "team": {"id": team}, "value": "ord",
        "block_id": "gone" if broken == "block" else "table",
        "action_id": "value" if broken == "action" else "choices:us-east-1",
        "view": {"private_metadata": encode_value(i="x", p="gone" if broken == "playbook" else "restore-table", z="UTC")},
    }  # fmt: skip
    if broken == "view":
        del asked["view"]
    status, _, body = await front.post(payload(asked))
    named = [one["value"] for one in json.loads(body)["options"]]
    assert (status, named) == (200, ["orders", "ord"] if team == "T0LOCAL" and not broken else [])


CLUSTERS = {
    "name": "move", "title": {"en": "Move", "ko": "이동"}, "tier": 1, "targets": {"rto": "30m", "rpo": "5m"},
    "inputs": {"where": {"type": "ecs.cluster", "default": "shop"}, "what": {"type": "ecs.service", "default": "web"}},
    "steps": [{"id": "s", "manual": {"en": "m", "ko": "m"}}],
}  # fmt: skip


async def test_the_services_are_those_of_the_cluster_that_the_form_says(front: Front) -> None:
    front.office.core.runs.playbooks = {"move": Playbook.model_validate(CLUSTERS)}
    front.aws.of = {"ecs.cluster": ["shop", "office"], "ecs.service": ["web", "api"]}
    await front.command("alex", "playbook move")
    alex = front.person("alex")
    await alex.select("where", "office")
    await alex.select("what", "api")
    assert ("ecs.service", "us-east-1", {"ecs.cluster": "shop"}) in front.aws.asked
    assert front.aws.asked[-1] == ("ecs.service", "us-east-1", {"ecs.cluster": "office"})
    assert (await alex.submit()).ok
    await front.done()
    assert await _inputs(front) == {"where": "office", "what": "api"}


async def _inputs(front: Front) -> Mapping[str, object]:
    incident = await front.office.core.only()
    async with front.office.core.store.begin() as tx:
        [run] = await tx.runs.of(incident.id)
    return run.inputs
