import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.errors import Phrase, Unavailable
from bot.intake import understand
from bot.intake.signature import LARGEST_BODY, Certificate, Flaw, Rules
from bot.intake.sns import Reply, SnsDoor
from tests.intake import fakes
from tests.intake.fakes import (
    CERTIFICATE_URL,
    TOPIC,
    MemoryInbox,
    MovedClock,
    confirmation,
    headers,
    notification,
    signed,
)


class Certificates:
    """Has one certificate; remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails: Exception | None = None

    async def get(self, url: str) -> Certificate:
        self.asked.append(url)
        if self.fails:
            raise self.fails
        return fakes.certificate()


class Subscriptions:
    def __init__(self) -> None:
        self.confirmed: list[tuple[str, str, str]] = []
        self.fails: Exception | None = None

    async def confirm(self, topic: str, token: str, region: str) -> None:
        if self.fails:
            raise self.fails
        self.confirmed.append((topic, token, region))


class House:
    """One door with everything around it."""

    def __init__(self, **rules: Any) -> None:
        self.certificates, self.inbox, self.subscriptions = Certificates(), MemoryInbox(), Subscriptions()
        self.clock = MovedClock()
        self.forgeries: list[Flaw] = []
        self.door = SnsDoor(
            Rules(frozenset({TOPIC}), **rules),
            self.certificates,
            self.inbox,
            self.subscriptions.confirm,
            self.clock,
            self.forgeries.append,
        )

    async def post(self, values: Mapping[str, str]) -> Reply:
        return await self.door.receive(fakes.body(values), headers(values))


@pytest.fixture
def house() -> House:
    return House()


async def test_a_genuine_alarm_is_in_the_inbox_unchanged_when_the_answer_is_200(house: House) -> None:
    values = signed(notification())
    assert await house.post(values) == Reply(200, "ok")
    (delivery,) = house.inbox.kept.values()
    assert delivery.id == f"sns:{values['MessageId']}"
    assert delivery.door == "sns-http"
    assert delivery.body.encode() == fakes.body(values)
    assert delivery.received_at == house.clock.now()
    assert [alarm.name for alarm in understand(delivery.body)] == ["api-5xx"]


async def test_there_is_no_answer_before_the_inbox_has_it(house: House) -> None:
    reached, committed = asyncio.Event(), asyncio.Event()

    class SlowInbox(MemoryInbox):
        async def accept(self, deliveries: Any) -> None:
            reached.set()
            await committed.wait()
            await super().accept(deliveries)

    house.door._inbox = SlowInbox()
    answer = asyncio.create_task(house.post(signed(notification())))
    await reached.wait()
    assert not answer.done()
    committed.set()
    assert (await answer).status == 200


async def test_a_replayed_delivery_is_answered_200_and_accepted_once(house: House) -> None:
    values = signed(notification())
    assert [(await house.post(values)).status for _ in range(3)] == [200, 200, 200]
    assert len(house.inbox.kept) == 1


async def test_a_forgery_is_answered_403_and_counted_and_reaches_nothing(house: House) -> None:
    forged = {**signed(notification()), "Message": "forged"}
    assert await house.post(forged) == Reply(403, "signature")
    assert house.forgeries == ["signature"]
    assert not house.inbox.accepted


async def test_a_strangers_topic_makes_us_fetch_nothing(house: House) -> None:
    stranger = signed(notification(TopicArn="arn:aws:sns:us-east-1:999999999999:x"))
    assert await house.post(stranger) == Reply(403, "topic")
    assert house.certificates.asked == []


async def test_a_strangers_certificate_address_is_not_fetched(house: House) -> None:
    assert await house.post(signed(notification(SigningCertURL="https://evil.test/x.pem"))) == Reply(
        403, "certificate_url"
    )
    assert house.certificates.asked == []


async def test_a_genuine_delivery_asks_for_its_certificate_once(house: House) -> None:
    await house.post(signed(notification()))
    assert house.certificates.asked == [CERTIFICATE_URL]


async def test_an_oversized_body_is_refused_for_good_before_it_is_parsed(house: House) -> None:
    assert await house.door.receive(b"{" * (LARGEST_BODY + 1), {}) == Reply(403, "size")


async def test_a_database_that_refuses_is_503_so_that_sns_tries_again(house: House) -> None:
    house.inbox.refuses = Unavailable(Phrase("The database is away."))
    assert (await house.post(signed(notification()))).status == 503
    house.inbox.refuses = None
    assert (await house.post(signed(notification()))).status == 200


@pytest.mark.parametrize("fault", [RuntimeError("bug"), OSError("disk full"), TimeoutError(), KeyError("x")])
async def test_a_fault_of_ours_is_never_a_4xx(house: House, fault: Exception) -> None:
    house.inbox.refuses = fault
    assert (await house.post(signed(notification()))).status == 503
    house.inbox.refuses, house.certificates.fails = None, fault
    assert (await house.post(signed(notification()))).status == 503
    assert house.forgeries == []


async def test_a_certificate_that_cannot_be_fetched_is_503_and_no_forgery(house: House) -> None:
    house.certificates.fails = Unavailable(Phrase("SNS is away."))
    assert (await house.post(signed(notification()))).status == 503
    assert house.forgeries == []


async def test_a_cancelled_request_is_cancelled_and_not_answered(house: House) -> None:
    house.certificates.fails = None

    class NeverInbox(MemoryInbox):
        async def accept(self, deliveries: Any) -> None:
            raise asyncio.CancelledError

    house.door._inbox = NeverInbox()
    with pytest.raises(asyncio.CancelledError):
        await house.post(signed(notification()))


async def test_a_subscription_is_confirmed_with_its_token_and_its_url_is_not_touched(house: House) -> None:
    values = signed(confirmation())
    assert await house.post(values) == Reply(200, "ok")
    assert house.subscriptions.confirmed == [(TOPIC, values["Token"], "us-east-1")]
    assert not house.inbox.accepted


async def test_a_forged_confirmation_confirms_nothing(house: House) -> None:
    forged = {**signed(confirmation()), "Token": "theirs"}
    assert (await house.post(forged)).status == 403
    stranger = signed(confirmation(TopicArn="arn:aws:sns:us-east-1:999999999999:x"))
    assert (await house.post(stranger)).status == 403
    assert house.subscriptions.confirmed == []


async def test_a_confirmation_that_aws_refuses_is_503_so_that_sns_tries_again(house: House) -> None:
    house.subscriptions.fails = RuntimeError("AuthorizationError")
    assert (await house.post(signed(confirmation()))).status == 503


async def test_a_removed_subscription_becomes_an_alarm(house: House) -> None:
    assert (await house.post(signed(confirmation("UnsubscribeConfirmation")))).status == 200
    (delivery,) = house.inbox.kept.values()
    (alarm,) = understand(delivery.body)
    assert (alarm.kind, alarm.state, alarm.arn) == ("feed", "alarm", TOPIC)
    assert house.subscriptions.confirmed == []


async def test_version_1_is_refused_where_the_configuration_says_version_2() -> None:
    house = House(versions=frozenset({"2"}))
    assert await house.post(signed(notification(SignatureVersion="1"))) == Reply(403, "version")


async def test_nothing_secret_is_logged(house: House) -> None:
    values = signed(confirmation())
    with capture_logs() as logs:
        await house.post(values)
        await house.post({**values, "Message": "changed"})
        house.subscriptions.fails = RuntimeError("no")
        await house.post(values)
        await house.post(signed(confirmation("UnsubscribeConfirmation")))
        understand(fakes.body(values).decode())
    assert logs
    for secret in (values["Token"], values["SubscribeURL"], values["Signature"]):
        assert secret not in repr(logs)
