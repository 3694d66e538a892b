"""What a reader is told of a plan before agreeing to it, at the terminal and in Slack."""

import string
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.errors import phrase
from bot.language import Words
from bot.playbook.action import Call, Change, Need, StepPlan
from bot.playbook.forecast import Spread
from bot.playbook.plan import Plan, PlannedStep
from bot.report.plan_facts import about, lasting, summary
from bot.report.plan_text import lines

EN = Words("en", "UTC")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def step(id_: str = "go", plan: StepPlan | None = None, **more: Any) -> PlannedStep:
    return PlannedStep(id_, "action", "pointer.put", {"name": "p"}, (), plan or StepPlan(), **more)


def plan(*steps: PlannedStep, **more: Any) -> Plan:
    return Plan("restore", "digest", "eu-west-1", {}, steps, **more)


def told(of: Plan) -> list[tuple[str, str]]:
    return [(fact.weight, fact.text) for fact in summary(of, EN)]


def said(of: PlannedStep) -> list[str]:
    return [fact.text for fact in about(of, "eu-west-1", EN)]


def test_the_worst_stands_first() -> None:
    risky = StepPlan(loses=minutes(4), cost=Decimal("1234.5"), disturbs=(phrase("web restarts."),))
    whole = plan(
        step("a", risky), step("b", problem=phrase("There is no table.")), missing=("ssm:PutParameter",),
        unchecked=phrase("IAM did not answer."), duration=Spread(minutes(14), minutes(38), 5, stated=False),
        valid_for=minutes(10),
    )  # fmt: skip
    assert told(whole) == [
        ("stop", "Step b: There is no table."),
        ("warning", "Data of the last 4 min would be lost."),
        ("warning", "web restarts."),
        ("warning", "IAM permissions that seem to be missing: ssm:PutParameter"),
        ("fact", "Takes about 14 min, at most 38 min so far (earlier runs: 5)."),
        ("fact", "Costs about $1,234.50, once."),
        ("fact", "The plan can be approved for 10 min."),
        ("fact", "IAM did not answer."),
    ]


def test_a_plan_that_says_nothing_of_the_whole_is_silent() -> None:
    assert told(plan(step())) == []
    assert told(plan(step(plan=StepPlan(loses=timedelta(), cost=Decimal(0))))) == [("fact", "No data would be lost.")]


def test_a_loss_of_less_than_a_second_is_not_told_as_none() -> None:
    lost = plan(step(plan=StepPlan(loses=timedelta(milliseconds=800))))
    assert told(lost) == [("warning", "Data of the last 1 s would be lost.")]


def test_an_unknown_duration_says_why() -> None:
    assert "nothing is stated for look, go" in told(plan(step(), untimed=("look", "go")))[0][1]


@pytest.mark.parametrize(
    ("spread", "text"),
    [
        (Spread(minutes(4), minutes(4), 0, stated=True), "as stated"),
        (Spread(minutes(4), minutes(9), 3, stated=True), "partly stated"),
        (Spread(minutes(4), minutes(9), 19, stated=False), "at most 9 min so far (earlier runs: 19)"),
        (Spread(minutes(4), minutes(9), 20, stated=False), "19 times in 20 at most 9 min (earlier runs: 20)"),
        (Spread(timedelta(seconds=4.4), timedelta(seconds=754), 20, stated=False), "about 4 s, 19 times in 20 at most 13 min"),
    ],
)  # fmt: skip
def test_a_duration_says_how_far_it_is_to_be_trusted(spread: Spread, text: str) -> None:
    assert text in lasting(spread, EN)


def test_a_step_says_whether_it_runs() -> None:
    assert said(step(when="{{ x }}", holds=False, undo="a.b")) == ["Left out, for this does not hold: {{ x }}"]
    assert said(step(when="{{ x }}", holds=True)) == ["It runs, for this holds: {{ x }}"]
    assert said(step(when="{{ x }}")) == ["Only if this holds when its turn comes: {{ x }}"]
    assert said(step(listed=True)) == ["Its list is empty: there is nothing to do."]


def test_a_step_says_where_it_acts_only_when_that_is_elsewhere() -> None:
    assert said(step(region="eu-west-1")) == []
    assert said(step(region="us-east-2")) == ["It acts in us-east-2."]
    assert said(step(elements=(step("go[0]", region="us-east-2"), step("go[1]", region="us-east-2")))) == [
        "It acts in us-east-2."
    ]


def test_a_step_says_how_it_is_taken_back_or_why_not() -> None:
    assert said(step(undo="pointer.put")) == ["Taken back by pointer.put."]
    both = step(irreversible={"en": "Gone.", "ko": "없어집니다."})
    assert said(both) == ["It cannot be taken back: Gone."]
    assert "없어집니다." in next(iter(about(both, "", Words("ko")))).text
    assert said(step(irreversible={"en": "Gone."})) == ["It cannot be taken back: Gone."]


def test_a_step_says_what_it_needs_and_what_it_depends_on() -> None:
    needs = (Need(phrase("vCPUs"), 2.5, 4.0), Need(phrase("Addresses"), 2, None))
    assert said(step(plan=StepPlan(needs=needs), break_glass=True, best_effort=True)) == [
        "It depends on a control plane of all regions: a person must allow it when its turn comes.",
        "Best effort: if it fails, the rest goes on.",
        "vCPUs: 2.5 needed, 4 available.",
        "Addresses: 2 needed; AWS does not say how much there is.",
    ]


def test_the_terminal_shows_the_calls_of_every_element() -> None:
    calls = [
        StepPlan((Call("ssm", "PutParameter", {"Name": name}),), (Change(phrase("p"), None, name),)) for name in "ab"
    ]
    each = tuple(step(f"go[{n}]", one, region="us-east-2") for n, one in enumerate(calls))
    text = list(lines(plan(step(elements=each, listed=True, undo="pointer.put"), missing=("ssm:PutParameter",)), EN))
    assert text == [
        "  ! IAM permissions that seem to be missing: ssm:PutParameter",
        "  go (pointer.put)",
        "    It acts in us-east-2.",
        "    Taken back by pointer.put.",
        "    go[0]",
        '      ssm:PutParameter {"Name": "a"} [us-east-2]',
        "      p: - → a",
        "    go[1]",
        '      ssm:PutParameter {"Name": "b"} [us-east-2]',
        "      p: - → b",
    ]


def test_the_terminal_names_what_only_the_run_will_know() -> None:
    unknown = replace(step(problem=phrase("No.")), unknown=("steps.a.b",))
    text = "\n".join(lines(plan(unknown), EN))
    assert "!! Step go: No." in text
    assert "Known only when it runs: steps.a.b" in text
    assert not set(text) - set(string.printable)
