from bot.incident.run import Step
from bot.playbook.reversal import reversal, undo_row
from tests.support.actions import playbook

UNDO = "undo: {action: thing.unmake, with: {name: a}}"
STEPS = f"""\
  - {{id: look, check: thing.ready, with: {{name: a}}}}
  - {{id: left, needs: [look], action: thing.make, with: {{name: a}}, {UNDO}}}
  - {{id: right, needs: [look], action: thing.make, with: {{name: b}}, {UNDO}}}
  - {{id: tell, needs: [left, right], action: thing.make, with: {{name: c}}, irreversible: "a message was sent"}}
  - {{id: each, needs: [tell], for_each: {{in: [x, y]}}, action: thing.make, with: {{name: d}}, {UNDO}}}
"""
MADE = playbook(STEPS)


def row(step: str, happened: int | None = None, state: str = "done", of: str = "", undoes: str | None = None) -> Step:
    return Step(run="r", step=step, of=of or step, position=0, happened=happened, state=state, undoes=undoes)  # type: ignore[arg-type]  # a state


ROWS = [
    row("look", 1), row("right", 2), row("left", 3), row("tell", 4), row("each"), row("each[0]", 6, of="each"),
    row("each[1]", 5, of="each"),
]  # fmt: skip


def test_the_order_is_the_reverse_of_what_happened_not_of_what_is_written() -> None:
    assert reversal(MADE, ROWS).order == ("each[0]", "each[1]", "left", "right")


def test_what_only_looked_or_never_began_is_not_taken_back() -> None:
    found = reversal(MADE, [row("look", 1), row("left"), row("right", 2)])
    assert found.order == ("right",)
    assert not found.stays


def test_what_cannot_be_taken_back_stays_with_the_playbooks_own_reason() -> None:
    assert {step: str(why) for step, why in reversal(MADE, ROWS).stays.items()} == {"tell": "a message was sent"}


def test_what_failed_or_was_aborted_may_have_happened_and_is_taken_back_too() -> None:
    assert reversal(MADE, [row("left", 1, "failed"), row("right", 2, "aborted")]).order == ("right", "left")


def test_from_a_step_on_is_that_step_and_all_that_happened_after_it() -> None:
    assert reversal(MADE, ROWS, "left").order == ("each[0]", "each[1]", "left")
    assert reversal(MADE, ROWS, "each").order == ("each[0]", "each[1]")


def test_one_step_alone_and_one_element_alone() -> None:
    assert reversal(MADE, ROWS, "right", only=True).order == ("right",)
    assert reversal(MADE, ROWS, "each[1]", only=True).order == ("each[1]",)
    assert reversal(MADE, ROWS, "each", only=True).order == ("each[0]", "each[1]")


def test_a_step_that_never_happened_takes_nothing_back() -> None:
    assert reversal(MADE, [row("left", 1), row("right")], "right").order == ()


def test_what_has_been_taken_back_is_not_taken_back_again() -> None:
    gone = row(undo_row("left"), 8, of="left", undoes="left")
    assert reversal(MADE, [*ROWS, gone]).order == ("each[0]", "each[1]", "right")
    given_up = gone.model_copy(update={"state": "skipped"})
    assert "left" in reversal(MADE, [*ROWS, given_up]).order
