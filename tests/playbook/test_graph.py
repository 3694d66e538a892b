import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import Refused
from bot.playbook import graph
from bot.playbook.graph import Event, States
from bot.playbook.model import Playbook
from tests.playbook.sample import playbook

RESTORE = playbook()


def after(book: Playbook, *events: tuple[str, Event]) -> States:
    states: dict[str, graph.StepState] = graph.first_states(book)
    for step, event in events:
        states |= graph.apply(book, states, step, event, "because")
    return states


def made(*steps: tuple[str, list[str] | None], kind: str = "check") -> Playbook:
    words = {"check": "c", "manual": {"en": "m", "ko": "m"}, "ask": {"en": "a", "ko": "a"}}
    return Playbook.model_validate(
        {
            "name": "made",
            "title": {"en": "t", "ko": "t"},
            "tier": 1,
            "targets": {"rto": "1m", "rpo": "1m"},
            "steps": [{"id": id_, kind: words[kind], "needs": needs} for id_, needs in steps],
        }
    )


RESTORED: tuple[tuple[str, Event], ...] = (
    ("window", "start"),
    ("window", "finish"),
    ("restore", "start"),
    ("restore", "finish"),
)


def test_a_step_without_needs_follows_the_one_written_before_it() -> None:
    assert graph.needs(RESTORE)["restore"] == {"window"}
    assert graph.needs(RESTORE)["window"] == frozenset()
    assert graph.needs(made(("a", None), ("b", []), ("c", None)))["b"] == frozenset()
    assert graph.needs(made(("a", None), ("b", []), ("c", None)))["c"] == {"b"}


def test_steps_that_need_the_same_one_are_ready_side_by_side() -> None:
    assert graph.ready(RESTORE, after(RESTORE)) == ("window",)
    assert graph.ready(RESTORE, after(RESTORE, *RESTORED)) == ("compare", "tell")


def test_no_step_starts_before_what_it_needs_is_over() -> None:
    with pytest.raises(Refused, match="restore is waiting"):
        graph.apply(RESTORE, after(RESTORE), "restore", "start")
    with pytest.raises(Refused):
        graph.apply(RESTORE, after(RESTORE, ("window", "start")), "restore", "start")


def test_a_skipped_step_counts_as_done() -> None:
    assert graph.ready(RESTORE, after(RESTORE, ("window", "skip"))) == ("restore",)


def test_a_skip_without_a_reason_is_refused() -> None:
    with pytest.raises(Refused, match="Say why"):
        graph.apply(RESTORE, after(RESTORE), "window", "skip", "  ")


def test_a_failed_step_does_not_hold_up_the_other_branch() -> None:
    states = after(RESTORE, *RESTORED, ("compare", "start"), ("compare", "fail"))
    assert graph.ready(RESTORE, states) == ("tell",)
    assert graph.outcome(RESTORE, states) is None
    assert graph.failed(RESTORE, states) == ("compare",)
    states = after(
        RESTORE, *RESTORED, ("compare", "start"), ("compare", "fail"), ("tell", "start"), ("tell", "confirm")
    )
    assert graph.ready(RESTORE, states) == ()
    assert graph.outcome(RESTORE, states) == "failed"
    assert graph.ready(RESTORE, {**states, **graph.apply(RESTORE, states, "compare", "retry")}) == ("compare",)


def test_no_answers_skip_everything_behind_the_question_and_nothing_else() -> None:
    book = made(("a", []), ("b", ["a"]), ("c", ["b"]), ("d", []), ("e", ["b", "d"]), kind="ask")
    states = after(book, ("a", "start"), ("d", "start"))
    assert graph.apply(book, states, "a", "no") == {"a": "skipped", "b": "skipped", "c": "skipped", "e": "skipped"}


def test_a_question_with_an_action_runs_it_on_yes_and_a_question_without_is_done() -> None:
    states = {**dict.fromkeys(graph.needs(RESTORE), "done"), "cut-over": "asking"}
    assert graph.apply(RESTORE, states, "cut-over", "yes") == {"cut-over": "running"}
    gate = made(("a", []), kind="ask")
    assert graph.apply(gate, {"a": "asking"}, "a", "yes") == {"a": "done"}


