"""The HTTP door: SNS posts here. What the answer says decides whether SNS sends it again.

2xx only after the inbox has it on disk; 403 for a forgery, which ends the matter; 503 for any fault of ours, because SNS
drops a message for good after any other 4xx. https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.errors import N_, Unavailable, phrase
from bot.incident.ports import Clock, Delivery, Inbox
from bot.intake import fields
from bot.intake.signature import Certificate, Envelope, Flaw, NotFromSns, Rules, admit, parse_envelope, verify

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Reply:
    """An HTTP status and one word for it."""

    status: int
    reason: str


class Certificates(Protocol):
    """Where signing certificates come from (`bot/intake/certificates.py`)."""

    async def get(self, url: str) -> Certificate: ...


#: `confirm(topic_arn, token, region)`: sns.ConfirmSubscription with our own credentials and AuthenticateOnUnsubscribe.
Confirm = Callable[[str, str, str], Awaitable[None]]


class SnsDoor:
    """Takes what SNS posts. It does not look for duplicates: the inbox does, by the delivery's id."""

    def __init__(
        self,
        rules: Rules,
        certificates: Certificates,
        inbox: Inbox,
        confirm: Confirm,
        clock: Clock,
        on_forgery: Callable[[Flaw], None] = lambda _: None,
    ) -> None:
        self._rules = rules
        self._certificates = certificates
        self._inbox = inbox
        self._confirm = confirm
        self._clock = clock
        self._on_forgery = on_forgery

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer for one POST; never raises."""
        try:
            envelope = await self._trusted(body, headers)
            await self._take(envelope, body)
        except NotFromSns as error:
            log.warning("sns_delivery_forged", flaw=error.flaw, error=str(error))
            self._on_forgery(error.flaw)
            return Reply(403, error.flaw)
        except Unavailable as error:
            log.error("sns_delivery_put_off", error=str(error))  # noqa: TRY400  # it is expected, and says all there is
            return Reply(503, "unavailable")
        except Exception:
            log.exception("sns_delivery_failed")
            return Reply(503, "error")
        return Reply(200, "ok")

    async def _trusted(self, body: bytes, headers: Mapping[str, str]) -> Envelope:
        envelope = parse_envelope(body, headers)
        admit(envelope, self._rules)
        certificate = await self._certificates.get(envelope.certificate_url)
        verify(envelope, certificate, self._rules, self._clock.now())
        return envelope

    async def _take(self, envelope: Envelope, body: bytes) -> None:
        if envelope.type == "SubscriptionConfirmation":
            await self._subscribe(envelope)
            return
        delivery = Delivery(f"sns:{envelope.message_id}", "sns-http", body.decode(), self._clock.now())
        await self._inbox.accept([delivery])

    async def _subscribe(self, envelope: Envelope) -> None:
        """Confirm by the API. SubscribeURL is never fetched: a URL in a message is a way to make us call anything."""
        try:
            await self._confirm(envelope.topic, envelope.values["Token"], fields.arn(envelope.topic).region)
        except Exception as error:
            what = N_(
                "The subscription to {topic} could not be confirmed: {error}. "
                "Check that Lifeboat's role allows sns:ConfirmSubscription on this topic."
            )
            raise Unavailable(phrase(what, topic=envelope.topic, error=str(error) or type(error).__name__)) from error
        log.info("sns_subscription_confirmed", topic=envelope.topic)
