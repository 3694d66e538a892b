"""A signed POST to another service, so that PagerDuty, Opsgenie or anything else can be who is paged.

The body is JSON; `Lifeboat-Signature: t=<unix seconds>,v1=<hex>` is HMAC-SHA256 of `<t>.<body>` with LIFEBOAT_WEBHOOK_SECRET,
and `Idempotency-Key` is the page's id, the same for every try of the same page. 2xx is taken; 429, 408 and 5xx are tried
again; what else it answers is for good.
"""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from bot.contact.wording import title
from bot.errors import N_, DeliveryFailed, phrase
from bot.incident.incident import Incident
from bot.incident.pager import Page

_FOR_NOW = frozenset({408, 425, 429})


class Answered(NamedTuple):
    status: int
    retry_after: float | None = None


#: `post(url, body, headers)`; raises OSError or TimeoutError when nobody answers.
Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[Answered]]


class Webhook:
    """The `webhook` contact method. Without a secret nothing is sent: whoever receives it could not tell who sent it."""

    kind: ClassVar[str] = "webhook"

    def __init__(self, post: Post, secret: str | None, now: Callable[[], datetime]) -> None:
        self.post, self._secret, self.now = post, secret, now

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:  # noqa: ARG002  # its key says so
        """Send one POST. Raises `DeliveryFailed`."""
        if not self._secret:
            raise DeliveryFailed(phrase(N_("LIFEBOAT_WEBHOOK_SECRET is not set.")), permanent=True)
        body = json.dumps(_said(page, incident), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": page.id,
            "Lifeboat-Signature": signature(self._secret, body, self.now()),
        }
        try:
            answered = await self.post(page.person.contacts[page.contact].address, body, headers)
        except (OSError, TimeoutError) as error:
            what = phrase(N_("The webhook does not answer: {error}."), error=type(error).__name__)
            raise DeliveryFailed(what, permanent=False) from error
        if not 200 <= answered.status < 300:
            permanent = answered.status < 500 and answered.status not in _FOR_NOW
            what = phrase(N_("The webhook answered {status}."), status=answered.status)
            raise DeliveryFailed(what, permanent=permanent, retry_after=answered.retry_after)


def signature(secret: str, body: bytes, now: datetime) -> str:
    """The header's value."""
    at = int(now.timestamp())
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def _said(page: Page, incident: Incident) -> Mapping[str, Any]:
    return {
        "event": "page",
        "page": page.id,
        "person": page.person.key,
        "incident": {
            "id": incident.id, "title": title(incident), "service": incident.service, "region": incident.region,
            "tier": incident.tier, "started_at": incident.started_at.isoformat(),
        },
    }  # fmt: skip
