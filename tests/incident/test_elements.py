"""Steps with `for_each`, `when`, `retry`, `best_effort`, and an action's own question, through the whole engine."""

import pytest

from bot.clock import SystemClock
from bot.errors import Refused
from bot.incident.timeline import restore
from bot.playbook.stored import decode
from bot.store.sql import Store
from tests.support.actions import HEAD, Play, denied, failed, play, playbook, throttled, working

ONE_ENGINE = True

LISTED = HEAD.replace("inputs:", "inputs:\n  things: {type: list, default: 'a, b, c'}")
EACH = """\
  - id: each
    for_each: {in: "{{ things }}", as: it, batch: 2, stop_after: 1}
    action: thing.make
    with: {name: "{{ it }}"}
    irreversible: it is only a test
  - {id: after, check: thing.ready, with: {name: "{{ steps.each.count | default(0) }} of them"}}
"""


@pytest.fixture
async def each(store: Store, clock: SystemClock) -> Play:
    return await play(store, clock, playbook(EACH, LISTED))


async def test_every_item_becomes_an_element_and_the_step_gives_what_they_gave(each: Play) -> None:
    run = await each.start()
    assert run.status == "succeeded"
    assert sorted(each.cloud.made) == ["a", "b", "c"]
    output = decode(dict((await each.steps(run))["each"].output or {}))
    assert [item["item"] for item in output["items"]] == ["a", "b", "c"]
    assert output["count"] == 3
    assert "look 3 of them" in each.cloud.calls


async def test_no_more_than_a_batch_of_elements_acts_at_once(each: Play) -> None:
    each.cloud.answers["act a"] = [working()]
    each.cloud.answers["act b"] = [working()]
    run = await each.start()
    assert sorted(each.cloud.made) == ["a", "b"]
    assert (await each.states(run))["each[2]"] == "waiting"
    await each.later(seconds=6)
    assert (await each.run(run.id)).status == "succeeded"


async def test_after_too_many_failures_no_further_element_starts_and_the_failed_one_is_named(each: Play) -> None:
    each.cloud.answers["act a"] = [failed()]
    each.cloud.answers["act b"] = [working()]
    run = await each.start()
    await each.later(seconds=6)
    run = await each.run(run.id)
    assert run.status == "needs_person"
    assert await each.states(run) == {
        "each": "failed", "each[0]": "failed", "each[1]": "done", "each[2]": "waiting", "after": "waiting",
    }  # fmt: skip
    assert "failed: a" in str(restore((await each.steps(run))["each"].note or {}))


@pytest.mark.parametrize("pressed", ["each", "each[0]"])
async def test_a_retried_element_goes_on_with_the_rest(each: Play, pressed: str) -> None:
    each.cloud.answers["act a"] = [failed()]
    run = await each.press(await each.start(), pressed, "retry")
    assert run.status == "succeeded"
    assert sorted(each.cloud.made) == ["a", "b", "c"]
    assert each.cloud.calls.count("act b") == 1


async def test_a_skipped_element_needs_a_reason_and_lets_the_rest_go_on(each: Play) -> None:
    each.cloud.answers["act a"] = [failed()]
    run = await each.start()
    with pytest.raises(Refused, match="Say why"):
        await each.press(run, "each[0]", "skip")
    run = await each.press(run, "each[0]", "skip", reason="a is gone")
    assert run.status == "succeeded"
    assert sorted(each.cloud.made) == ["b", "c"]


async def test_skipping_the_whole_step_starts_no_further_element(each: Play) -> None:
    each.cloud.answers["act a"] = [failed()]
    each.cloud.answers["act b"] = [failed()]
    run = await each.press(await each.start(), "each", "skip", reason="by hand")
    assert run.status == "succeeded"
    assert each.cloud.made == {}


