"""What a run asks people says what its templates stand for, in the plan as far as it is known, and in the run wholly."""

from typing import Any

from bot.incident.run import Run, Step
from bot.incident.wording import worded
from bot.playbook.stored import encode
from tests.slack import views
from tests.slack.views import row

STOP = {"en": "Stop what writes to {{ table }}.", "ko": "{{ table }}에 쓰는 작업을 멈추세요."}
COUNT = {"en": "{{ steps.look.items }} items differ. Go on?", "ko": "{{ steps.look.items }}건이 다릅니다. 계속할까요?"}


def run(**more: Any) -> Run:
    book = views.playbook(
        [{"id": "stop", "manual": STOP}, {"id": "look", "check": "a.c"}, {"id": "go", "ask": COUNT}],
        inputs={"table": {"type": "dynamodb.table"}},
    )
    return views.run(book, **({"inputs": {"table": "orders"}} | more))


def said(of: Run, *rows: Step) -> list[str]:
    steps = worded(of, rows).steps
    texts = [step.manual or step.ask for step in steps]
    return [f"{text.en} / {text.ko}" for text in texts if text]


def test_an_instruction_names_what_it_is_about() -> None:
    assert said(run())[0] == "Stop what writes to orders. / orders에 쓰는 작업을 멈추세요."


def test_a_question_tells_what_the_steps_before_it_found_once_they_are_over() -> None:
    over = row("look", 1, "done", output=encode({"items": 7}))
    assert said(run(), over)[1] == "7 items differ. Go on? / 7건이 다릅니다. 계속할까요?"
    assert said(run(), row("look", 1, "running"))[1] == f"{COUNT['en']} / {COUNT['ko']}"


def test_what_nobody_has_given_stays_as_it_is_written() -> None:
    assert said(run(inputs={}))[0] == f"{STOP['en']} / {STOP['ko']}"
