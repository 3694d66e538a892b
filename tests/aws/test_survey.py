"""What the survey notes of two regions, and what it keeps when one of them does not answer."""

import json
from typing import Any

import pytest

from bot.aws.region.known import Running, Size, replica, running
from bot.aws.region.services import batches
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.two_regions import FENCE, HOME, STANDBY, TABLE, TwoRegions


@pytest.fixture(scope="module")
def built(started: EmulatedAws) -> TwoRegions:
    made = TwoRegions(started)
    made.build()
    return made


@pytest.fixture
def shop(built: TwoRegions, emulated: EmulatedAws) -> TwoRegions:  # without what the test before has broken
    return built.again()


def seen(shop: TwoRegions, region: str, name: str = "web") -> Running:
    found = running(shop.known, region, f"shop/{name}")
    assert found is not None
    return found.value


def test_it_notes_the_size_and_the_release_of_every_service_in_both_regions(shop: TwoRegions) -> None:
    answers = shop.survey()
    assert answers.refused == {}
    home, standby = seen(shop, HOME), seen(shop, STANDBY)
    assert (home.running, home.minimum, home.maximum, home.task_definition) == (6, 6, 20, "web:1")
    assert (standby.running, standby.images, standby.cpu) == (2, ("shop/web:1",), 256)


def test_the_most_of_the_last_day_is_kept_and_what_is_older_is_forgotten(shop: TwoRegions) -> None:
    shop.survey()
    shop.limit(HOME, "web", 9, 20)
    shop.client("ecs").update_service(cluster="shop", service="web", desiredCount=9)
    shop.later(3600)
    shop.survey()
    shop.limit(HOME, "web", 6, 20)
    shop.client("ecs").update_service(cluster="shop", service="web", desiredCount=6)
    shop.later(3600)
    shop.survey()
    assert seen(shop, HOME).running == 6
    assert seen(shop, HOME).most == 9, "as Region switch's sampledMaxInLast24Hours"
    shop.later(25 * 3600)
    shop.survey()
    assert seen(shop, HOME).most == 6


def test_a_region_that_does_not_answer_leaves_what_is_known_and_is_asked_only_once(shop: TwoRegions) -> None:
    shop.survey()
    before = dict(shop.known)
    shop.aws.outages.darken_region(HOME)
    shop.later(600)
    shop.aws.calls.clear()
    answers = shop.survey()
    assert any(HOME in asked for asked in answers.refused)
    assert len(shop.asked_of(HOME)) == 1
    assert shop.known[f"ecs:{HOME}:shop/web"] == before[f"ecs:{HOME}:shop/web"]
    assert shop.known[f"ecs:{STANDBY}:shop/web"].seen_at == shop.aws.clock.now()


def test_the_warm_size_is_that_of_the_region_that_stands_by(shop: TwoRegions) -> None:
    """Else the survey after a failover would take the size of the emergency for the usual one."""
    shop.survey()
    assert seen(shop, STANDBY).warm == Size(desired=2, minimum=2)
    shop.client("ssm", STANDBY).put_parameter(Name=FENCE, Value=STANDBY, Overwrite=True)
    shop.client("ecs", STANDBY).update_service(cluster="shop", service="web", desiredCount=6)
    shop.later(60)
    shop.survey()
    warm = seen(shop, STANDBY).warm
    assert (seen(shop, STANDBY).desired, warm and warm.desired) == (6, 2)


def test_replicas_and_the_longest_delay_of_late_are_noted(shop: TwoRegions) -> None:
    shop.aws.global_tables.lag = 1.5
    shop.write(HOME, "a", "1")
    shop.later(60)
    shop.survey()
    found = replica(shop.known, HOME, TABLE)
    assert found is not None
    assert (found.value.replicas, found.value.latency) == ({STANDBY: "ACTIVE"}, {STANDBY: 1500.0})


def test_what_is_refused_costs_that_answer_alone(shop: TwoRegions) -> None:
    shop.aws.faults.deny("dynamodb", "DescribeTable", STANDBY)
    answers = shop.survey()
    assert [asked for asked in answers.refused if "tables" in asked] == [f"shop: tables ({STANDBY})"]
    assert seen(shop, STANDBY).running == 2


def test_a_release_is_looked_up_once(shop: TwoRegions) -> None:
    shop.survey()
    shop.aws.calls.clear()
    shop.later(300)
    shop.survey()
    assert shop.aws.calls.of("ecs", "DescribeTaskDefinition") == []


def test_two_hundred_services_take_few_calls() -> None:
    """ECS describes ten services in a call, autoscaling fifty targets."""
    names = tuple(f"shop/web-{number}" for number in range(200))
    assert [len(part) for _, part in batches(names)] == [10] * 20


def test_what_it_notes_is_json(shop: TwoRegions) -> None:
    answers: Any = shop.survey()
    assert json.loads(json.dumps(answers.values)) == answers.values
