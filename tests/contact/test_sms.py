from datetime import UTC, datetime
from typing import Any

import pytest

from bot.contact.sms import LIMIT_BYTES, Sms, text, through_sns
from bot.errors import ActionFailed, DeliveryFailed, phrase
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.language import Words
from escalation.loading import load
from escalation.policy import FrozenPerson, freeze

AT = datetime(2026, 11, 23, 3, 41, 7, tzinfo=UTC)


def _incident(title: str = "orders-errors") -> Incident:
    from datetime import timedelta

    directory = load()
    return Incident(
        id="abcd2345", title=title, kind="declared", service="orders", started_at=AT, rto=timedelta(minutes=30),
        rpo=timedelta(minutes=5), chain=freeze(directory, directory.policy("default"), AT),
    )  # fmt: skip


def _page(person: str = "mina") -> Page:
    frozen = FrozenPerson.of(load().person(person))
    contact = next(at for at, one in enumerate(frozen.contacts) if one.method == "sms")
    return Page(id="p", incident="abcd2345", level=1, cycle=1, person=frozen, contact=contact, created_at=AT)


class Sns:
    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.published = error, list[dict[str, Any]]()

    async def publish(self, **message: Any) -> None:
        if self.error:
            raise self.error
        self.published.append(message)


async def test_one_message_goes_to_the_persons_number_by_their_clock() -> None:
    sns = Sns()
    await Sms({"sns:us-east-1": through_sns(sns.publish)}, "en").send(_page("alex"), _incident(), again=False)
    [message] = sns.published
    assert message["PhoneNumber"].replace(" ", "").replace("-", "") == "+12125550142"
    assert message["MessageAttributes"]["AWS.SNS.SMS.SMSType"]["StringValue"] == "Transactional"
    assert "22:41:07 EST" in message["Message"]
    assert "lifeboat incident ack abcd2345" in message["Message"]


@pytest.mark.parametrize("retry", [True, False])
async def test_what_aws_only_throttles_is_not_permanent(retry: bool) -> None:
    sns = Sns(ActionFailed(phrase("slow down"), retry=retry))
    with pytest.raises(DeliveryFailed) as caught:
        await Sms({"sns:us-east-1": through_sns(sns.publish)}, "en").send(_page(), _incident(), again=False)
    assert caught.value.permanent is not retry
    assert str(caught.value) == "slow down"


@pytest.mark.parametrize("title", ["x" * 120, "x" * 121, "장애" * 1000, "😀" * 2000])
def test_a_long_title_never_pushes_out_how_to_answer(title: str) -> None:
    said = text(_incident(title), Words("ko", "Asia/Seoul"))
    assert "abcd2345" in said.split(title[:1])[-1]
    assert len(said.encode()) <= LIMIT_BYTES


def test_a_title_of_the_longest_length_is_not_cut() -> None:
    assert "x" * 120 in text(_incident("x" * 120), Words())
    assert "…" in text(_incident("x" * 121), Words())