async def test_an_empty_list_is_over_at_once(store: Store, clock: SystemClock) -> None:
    made = playbook(EACH, LISTED.replace("default: 'a, b, c'", "required: false"))
    made = made.model_copy(update={"steps": (made.steps[0].model_copy(update={"for_each": made.steps[0].for_each.model_copy(update={"items": "{{ things or [] }}"})}), made.steps[1])})  # type: ignore[union-attr]  # it has one  # fmt: skip
    empty = await play(store, clock, made)
    run = await empty.start()
    assert run.status == "succeeded"
    assert empty.cloud.calls == ["look 0 of them"]


async def test_a_list_that_is_none_fails_the_step_and_says_so(store: Store, clock: SystemClock) -> None:
    steps = EACH.replace("{{ things }}", "{{ steps.first.token }}")
    first = '  - {id: first, action: thing.make, with: {name: orders}, irreversible: "a test"}\n'
    mend = await play(store, clock, playbook(first + steps))
    run = await mend.start()
    assert run.status == "needs_person"
    assert "needs a list" in str(restore((await mend.steps(run))["each"].note or {}))
    assert (await mend.press(run, "each", "skip", reason="there is none")).status == "succeeded"


WHEN = """\
  - {id: left, action: thing.make, with: {name: left}, when: "{{ thing == 'carts' }}", irreversible: a test}
  - {id: after, check: thing.ready, with: {name: "{{ steps.left.name | default('nothing') }}"}}
"""


async def test_a_step_whose_condition_does_not_hold_is_left_out_and_the_rest_goes_on(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(WHEN))
    run = await mend.start()
    assert run.status == "succeeded"
    assert mend.cloud.made == {}
    assert "look nothing" in mend.cloud.calls
    left = (await mend.steps(run))["left"]
    assert (left.state, left.happened) == ("skipped", None)
    assert "carts" in str(restore(left.note or {}))


async def test_a_step_whose_condition_holds_runs(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(WHEN))
    run = await mend.approve(await mend.request(thing="carts"))
    await mend.core.worker.drain()
    assert (await mend.run(run.id)).status == "succeeded"
    assert "look left" in mend.cloud.calls


async def test_a_condition_that_cannot_be_judged_fails_its_step_and_no_other(store: Store, clock: SystemClock) -> None:
    steps = WHEN.replace("thing == 'carts'", "steps.first.token").replace(
        "  - {id: left,", "  - {id: left, needs: [first],"
    )
    first = "  - {id: first, action: thing.make, with: {name: orders}, irreversible: a test}\n"
    mend = await play(store, clock, playbook(first + steps))
    run = await mend.start()
    assert await mend.states(run) == {"first": "done", "left": "failed", "after": "waiting"}


RETRY = """\
  - id: left
    action: thing.make
    with: {name: left}
    deadline: 10m
    retry: {times: 2, wait: 30s, on: [failed]}
    irreversible: a test
"""


async def test_a_failure_that_the_step_is_patient_with_is_tried_again_as_often_as_it_says(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(RETRY))
    mend.cloud.answers["act left"] = [failed(), failed()]
    run = await mend.start()
    assert (await mend.states(run))["left"] == "running"
    await mend.later(seconds=29)
    assert mend.cloud.calls.count("act left") == 1
    await mend.later(seconds=2)
    await mend.later(seconds=31)
    assert (await mend.run(run.id)).status == "succeeded"
    assert (await mend.steps(run))["left"].attempt == 3


async def test_one_failure_more_than_the_step_is_patient_with_needs_a_person(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(RETRY))
    mend.cloud.answers["act left"] = [failed()] * 3
    run = await mend.start()
    for _ in range(2):
        await mend.later(seconds=31)
    assert (await mend.run(run.id)).status == "needs_person"


async def test_no_try_begins_after_the_steps_deadline(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(RETRY.replace("times: 2, wait: 30s", "times: 20, wait: 4m")))
    mend.cloud.answers["act left"] = [failed()] * 20
    run = await mend.start()
    await mend.later(minutes=4, seconds=1)
    await mend.later(minutes=4, seconds=1)
    assert (await mend.run(run.id)).status == "needs_person"
    assert mend.cloud.calls.count("act left") == 3


