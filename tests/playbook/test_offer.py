from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.incident.alarm import Alarm
from bot.playbook.about import about
from bot.playbook.context import AlarmFacts, ServiceFacts
from bot.playbook.model import OfferWhen, Playbook
from bot.playbook.offer import Experience, Offer, fitting, ranked
from tests.playbook.sample import playbook

ALARM = AlarmFacts(name="orders-errors", resource="dynamodb", namespace="AWS/DynamoDB", metric="SystemErrors")
SERVICE = ServiceFacts(name="shop", tags={"class": "critical", "team": "a"})


def named(name: str, when: OfferWhen | None, tier: int = 1) -> Mapping[str, Playbook]:
    return {name: playbook().model_copy(update={"name": name, "offer_when": when, "tier": tier})}


def offered(name: str, *, conditions: int = 1, tier: int = 1, worked: int = 0, tried: int = 0) -> Offer:
    when = OfferWhen(resource="dynamodb", tags={f"t{n}": "x" for n in range(conditions - 1)})
    service = ServiceFacts(name="shop", tags=when.tags)
    [found] = fitting(named(name, when, tier), ALARM, service).values()
    return Offer(found.playbook, found.conditions, Experience(worked, tried))


def order(*offers: Offer) -> list[str]:
    assert [one.playbook.name for one in ranked(offers)] == [one.playbook.name for one in ranked(reversed(offers))]
    return [one.playbook.name for one in ranked(offers)]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (OfferWhen(resource="DynamoDB"), "matches DynamoDB in this alarm"),
        (OfferWhen(namespace="AWS/DynamoDB"), "matches AWS/DynamoDB in this alarm"),
        (OfferWhen(metric="SystemErrors", resource="dynamodb"), "matches the metric SystemErrors of this alarm"),
        (OfferWhen(alarm="orders-*"), "matches this alarm's name (orders-*)"),
        (OfferWhen(service="shop"), "is made for the service shop"),
        (OfferWhen(tags={"class": "critical"}), "fits services tagged class: critical"),
    ],
)
def test_a_condition_that_holds_offers_the_playbook_and_says_why(when: OfferWhen, why: str) -> None:
    [found] = fitting(named("a", when), ALARM, SERVICE).values()
    assert str(found.why) == f"{why}; never run here"


@pytest.mark.parametrize(
    "when",
    [
        None,
        OfferWhen(),
        OfferWhen(resource="ecs"),
        OfferWhen(resource="dynamodb", metric="Other"),
        OfferWhen(resource="dynamodb", tags={"class": "critical", "team": "b"}),
        OfferWhen(alarm="Orders-*"),
    ],
)
def test_one_condition_that_does_not_hold_keeps_the_playbook_off_the_card(when: OfferWhen | None) -> None:
    assert fitting(named("a", when), ALARM, SERVICE) == {}


def test_without_an_alarm_only_the_service_can_match() -> None:
    both = {**named("a", OfferWhen(resource="dynamodb")), **named("b", OfferWhen(service="shop"))}
    assert list(fitting(both, None, SERVICE)) == ["b"]
    assert fitting(both, None, None) == {}


def test_the_reason_says_what_matched_how_it_did_before_and_how_long_it_takes() -> None:
    [found] = fitting(named("a", OfferWhen(resource="dynamodb")), ALARM, None).values()

    def said(worked: int, tried: int, usual: timedelta | None) -> str:
        return str(Offer(found.playbook, found.conditions, Experience(worked, tried, usual)).why)

    usual = timedelta(minutes=13, seconds=47)
    assert said(4, 5, usual) == "matches DynamoDB in this alarm; worked 4 of 5 times; about 0:14:00"
    assert said(0, 2, None) == "matches DynamoDB in this alarm; worked 0 of 2 times"
    assert said(0, 0, usual) == "matches DynamoDB in this alarm; never run here; about 0:14:00"


def test_the_closest_match_comes_first() -> None:
    often, exact = offered("often", worked=20, tried=20), offered("exact", conditions=2, tried=3)
    assert order(often, exact) == ["exact", "often"]


def test_among_equal_matches_the_one_that_works_comes_first() -> None:
    assert order(offered("fails", worked=1, tried=5), offered("works", worked=4, tried=5, tier=3)) == ["works", "fails"]


def test_one_lucky_run_does_not_beat_a_long_record() -> None:
    lucky, proven = offered("lucky", worked=1, tried=1), offered("proven", worked=9, tried=10)
    assert order(lucky, proven) == ["proven", "lucky"]
    assert order(offered("never"), offered("failed", tried=1), lucky) == ["lucky", "never", "failed"]


def test_with_the_same_record_the_smaller_tier_comes_first_then_the_name() -> None:
    assert order(offered("region", tier=3), offered("b"), offered("a")) == ["a", "b", "region"]


def test_an_alarm_of_the_core_is_taken_as_it_is() -> None:
    alarm = Alarm(kind="metric", fingerprint="f", name="orders-errors", state="alarm", resource="dynamodb")
    assert AlarmFacts.model_validate(alarm).resource == "dynamodb"


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [(0, 10), (4, 10), (16, 20), (119, 120), (120, 120), (149, 120), (827, 840), (3600, 3600), (4000, 3900), (40_000, 39_600)],
)  # fmt: skip
def test_a_length_is_rounded_as_a_person_would(exact: float, rounded: float) -> None:
    assert about(timedelta(seconds=exact)) == timedelta(seconds=rounded)
