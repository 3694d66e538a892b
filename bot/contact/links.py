"""Links that acknowledge: signed, of one page for one person, over after a day, and good for one press.

Opening a link shows a page with a button and changes nothing, because mail scanners open links; the button's POST
acknowledges. A link cannot be guessed or changed (HMAC-SHA256 over what it says, RFC 2104), and it says nothing but the
page's id and when it is over: whoever has the link is taken for the person it was sent to.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.errors import N_, Refused, phrase

LIVES = timedelta(hours=24)
_SIGNATURE_BYTES = 16  # 128 bits: nobody guesses it, and the link stays short enough for a text message
_PURPOSE = b"lifeboat-acknowledge:"


@dataclass(frozen=True)
class Link:
    """What a link says: which page it acknowledges, and when it is over."""

    page: str
    until: datetime


class Links:
    """Makes and reads links. `base`: the public address of this Lifeboat; `secret` is LIFEBOAT_LINK_SECRET."""

    def __init__(self, base: str, secret: str) -> None:
        self.base, self._key = base.rstrip("/"), secret.encode()

    def of(self, page: str, now: datetime) -> str:
        """The link that acknowledges a page."""
        said = f"{int((now + LIVES).timestamp())}.{page}"
        return f"{self.base}/ack/{_text(self._sign(said))}.{_text(said.encode())}"

    def read(self, token: str, now: datetime) -> Link:
        """What follows `/ack/`. Raises `Refused` for one that is over, and for one that we did not make."""
        signature, _, said = token.partition(".")
        try:
            text = _bytes(said).decode()
            right = hmac.compare_digest(self._sign(text), _bytes(signature))
            until, _, page = text.partition(".")
            link = Link(page, datetime.fromtimestamp(int(until), UTC))
        except (ValueError, OverflowError, OSError):
            right = False
        if not right:
            raise Refused(phrase(N_("This link is not one of ours. Open the one in the message.")))
        if link.until < now:
            raise Refused(
                phrase(
                    N_("This link is over since {at}. Acknowledge in Slack, or with the newest message."), at=link.until
                )
            )
        return link

    def _sign(self, said: str) -> bytes:
        return hmac.new(self._key, _PURPOSE + said.encode(), hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Raises ValueError."""
    if not text.isascii() or len(text) > 1_000:
        raise ValueError(text[:20])
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
