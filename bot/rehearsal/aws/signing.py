"""The rehearsal's signing certificate, and the signatures that SNS puts on its messages.

The canonical string ends in a newline and holds the Subject when there is one: what AWS's own validators check, whatever
its manual says.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def canonical(message: Mapping[str, str]) -> bytes:
    keys = _NOTIFICATION if message["Type"] == "Notification" else _CONFIRMATION
    return "".join(f"{key}\n{message[key]}\n" for key in keys if key in message).encode()


@cache
def _key() -> rsa.RSAPrivateKey:
    """One for the process: making it takes longer than starting the emulator."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Signer:
    """An RSA key with a certificate that it made itself: it says Amazon where verifiers look, and what it is."""

    def __init__(self, now: datetime) -> None:
        self._key = _key()
        self.certificate = self._certified(now).public_bytes(serialization.Encoding.PEM)
        self.path = f"/SimpleNotificationService-{hashlib.sha256(self.certificate).hexdigest()[:32]}.pem"

    def url(self, region: str) -> str:
        return f"https://sns.{region}.amazonaws.com{self.path}"

    def sign(self, message: Mapping[str, str], version: str) -> str:
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303  # version 1 is SHA1 by definition
        return base64.b64encode(self._key.sign(canonical(message), padding.PKCS1v15(), digest)).decode()

    def _certified(self, now: datetime) -> x509.Certificate:
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Amazon"),
                x509.NameAttribute(NameOID.COMMON_NAME, "Lifeboat rehearsal, not issued by Amazon"),
            ]
        )
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=365))
            .not_valid_after(now + timedelta(days=365))
            .sign(self._key, hashes.SHA256())
        )
