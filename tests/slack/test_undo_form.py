"""Taking a run back: what the form promises is what happens, and nothing happens by itself."""

import itertools
from typing import Any

import pytest

from bot.incident.view import RunView
from bot.language import Words
from bot.playbook.model import Playbook
from bot.rehearsal.slack.blocks import check_view
from bot.slack.undo_form import REGION, WHAT, Choice, run_of, undo_form
from tests.slack import views
from tests.slack.front import Front
from tests.slack.views import NOW, elements, row

EN = Words("en", "UTC")
UNDO = {"action": "a.u"}


def act(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "action": "a.b", "needs": [], "undo": UNDO, **more}


def seen(steps: list[dict[str, Any]], rows: list[Any], **book: Any) -> RunView:
    playbook = views.playbook(steps, **book)
    context = {"now": NOW.isoformat(), "region": "us-west-2", "incident": {"id": "i", "started_at": NOW.isoformat()}}
    run = views.run(
        playbook, [views.planned(step.id) for step in playbook.steps], status="failed", ended_at=NOW, context=context
    )
    return RunView(views.incident(), run, rows, NOW)


def form(view: RunView, choice: Choice | None = None) -> dict[str, Any]:
    made = undo_form(view, choice or Choice(), EN)
    ids = itertools.count()
    check_view(made, ("modal",), lambda: str(next(ids)))
    return made


def texts(made: dict[str, Any]) -> str:
    return "\n".join(block["text"]["text"] for block in made["blocks"] if block["type"] == "section")


def choices(made: dict[str, Any]) -> list[str]:
    [menu] = [block["element"] for block in made["blocks"] if block.get("block_id") == WHAT]
    return [option["text"]["text"] for option in menu["options"]]


ABC = [act("a"), act("b"), act("c"), act("d", irreversible="Mail is sent.", undo=None)]
HAPPENED = [row("a", 0, "done", happened=2), row("b", 1, "done", happened=1), row("c", 2, "failed", happened=4),
            row("d", 3, "done", happened=3)]  # fmt: skip


def test_the_order_is_the_reverse_of_what_happened_and_what_stays_says_why() -> None:
    text = texts(form(seen(ABC, HAPPENED)))
    assert "1. *c*\n2. *a*\n3. *b*" in text
    assert "*Stays as it is*\n• *d*: Mail is sent." in text


def test_a_choice_shows_what_it_means() -> None:
    assert choices(form(seen(ABC, HAPPENED))) == [
        "The whole run", "Only: c", "From there on: a", "Only: a", "Only: b",
    ]  # fmt: skip
    since = texts(form(seen(ABC, HAPPENED), Choice("a")))
    assert "1. *c*\n2. *a*" in since
    assert "*b*" not in since
    only = texts(form(seen(ABC, HAPPENED), Choice("a", only=True)))
    assert "1. *a*" in only
    assert "*c*" not in only


@pytest.mark.parametrize("choice", [Choice(), Choice("scale"), Choice("scale[3]", only=True)])
def test_a_choice_survives_its_way_through_slack(choice: Choice) -> None:
    assert Choice.read(choice.value("k3v9x2ab")) == choice
    assert run_of(choice.value("k3v9x2ab")) == "k3v9x2ab"


@pytest.mark.parametrize("value", ["", "r1", "r1 only", "r1 nonsense a", "r1 whole a"])
def test_what_is_not_a_choice_is_never_a_part_by_accident(value: str) -> None:
    assert Choice.read(value) == Choice()


def test_a_hundred_elements_fit_and_share_a_line() -> None:
    each = act("move", for_each={"in": ["x"], "batch": 5})
    parts = [one.model_copy(update={"happened": n + 1}) for n, one in enumerate(elements("move", 0, ["done"] * 100))]
    made = form(seen([each], [row("move", 0, "done"), *parts]))
    assert "1. *move*: `web-99`, `web-98`" in texts(made)
    assert len(choices(made)) == 100


def test_a_region_must_be_typed_and_a_component_not() -> None:
    for tier in (1, 3):
        regions = {"acting": "us-west-2", "failing": "us-east-1"}
        names = [b.get("block_id") for b in form(seen(ABC, HAPPENED, tier=tier, regions=regions))["blocks"]]
        assert (REGION in names) == (tier == 3)


def test_nothing_to_take_back_is_said_and_cannot_be_sent() -> None:
    made = form(seen([act("a")], [row("a", 0)]))
    assert "There is nothing to take back." in texts(made)
    assert "submit" not in made


# --- pressed


BOOK = {
    "name": "restore-table", "title": {"en": "Two steps", "ko": "두 단계"}, "tier": 1, "targets": {"rto": "30m", "rpo": "5m"},
    "inputs": {"table": {"type": "str"}}, "approval": {"people": 1},
    "steps": [act("first"), act("second"), {"id": "last", "manual": {"en": "Look", "ko": "확인"}}],
}  # fmt: skip


async def _ended(front: Front) -> tuple[str, str]:
    """A run that changed two things and was then aborted; its id and channel."""
    front.office.core.runs.playbooks = {"restore-table": Playbook.model_validate(BOOK)}
    incident = await front.office.alarm()
    run = await front.planned(incident)
    async with front.office.core.store.begin() as tx:
        await front.office.core.runs.approve(tx, run, (await tx.runs.get(run)).plan_hash or "", "mina")
        rows = {one.step: one for one in await tx.runs.steps(run)}
        for number, name in enumerate(("first", "second"), start=1):
            changes = {"state": "done", "happened": number, "started_at": tx.now, "ended_at": tx.now}
            await tx.runs.save_steps(rows[name].model_copy(update=changes))
        await front.office.core.runs.abort(tx, run, "mina")
    await front.office.work()
    channel = (await front.office.incident(incident)).channel or ""
    front.office.local.world.channels[channel].members.append("UALEX")
    return run, channel


async def _undos(front: Front, run: str) -> list[str]:
    async with front.office.core.store.begin() as tx:
        return [one.step for one in await tx.runs.steps(run) if one.undoes]


async def test_a_run_is_taken_back_from_its_message(front: Front) -> None:
    run, channel = await _ended(front)
    await front.click("alex", "Undo…", channel=channel)
    alex = front.person("alex")
    assert "1. *second*" in alex.screen()
    assert await _undos(front, run) == []
    assert (await alex.submit()).ok
    await front.done()
    assert set(await _undos(front, run)) == {"undo:first", "undo:second"}
    assert (await front.run(run)).undone_by == "alex"
    assert "*Taken back*, the latest change first" in str(front.office.said(channel)[-1].blocks)


async def test_choosing_one_step_shows_it_and_takes_back_no_other(front: Front) -> None:
    run, channel = await _ended(front)
    await front.click("alex", "Undo…", channel=channel)
    alex = front.person("alex")
    await alex.select("What is taken back?", "Only: first")
    await front.done()
    assert "1. *first*" in alex.screen()
    assert "2." not in alex.screen().split("--- modal")[1]
    assert (await alex.submit()).ok
    await front.done()
    assert await _undos(front, run) == ["undo:first"]


async def test_a_form_that_was_left_open_while_another_took_it_back_says_so(front: Front) -> None:
    run, channel = await _ended(front)
    await front.click("alex", "Undo…", channel=channel)
    async with front.office.core.store.begin() as tx:
        await front.office.core.runs.undo(tx, run, "mina")
    await front.person("alex").submit()
    assert "⚠️" in front.person("alex").screen()
    assert (await front.run(run)).undone_by == "mina"
