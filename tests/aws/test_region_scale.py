"""A standby region takes over the size of home, and goes back to its own."""

from typing import Any

import pytest

from bot.aws.region.known import Running, service_key
from bot.aws.region.scale_back import Back, ScaleBack
from bot.aws.region.scale_out import Out, ScaleOut
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Memo, Working
from bot.playbook.fence import Fence
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Step
from tests.aws.two_regions import FENCE, HOME, STANDBY, TwoRegions

BOTH = ("shop/web", "shop/api")


@pytest.fixture(scope="module")
def built(started: EmulatedAws) -> TwoRegions:
    made = TwoRegions(started)
    made.build()
    return made


@pytest.fixture
def shop(built: TwoRegions, emulated: EmulatedAws) -> TwoRegions:
    built.again().survey()
    emulated.calls.clear()
    return built


def out(shop: TwoRegions, number: int = 1, **given: Any) -> Step:
    params = Out(services=BOTH, like=HOME, **given)
    return Step(ScaleOut(), params, shop.cloud(), known=shop.known, number=number)


def test_every_service_gets_the_most_that_ran_at_home(shop: TwoRegions) -> None:
    done = out(shop).run()
    assert isinstance(done, Done), done
    assert (shop.size(STANDBY, "web"), shop.size(STANDBY, "api")) == ((6, 6), (3, 3))
    assert done.output == {"sizes": ["shop/web=2:2", "shop/api=1:1"], "running": 9, "wanted": 9}


def test_nothing_is_asked_of_the_region_that_is_dark(shop: TwoRegions) -> None:
    shop.aws.outages.darken_region(HOME)
    step = out(shop)
    fenced = Fence(shop.cloud(), HOME)
    assert isinstance(ScaleOut().act(step.params, fenced, step.attempt()), Working)
    assert ScaleOut().plan(step.params, fenced, step.attempt()).changes
    assert shop.asked_of(HOME) == []


def test_the_minimum_is_raised_before_the_tasks(shop: TwoRegions) -> None:
    """Else autoscaling takes the new tasks away again."""
    out(shop).run()
    changing = [
        call.operation for call in shop.aws.calls if call.operation in {"RegisterScalableTarget", "UpdateService"}
    ]
    assert changing == ["RegisterScalableTarget", "UpdateService"] * 2


def test_a_part_of_it_is_rounded_up(shop: TwoRegions) -> None:
    assert isinstance(out(shop, percent=50).run(), Done)
    assert (shop.size(STANDBY, "web")[0], shop.size(STANDBY, "api")[0]) == (3, 2)


def test_it_never_scales_down(shop: TwoRegions) -> None:
    shop.limit(STANDBY, "web", 8, 20)
    shop.client("ecs", STANDBY).update_service(cluster="shop", service="web", desiredCount=8)
    assert isinstance(out(shop).run(), Done)
    assert shop.size(STANDBY, "web") == (8, 8)


def test_it_counts_the_most_of_the_last_day_and_not_what_runs_now(shop: TwoRegions) -> None:
    """At the moment of the failover the failing region may run nothing any more."""
    noted = Running.model_validate(shop.known[service_key(HOME, "shop/web")].value)
    less = noted.model_copy(update={"running": 0, "hours": {"2026-11-22T20": 7, "2026-11-23T03": 0}})
    shop.known[service_key(HOME, "shop/web")] = Memo(less.model_dump(mode="json"), shop.aws.clock.now())
    out(shop).run()
    assert shop.size(STANDBY, "web")[0] == 7


def test_a_size_that_nobody_has_noted_refuses_the_plan(shop: TwoRegions) -> None:
    del shop.known[service_key(HOME, "shop/api")]
    with pytest.raises(ActionFailed, match="shop/api"):
        out(shop).plan()
    assert isinstance(out(shop).act(), Failed)
    plan = out(shop, ungraceful=True).plan()
    assert [change.after for change in plan.changes] == ["6"]


def test_more_than_autoscaling_allows_is_refused_and_ungraceful_starts_what_is_allowed(shop: TwoRegions) -> None:
    shop.limit(STANDBY, "web", 2, 4)
    with pytest.raises(ActionFailed, match="at most 4"):
        out(shop).plan()
    assert isinstance(out(shop, ungraceful=True).run(), Done)
    assert shop.size(STANDBY, "web")[0] == 4