async def test_a_denied_call_is_not_tried_again(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(RETRY.replace("[failed]", "[throttled]")))
    mend.cloud.answers["act left"] = [denied()]
    run = await mend.start()
    assert run.status == "needs_person"


async def test_throttling_is_bounded_where_the_step_bounds_it(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(RETRY.replace("[failed]", "[throttled]")))
    mend.cloud.answers["act left"] = [throttled()] * 3
    run = await mend.start()
    for _ in range(2):
        await mend.later(seconds=31)
    assert (await mend.run(run.id)).status == "needs_person"
    assert (await mend.steps(run))["left"].attempt == 1  # the same token all along: AWS may have done it


async def test_a_best_effort_step_that_fails_holds_up_nothing_and_is_not_called_a_success(
    store: Store, clock: SystemClock
) -> None:
    steps = """\
  - {id: fence, action: thing.make, with: {name: fence}, best_effort: true, irreversible: a test}
  - {id: after, check: thing.ready, with: {name: after}}
"""
    mend = await play(store, clock, playbook(steps))
    mend.cloud.answers["act fence"] = [failed("no answer")]
    run = await mend.start()
    assert run.status == "succeeded"
    fence = (await mend.steps(run))["fence"]
    assert fence.state == "skipped"
    assert "no answer" in str(restore(fence.note or {}))


ASKS = """\
  - {id: left, action: thing.engine, with: {name: left}, irreversible: a test}
  - {id: beside, needs: [], check: thing.ready, with: {name: beside}}
"""


async def test_an_actions_own_question_waits_for_a_person_and_their_yes_reaches_it(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(ASKS))
    run = await mend.start()
    left = (await mend.steps(run))["left"]
    assert (left.state, str(restore(left.question or {}))) == ("asking", "Go on?")
    assert (await mend.states(run))["beside"] == "done"  # a question holds up nothing beside it
    run = await mend.press(run, "left", "yes")
    await mend.later(seconds=6)
    assert (await mend.run(run.id)).status == "succeeded"
    assert [call for call in mend.cloud.calls if "left" in call] == ["act left None", "act left yes", "look left"]


async def test_a_no_to_an_actions_own_question_is_the_actions_to_judge(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ASKS))
    run = await mend.press(await mend.start(), "left", "no")
    assert "act left no" in mend.cloud.calls
    assert (await mend.states(run))["left"] == "failed"


async def test_a_second_answer_to_the_same_question_is_refused(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ASKS))
    run = await mend.start()
    await mend.press(run, "left", "yes")
    with pytest.raises(Refused):
        await mend.press(run, "left", "yes")
    assert mend.cloud.calls.count("act left yes") == 1


GLASS = "  - {id: left, action: thing.make, with: {name: left}, break_glass: true, irreversible: a test}\n"


async def test_a_break_glass_step_never_acts_without_a_word_of_its_own(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(GLASS))
    run = await mend.start()
    assert await mend.states(run) == {"left": "asking"}
    assert mend.cloud.made == {}
    assert (await mend.press(run, "left", "yes")).status == "succeeded"


async def test_a_no_to_a_break_glass_step_leaves_it_out(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(GLASS))
    assert (await mend.press(await mend.start(), "left", "no")).status == "succeeded"
    assert mend.cloud.made == {}


async def test_an_ask_before_a_for_each_is_asked_once_for_all(store: Store, clock: SystemClock) -> None:
    ask = EACH.replace("    action: thing.make", "    ask: {en: All of them?, ko: 모두?}\n    action: thing.make")
    mend = await play(store, clock, playbook(ask, LISTED))
    run = await mend.start()
    assert (await mend.states(run))["each"] == "asking"
    run = await mend.press(run, "each", "yes")
    assert run.status == "succeeded"
    assert sorted(mend.cloud.made) == ["a", "b", "c"]