def test_a_second_click_and_a_late_answer_are_refused() -> None:
    states = {**dict.fromkeys(graph.needs(RESTORE), "done"), "cut-over": "running"}
    for event in ("yes", "no", "confirm", "retry", "skip", "start"):
        with pytest.raises(Refused, match="running now"):
            graph.apply(RESTORE, states, "cut-over", event, "x")  # type: ignore[arg-type]


def test_only_the_buttons_that_can_act_now_are_shown() -> None:
    states = after(RESTORE, *RESTORED, ("compare", "start"), ("compare", "fail"), ("tell", "start"))
    assert graph.allowed(RESTORE, states) == {
        "compare": ("retry", "skip"),
        "tell": ("confirm", "skip"),
        "cut-over": ("skip",),
    }
    assert graph.allowed(RESTORE, dict.fromkeys(states, "aborted")) == {}


def test_abort_ends_the_run_at_once_and_refuses_what_comes_late() -> None:
    states = after(RESTORE, *RESTORED, ("compare", "start"))
    states = {**states, **graph.abort(RESTORE, states)}
    assert states["restore"] == "done"
    assert graph.outcome(RESTORE, states) == "aborted"
    with pytest.raises(Refused, match="aborted now"):
        graph.apply(RESTORE, states, "compare", "finish")
    with pytest.raises(Refused, match="already over"):
        graph.abort(RESTORE, states)


def test_a_failed_run_can_be_aborted_and_a_done_one_cannot() -> None:
    book = made(("a", []))
    assert graph.abort(book, {"a": "failed"}) == {"a": "aborted"}
    with pytest.raises(Refused):
        graph.abort(book, {"a": "done"})


def test_cycles_are_named_and_left_out_of_the_order() -> None:
    book = made(("a", ["c"]), ("b", ["a"]), ("c", ["b"]), ("d", []), ("e", ["a"]), ("f", ["f"]))
    assert graph.cycles(book) == [("a", "b", "c"), ("f",)]
    assert graph.order(book) == ("d",)


STEPS = st.integers(1, 8).flatmap(
    lambda count: st.tuples(
        *(
            st.tuples(
                st.one_of(st.none(), st.sets(st.integers(0, number - 1)).map(sorted)) if number else st.none(),
                st.sampled_from(["check", "manual", "ask"]),
            )
            for number in range(count)
        )
    )
)


@settings(deadline=None)
@given(STEPS, st.data())
def test_every_run_ends_and_no_step_runs_before_its_needs(
    shape: tuple[tuple[list[int] | None, str], ...], data: st.DataObject
) -> None:
    steps = tuple((f"s{n}", None if needs is None else [f"s{m}" for m in needs]) for n, (needs, _) in enumerate(shape))
    book = made(*steps)
    kinds = {f"s{n}": made((f"s{n}", []), kind=kind).steps[0] for n, (_, kind) in enumerate(shape)}
    book = book.model_copy(
        update={"steps": tuple(kinds[s.id].model_copy(update={"needs": s.needs}) for s in book.steps)}
    )
    assert not graph.cycles(book)
    assert set(graph.order(book)) == {step.id for step in book.steps}
    states = graph.first_states(book)
    for _ in range(200):
        if graph.outcome(book, states) in {"done", "aborted"}:
            break
        moves: list[tuple[str, Event]] = [(step, "start") for step in graph.ready(book, states)]
        moves += [(step, event) for step, state in states.items() if state == "running" for event in ("finish", "fail")]
        moves += [(step, event) for step, events in graph.allowed(book, states).items() for event in events]
        assert moves, "a run that is not over always offers a way on"
        step, event = data.draw(st.sampled_from(moves))
        changes = graph.apply(book, states, step, event, "because")
        if event == "start":
            assert all(states[first] in graph.OVER for first in graph.needs(book)[step])
        states |= changes
    else:
        states |= graph.abort(book, states)
    assert graph.outcome(book, states) in {"done", "aborted"}
