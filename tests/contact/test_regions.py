"""Every method that AWS offers in two regions: the second is used when the first refuses, and never after it has taken it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from bot.contact.email import Email
from bot.contact.sms import Sms, through_end_user_messaging, through_sns
from bot.contact.voice import Line, Voice
from bot.errors import ActionFailed, DeliveryFailed, phrase
from bot.incident.ports import ContactMethod
from tests.contact.night import AT, Provider, incident, page

ADDRESSES = {"sms": "+12125550142", "voice": "+12125550142", "email": "alex@example.com"}


def now() -> datetime:
    return AT


def sms(*regions: Provider) -> ContactMethod:
    return Sms({f"sns:{number}": through_sns(one) for number, one in enumerate(regions)}, "en")


def email(*regions: Provider) -> ContactMethod:
    return Email({f"r{number}": one for number, one in enumerate(regions)}, "dr@example.com", "en", now, None)


def voice(*regions: Provider) -> ContactMethod:
    return Voice([Line(f"r{n}", "i", "f", "+12125550100", one) for n, one in enumerate(regions)], "en", now, None)


METHODS: dict[str, Callable[..., ContactMethod]] = {"sms": sms, "email": email, "voice": voice}


def refused(*, retry: bool = True, code: str = "ThrottlingException") -> ActionFailed:
    return ActionFailed(phrase("no"), retry=retry, code=code)


@pytest.fixture(params=METHODS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def send(kind: str, *regions: Provider) -> None:
    await METHODS[kind](*regions).send(page(kind, ADDRESSES[kind]), incident(), again=False)


async def test_one_region_that_takes_it_is_enough(kind: str) -> None:
    first, second = Provider(), Provider()
    await send(kind, first, second)
    assert (len(first.sent), len(second.sent)) == (1, 0)


@pytest.mark.parametrize("retry", [True, False])
async def test_when_the_first_region_refuses_the_second_is_asked_at_once(kind: str, retry: bool) -> None:
    first, second = Provider(refused(retry=retry, code="AccountSuspendedException")), Provider()
    await send(kind, first, second)
    assert second.sent[0] == (await _only(kind))[0], "it says the same there"


async def _only(kind: str) -> list[dict[str, Any]]:
    alone = Provider()
    await send(kind, alone)
    return alone.sent


async def test_an_address_that_cannot_work_is_not_tried_in_another_region(kind: str) -> None:
    second = Provider()
    with pytest.raises(DeliveryFailed) as failed:
        await send(kind, Provider(refused(retry=False, code="InvalidParameterValue")), second)
    assert failed.value.permanent
    assert second.sent == []


@pytest.mark.parametrize(
    ("first", "second", "permanent"),
    [(True, False, False), (False, True, False), (True, True, False), (False, False, True)],
)
async def test_it_is_for_good_only_where_trying_again_helps_nowhere(
    kind: str, first: bool, second: bool, permanent: bool
) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        await send(kind, Provider(refused(retry=first, code="A")), Provider(refused(retry=second, code="B")))
    assert failed.value.permanent is permanent


async def test_a_method_without_a_region_says_what_is_missing_and_falls_through(kind: str) -> None:
    with pytest.raises(DeliveryFailed, match=r"contact\.\w+.* is not set up in lifeboat.yaml") as failed:
        await send(kind)
    assert failed.value.permanent


async def test_end_user_messaging_is_the_second_way_of_a_text_message() -> None:
    sns, other = Provider(refused()), Provider()
    ways = {"sns": through_sns(sns), "eum": through_end_user_messaging(other, "pool-1")}
    await Sms(ways, "en").send(page("sms", "+12125550142"), incident(), again=False)
    [message] = other.sent
    assert (message["DestinationPhoneNumber"], message["OriginationIdentity"]) == ("+12125550142", "pool-1")
    assert "abcd2345" in message["MessageBody"]
