"""What the intake tests stand on: a clock that is moved, an inbox in memory, and a signer that signs as SNS does."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bot.incident.ports import Delivery
from bot.intake.signature import Certificate, load_certificate

PAYLOADS = Path(__file__).parent / "payloads"
TOPIC = "arn:aws:sns:us-east-1:111122223333:dr-alarms"
CERTIFICATE_PATH = "/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"
CERTIFICATE_URL = f"https://sns.us-east-1.amazonaws.com{CERTIFICATE_PATH}"
NOW = datetime(2026, 11, 23, 3, 41, 7, tzinfo=UTC)


def payload(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return loaded


class MovedClock:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at
        self.offset = timedelta()

    def now(self) -> datetime:
        return self.at


class MemoryInbox:
    """Keeps deliveries by id, as the durable inbox does; `refuses` is raised instead, while it is set."""

    def __init__(self) -> None:
        self.kept: dict[str, Delivery] = {}
        self.accepted: list[str] = []
        self.refuses: Exception | None = None
        self.chokes_on: Callable[[Delivery], bool] = lambda _: False

    async def accept(self, deliveries: Sequence[Delivery]) -> None:
        if self.refuses:
            raise self.refuses
        for delivery in deliveries:
            if self.chokes_on(delivery):
                raise ValueError(delivery.id)
        for delivery in deliveries:
            self.accepted.append(delivery.id)
            self.kept.setdefault(delivery.id, delivery)


@cache
def key(name: str = "sns") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def pem(organisation: str = "Amazon", days: int = 365, name: str = "sns") -> bytes:
    """A certificate that began a day before NOW and lasts `days`."""
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation)])
    begins = NOW - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")]))
        .issuer_name(issuer)
        .public_key(key(name).public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .sign(key(name), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def certificate(**how: Any) -> Certificate:
    return load_certificate(pem(**how))


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def notification(**changes: str) -> dict[str, str]:
    """An unsigned notification of one metric alarm, sent now."""
    values = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": 'ALARM: "api-5xx" in US East (N. Virginia)',
        "Message": json.dumps(payload("cw_metric_alarm")),
        "Timestamp": stamp(NOW),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x",
    }
    return values | changes


def confirmation(kind: str = "SubscriptionConfirmation", **changes: str) -> dict[str, str]:
    values = {
        "Type": kind,
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92768dd60a747ba6f3beb71854e285d6ad02428b09",
        "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe to the topic.",
        "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37",
        "Timestamp": stamp(NOW),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    }
    return values | changes


NOTIFICATION_KEYS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION_KEYS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def signed(values: Mapping[str, str], signed_as: Sequence[str] | None = None, name: str = "sns") -> dict[str, str]:
    """The envelope with the signature that SNS makes, written here anew from its documentation."""
    keys = signed_as or (NOTIFICATION_KEYS if values["Type"] == "Notification" else CONFIRMATION_KEYS)
    text = "".join(f"{field}\n{values[field]}\n" for field in keys if field in values).encode()
    algorithm = hashes.SHA1() if values["SignatureVersion"] == "1" else hashes.SHA256()
    return {**values, "Signature": base64.b64encode(key(name).sign(text, padding.PKCS1v15(), algorithm)).decode()}


def headers(values: Mapping[str, str], **changes: str) -> dict[str, str]:
    own = {
        "X-Amz-Sns-Message-Type": values["Type"],
        "X-Amz-Sns-Message-Id": values["MessageId"],
        "X-Amz-Sns-Topic-Arn": values["TopicArn"],
        "Content-Type": "text/plain; charset=UTF-8",
    }
    return own | changes


def body(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values).encode()
