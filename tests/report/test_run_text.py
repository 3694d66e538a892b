"""A run at the terminal: whoever has nothing else must see what is asked of them, and what to type."""

from typing import Any

from bot.incident.run import Approval, Run, Step
from bot.incident.timeline import store
from bot.language import Words
from bot.report.run_text import rows, to_approve
from escalation.phrase import phrase
from tests.slack import views
from tests.slack.views import NOW, elements, row

EN = Words("en", "UTC")
TELL = {"en": "Tell the owners.", "ko": "알리세요."}


def act(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "action": "a.b", "needs": [], **more}


def shown(steps: list[dict[str, Any]], *seen: Step, words: Words = EN, **run: Any) -> list[str]:
    made = views.run(views.playbook(steps), **({"status": "running"} | run))
    return [line.strip() for line in rows(made, seen, words, str.title)]


def test_a_row_that_asks_shows_the_question_and_the_command() -> None:
    manual = {"id": "tell", "title": {"en": "Tell", "ko": "알림"}, "manual": TELL}
    assert shown([manual], row("tell", 0, "asking")) == [
        "tell           waiting for a person",
        "Tell the owners.",
        "→ lifeboat playbook answer r1 tell done",
    ]
    assert shown([{"id": "go", "ask": TELL}], row("go", 0, "asking"))[-1] == "→ lifeboat playbook answer r1 go yes|no"
    assert "알리세요." in shown([manual], row("tell", 0, "asking"), words=Words("ko"))


def test_a_step_behind_a_shared_control_plane_says_what_is_to_be_allowed() -> None:
    old = store(phrase("IAM refused it."))
    said = shown([act("tag", break_glass=True)], row("tag", 0, "asking", note=old))
    assert said[1] == "It depends on a control plane that may be down. Do it all the same?"
    assert "IAM refused it." not in "".join(said)


def test_a_question_of_the_action_itself_stands_in_its_row() -> None:
    asked = store(phrase("May step traffic begin?"))
    said = shown([{"id": "go", "manual": TELL}], row("go", 0, "asking", question=asked, note=asked))
    assert said == [
        "go             waiting for a person May step traffic begin?",
        "→ lifeboat playbook answer r1 go yes|no",
    ]


def test_a_failed_element_is_named_as_the_shell_needs_it_and_nothing_can_be_typed_after_the_end() -> None:
    steps, seen = [act("move", for_each={"in": ["x"]})], elements("move", 1, ["failed"])
    assert shown(steps, *seen, status="needs_person")[1:] == [
        "→ lifeboat playbook retry r1 'move[0]'",
        "→ lifeboat playbook skip r1 'move[0]' --reason …",
    ]
    assert len(shown(steps, *seen, status="aborted")) == 1


def test_what_was_taken_back_and_who_skipped_are_told() -> None:
    undo = row("undo:go", 9, "done", of="go", undoes="go")
    assert shown([act("go")], row("go", 0, "done"), undo)[0] == "go             taken back"
    skipped = row("go", 0, "skipped", decided_by="mina", reason="known", note=store(phrase("Not finished.")))
    assert shown([act("go")], skipped)[0].endswith("Skipped by Mina: known")


def approvable(run: Run, **book: Any) -> list[str]:
    return list(to_approve(run, views.playbook(**book), EN, str.title))


def test_a_plan_says_how_many_must_approve_who_may_not_and_what_to_type() -> None:
    given = (Approval(by="jun", at=NOW, plan_hash="h"),)
    assert approvable(views.run(plan_hash="h", approvals=given), approval={"people": 2, "role": "lead"}) == [
        "Approved by Jun at 03:00:00 UTC.",
        "1 of 2 approvals so far; whoever gives one has the role lead.",
        "Somebody other than Mina must approve it.",
        "To run it: lifeboat playbook approve r1 --plan h",
    ]
    assert approvable(views.run(plan_hash="h")) == ["To run it: lifeboat playbook approve r1 --plan h"]


def test_the_command_for_a_regional_plan_has_the_region() -> None:
    run = views.run(plan_hash="h", context={"region": "us-west-2"})
    assert approvable(run, tier=3)[-1] == "To run it: lifeboat playbook approve r1 --plan h --region us-west-2"