def test_nine_tenths_are_enough_only_when_ungraceful(shop: TwoRegions, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.aws.region import watching

    # A task that never gets well is slow to rehearse, so its count is given.
    monkeypatch.setattr(watching, "_ready", lambda _aws, service, tasks: tasks - (service["serviceName"] == "web"))
    patient = out(shop)
    assert isinstance(patient.act(), Working)
    assert isinstance(patient.act(), Working)
    assert "8 of 9" in str(patient.look().note)  # type: ignore[union-attr]
    hurried = out(shop, ungraceful=True)
    hurried.act()
    found = hurried.act()
    assert isinstance(found, Working), "8 of 9 is less than nine tenths"
    monkeypatch.setattr(watching, "ENOUGH", 0.88)
    found = hurried.look()
    assert isinstance(found, Done)
    assert found.output["running"] == 8


def test_sizes_are_written_down_before_anything_is_changed(shop: TwoRegions) -> None:
    step = out(shop)
    first = step.act()
    assert isinstance(first, Working)
    assert first.more
    assert shop.size(STANDBY, "web") == (2, 2)
    assert step.memory["sizes"]["shop/web"] == {"desired": 2, "minimum": 2}
    step.wait(step.act())
    crashed = Step(ScaleOut(), step.params, step.cloud, known=shop.known, memory=first.memory)
    done = crashed.wait(crashed.act(again=True))
    assert isinstance(done, Done)
    assert done.output["sizes"][0] == "shop/web=2:2", "what it was is not what a first try has made of it"


def test_a_retry_remembers_the_usual_size(shop: TwoRegions) -> None:
    out(shop).run()
    done = out(shop, number=2).run()
    assert isinstance(done, Done)
    assert done.output["sizes"] == ["shop/web=2:2", "shop/api=1:1"]


def test_a_lost_answer_is_adopted(shop: TwoRegions) -> None:
    step = out(shop)
    step.act()
    shop.aws.faults.lose_answer("ecs", "UpdateService", STANDBY, times=1)
    with pytest.raises(ActionFailed) as lost:
        step.act()
    assert lost.value.retry
    assert isinstance(step.wait(step.act()), Done)
    assert shop.size(STANDBY, "web") == (6, 6)


def test_one_service_that_is_refused_does_not_hold_up_the_others(shop: TwoRegions) -> None:
    shop.aws.faults.deny("application-autoscaling", "RegisterScalableTarget", STANDBY, times=1)
    failed = out(shop).run()
    assert isinstance(failed, Failed)
    assert "shop/web" in str(failed.why)
    assert shop.size(STANDBY, "api") == (3, 3)


def test_ecs_is_not_asked_for_tasks_faster_than_it_starts_them(shop: TwoRegions) -> None:
    """100 at once, then 20 a second."""
    for name, count in (("web", 130), ("api", 60)):
        shop.limit(STANDBY, name, 1, 1000)
        noted = Running.model_validate(shop.known[service_key(HOME, f"shop/{name}")].value)
        more = noted.model_copy(update={"hours": {"2026-11-23T03": count}})
        shop.known[service_key(HOME, f"shop/{name}")] = Memo(more.model_dump(mode="json"), shop.aws.clock.now())
    services = tuple(f"shop/x{number}" for number in range(9))
    for name in services:
        shop.serve(STANDBY, name.partition("/")[2], 0)
        shop.known[service_key(HOME, name)] = Memo(
            {"status": "ACTIVE", "running": 1, "desired": 1, "task_definition": "x:1"}, shop.aws.clock.now()
        )
    params = Out(services=("shop/web", *services, "shop/api"), like=HOME)
    step = Step(ScaleOut(), params, shop.cloud(), known=shop.known)
    step.act()
    waiting = step.act()
    assert isinstance(waiting, Working)
    assert waiting.more
    assert waiting.again_in.total_seconds() == pytest.approx((128 + 9 - 100) / 20)
    assert shop.size(STANDBY, "api")[0] == 1


def test_the_plan_shows_what_there_is_and_will_be_and_how_old_that_knowledge_is(shop: TwoRegions) -> None:
    shop.later(600)
    plan = out(shop).plan()
    assert [(change.before, change.after) for change in plan.changes] == [("2", "6"), ("1", "3")]
    assert plan.touches == (f"ecs:{STANDBY}:shop/web", f"ecs:{STANDBY}:shop/api")
    assert plan.foreseen == {"sizes": ["shop/web=2:2", "shop/api=1:1"]}
    assert any("10 min" in str(said) or "0:10:00" in str(said) for said in plan.warnings)
    assert plan.needs[0].needed == (4 + 2) * 0.25


def test_a_load_that_goes_on_does_not_void_the_plan(shop: TwoRegions) -> None:
    """The calls carry no numbers: what people approve is `as large as home`."""
    before = out(shop).plan().calls
    shop.limit(HOME, "web", 9, 20)
    shop.client("ecs").update_service(cluster="shop", service="web", desiredCount=9)
    shop.later(60)
    shop.survey()
    assert out(shop).plan().calls == before


def back(shop: TwoRegions, **given: Any) -> Step:
    return Step(ScaleBack(), Back(services=BOTH, **given), shop.cloud(), known=shop.known)


def test_the_undo_gives_back_what_was_written_down(shop: TwoRegions) -> None:
    done = out(shop).run()
    assert isinstance(done, Done)
    step = back(shop, sizes=done.output["sizes"])
    assert [(change.before, change.after) for change in step.plan().changes] == [("6", "2"), ("3", "1")]
    assert isinstance(step.run(), Done)
    assert (shop.size(STANDBY, "web"), shop.size(STANDBY, "api")) == ((2, 2), (1, 1))


def test_without_sizes_it_goes_back_to_the_warm_size_that_was_noted(shop: TwoRegions) -> None:
    out(shop).run()
    assert isinstance(back(shop).run(), Done)
    assert shop.size(STANDBY, "web") == (2, 2)


def test_the_region_that_does_the_work_keeps_its_size(shop: TwoRegions) -> None:
    out(shop).run()
    shop.client("ssm", STANDBY).put_parameter(Name=FENCE, Value=STANDBY, Overwrite=True)
    step = back(shop, fence=FENCE)
    assert isinstance(step.run(), Failed)
    assert any("keeps its size" in str(said) for said in step.plan().warnings)
    assert shop.size(STANDBY, "web") == (6, 6)


def test_scaling_back_never_makes_anything_larger(shop: TwoRegions) -> None:
    step = back(shop, sizes=["shop/web=5:5", "shop/api=1:1"])
    assert isinstance(step.run(), Done)
    assert shop.size(STANDBY, "web") == (2, 2)


def test_each_can_be_asked_to_look_first(shop: TwoRegions) -> None:
    step = back(shop)
    assert isinstance(ScaleBack().look(step.params, step.cloud, step.attempt()), Done)
    assert ScaleBack().plan(step.params, step.cloud, step.attempt()).changes == ()
    assert isinstance(ScaleBack().act(step.params, step.cloud, step.attempt()), Done)
    watching = out(shop)
    watching.act()
    assert isinstance(ScaleOut().look(watching.params, watching.cloud, watching.attempt()), Working)
