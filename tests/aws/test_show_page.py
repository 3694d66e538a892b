"""alb.show_page and its undo, against the emulated AWS."""

import json
from datetime import timedelta

import pytest
from pydantic import ValidationError

from bot.aws.alb.page import Page, ShowPage
from bot.aws.alb.restore import Before, RestoreActions
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.colours import Colours
from tests.aws.rehearsed import Step

SORRY = "We are back soon."


@pytest.fixture
def colours(emulated: EmulatedAws) -> Colours:
    return Colours(emulated)


def show(colours: Colours, rule: str = "", text: str = SORRY) -> Step:
    return Step(ShowPage(), Page(rule=rule or colours.listener, text=text), colours.cloud)


def shown(colours: Colours, rule: str = "") -> tuple[str, str, str]:
    [action] = colours.actions(rule or colours.listener)
    config = action["FixedResponseConfig"]
    return config["StatusCode"], config["ContentType"], config["MessageBody"]


def test_the_plan_shows_the_call_that_act_makes(colours: Colours) -> None:
    step = show(colours)
    plan = ShowPage().plan(step.params, colours.cloud, step.attempt())
    [change] = plan.changes
    assert (change.before, change.after) == (f"{colours.blue.split('/')[1]} 1", f"503: {SORRY}")
    assert plan.touches == (f"elb:us-east-1:{colours.name}",)
    assert colours.changes == []
    assert isinstance(step.wait(ShowPage().act(step.params, colours.cloud, step.attempt())), Working | Done)
    [call] = plan.calls
    assert colours.aws.calls.of("elbv2", call.operation)[-1].parameters == call.parameters
    assert shown(colours) == ("503", "text/plain", SORRY)


@pytest.mark.parametrize("what", ["listener", "rule"])
def test_everybody_gets_the_page_and_the_undo_restores_what_was_there(colours: Colours, what: str) -> None:
    rule = str(getattr(colours, what))
    before = colours.actions(rule)
    done = show(colours, rule, "<h1>Sorry</h1>").run()
    assert isinstance(done, Done)
    assert shown(colours, rule) == ("503", "text/html", "<h1>Sorry</h1>")
    back = Before(rule=rule, actions=done.output["before"], page=done.output["page"])
    assert isinstance(Step(RestoreActions(), back, colours.cloud).run(), Done)
    assert colours.actions(rule) == before


def test_what_was_there_is_stored_before_anything_is_changed(colours: Colours) -> None:
    step = show(colours)
    first = step.act()
    assert isinstance(first, Working)
    assert first.more
    assert json.loads(first.memory["before"]) == colours.actions(colours.listener)
    assert colours.changes == []


def test_after_a_crash_between_the_call_and_its_record_what_was_there_is_still_known(colours: Colours) -> None:
    step = show(colours)
    step.act()
    ShowPage().act(step.params, colours.cloud, step.attempt())
    done = step.act(again=True)
    assert isinstance(done, Done)
    assert json.loads(done.output["before"])[0]["Type"] == "forward"
    assert colours.changes == ["ModifyListener"]
    assert isinstance(ShowPage().look(step.params, colours.cloud, step.attempt()), Done)


def test_a_lost_answer_is_looked_for(colours: Colours) -> None:
    colours.aws.faults.lose_answer("elbv2", "ModifyListener", times=1)
    step = show(colours)
    step.act()
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.act(again=True), Done)
    assert colours.changes == ["ModifyListener"]


def test_a_page_that_is_shown_already_is_left(colours: Colours) -> None:
    show(colours).run()
    step = show(colours)
    assert "already" in str(step.plan().warnings[0])
    done = step.run()
    assert isinstance(done, Done)
    assert done.output == {}
    assert colours.changes == ["ModifyListener"]


def test_what_somebody_changed_since_is_not_undone(colours: Colours) -> None:
    done = show(colours).run()
    assert isinstance(done, Done)
    show(colours, text="Another page").run()
    back = Before(rule=colours.listener, actions=done.output["before"], page=done.output["page"])
    failed = Step(RestoreActions(), back, colours.cloud).run()
    assert isinstance(failed, Failed)
    assert "Somebody has changed" in str(failed.why)


def test_a_page_that_somebody_takes_away_is_told(colours: Colours) -> None:
    step = show(colours)
    step.run()
    done = Before(rule=colours.listener, actions=step.memory["before"], page=SORRY)
    Step(RestoreActions(), done, colours.cloud).run()
    assert isinstance(step.look(), Working)
    colours.aws.clock.move(timedelta(minutes=2))
    assert isinstance(step.look(), Failed)


def test_a_page_has_a_text_and_the_undo_knows_what_is_there_now(colours: Colours) -> None:
    with pytest.raises(ValidationError):
        Page(rule=colours.listener, text="")
    with pytest.raises(ValidationError):
        Page(rule=colours.listener, text="x" * 1025)
    with pytest.raises(ValidationError, match="what is there now"):
        Before(rule=colours.listener, actions="[]")
