from collections.abc import Mapping

import pytest

from bot.incident.alarm import Alarm
from bot.playbook.context import AlarmFacts, ServiceFacts
from bot.playbook.model import OfferWhen, Playbook
from bot.playbook.offer import offers
from tests.playbook.sample import playbook

ALARM = AlarmFacts(name="orders-errors", resource="dynamodb", namespace="AWS/DynamoDB", metric="SystemErrors")
SERVICE = ServiceFacts(name="shop", tags={"class": "critical", "team": "a"})


def named(name: str, when: OfferWhen | None, tier: int = 1) -> Mapping[str, Playbook]:
    return {name: playbook().model_copy(update={"name": name, "offer_when": when, "tier": tier})}


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (OfferWhen(resource="DynamoDB"), "The alarm is about DynamoDB."),
        (OfferWhen(namespace="AWS/DynamoDB"), "The alarm is about AWS/DynamoDB."),
        (OfferWhen(metric="SystemErrors", resource="dynamodb"), "The alarm watches SystemErrors."),
        (OfferWhen(alarm="orders-*"), "The alarm's name is like orders-*."),
        (OfferWhen(service="shop"), "It is made for the service shop."),
        (OfferWhen(tags={"class": "critical"}), "The service is tagged class: critical."),
    ],
)
def test_a_condition_that_holds_offers_the_playbook_and_says_why(when: OfferWhen, why: str) -> None:
    assert [str(offer.why) for offer in offers(named("a", when), ALARM, SERVICE)] == [why]


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
    assert offers(named("a", when), ALARM, SERVICE) == []


def test_without_an_alarm_only_the_service_can_match() -> None:
    both = {**named("a", OfferWhen(resource="dynamodb")), **named("b", OfferWhen(service="shop"))}
    assert [offer.playbook.name for offer in offers(both, None, SERVICE)] == ["b"]
    assert offers(both, None, None) == []


def test_the_closest_match_comes_first_then_the_smaller_tier() -> None:
    all_ = {
        **named("region", OfferWhen(resource="dynamodb"), tier=3),
        **named("component", OfferWhen(resource="dynamodb"), tier=1),
        **named("exact", OfferWhen(resource="dynamodb", metric="SystemErrors"), tier=3),
    }
    assert [offer.playbook.name for offer in offers(all_, ALARM, None)] == ["exact", "component", "region"]


def test_an_alarm_of_the_core_is_taken_as_it_is() -> None:
    alarm = Alarm(kind="metric", fingerprint="f", name="orders-errors", state="alarm", resource="dynamodb")
    assert AlarmFacts.model_validate(alarm).resource == "dynamodb"
