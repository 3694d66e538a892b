"""Is this HTTP delivery really SNS's, and from a topic of ours? Pure: the certificate and the time are given.

In this order, so that the cheap refusals come first and nothing is fetched for a stranger: `parse_envelope` (size, keys,
types), `admit` (topic, signature version, certificate URL), and with the certificate `verify` (certificate, signature,
time). A valid signature alone only proves that *some* AWS account's SNS wrote it; the topic list makes it ours.
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html, which is wrong in one point: every line of
the signed text, the last one too, ends in a newline.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bot.errors import N_, Forged, Phrase, Unavailable, phrase
from bot.intake import fields

#: SNS's limit for a message with each of its characters escaped once (`\"`), and room for the rest of the envelope.
LARGEST_BODY = 2 * 256 * 1024 + 16 * 1024

Flaw = Literal[
    "size",
    "json",
    "keys",
    "type",
    "header",
    "raw",
    "topic",
    "version",
    "certificate_url",
    "certificate",
    "signature",
    "time",
]

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
#: What is signed, by the type that the body claims, in the order of the signed text.
_SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_OPTIONAL = frozenset({"Subject"})
_ALWAYS = ("Signature", "SignatureVersion", "SigningCertURL")
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),  # noqa: S303  # what SNS signs with unless the topic says SignatureVersion=2; `Rules` can refuse it
    "2": hashes.SHA256(),
}
_MESSAGE_ID = re.compile(r"[0-9A-Za-z-]{1,100}", re.ASCII)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_CERTIFICATE_PATH = r"/SimpleNotificationService-[0-9a-f]{32}\.pem"
_DOMAINS: Mapping[str, str] = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}


class NotFromSns(Forged):
    """A delivery to answer with 403. `flaw` is one word for logs and metrics."""

    def __init__(self, flaw: Flaw, what: Phrase) -> None:
        super().__init__(what)
        self.flaw = flaw


@dataclass(frozen=True)
class Rules:
    """Whom we believe. `certificate_regions`: regions beside the topic's own whose SNS host may hold the certificate.

    `oldest` is above the hour for which SNS retries; `future` allows for a clock that is not quite right.
    """

    topics: frozenset[str]
    versions: frozenset[str] = frozenset({"1", "2"})
    oldest: timedelta = timedelta(minutes=65)
    future: timedelta = timedelta(minutes=5)
    certificate_regions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Envelope:
    """What SNS sent, with every field a string. Nothing in it is to be believed before `verify` has returned."""

    values: Mapping[str, str]

    @property
    def type(self) -> str:
        return self.values["Type"]

    @property
    def message_id(self) -> str:
        return self.values["MessageId"]

    @property
    def topic(self) -> str:
        return self.values["TopicArn"]

    @property
    def certificate_url(self) -> str:
        return self.values["SigningCertURL"]


@dataclass(frozen=True)
class Certificate:
    """What of a signing certificate matters here."""

    key: rsa.RSAPublicKey
    not_before: datetime
    not_after: datetime
    issuers: tuple[str, ...]


def load_certificate(pem: bytes) -> Certificate:
    """Raises `Unavailable` when these bytes are no RSA certificate: the place they came from is trusted, not they."""
    try:
        found = x509.load_pem_x509_certificate(pem)
        key = found.public_key()
    except ValueError as error:
        raise Unavailable(phrase(N_("SNS's signing certificate cannot be read: {error}."), error=str(error))) from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise Unavailable(phrase(N_("SNS's signing certificate has no RSA key.")))
    organisations = found.issuer.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    issuers = tuple(str(attribute.value) for attribute in organisations)
    return Certificate(key, found.not_valid_before_utc, found.not_valid_after_utc, issuers)


def parse_envelope(body: bytes, headers: Mapping[str, str]) -> Envelope:
    """The envelope, if body and headers can be read in one way only. Raises `NotFromSns`."""
    if len(body) > LARGEST_BODY:
        raise _forged(
            "size",
            phrase(N_("The body has {size} bytes; SNS sends at most {most}."), size=len(body), most=LARGEST_BODY),
        )
    found = _headers(headers)
    if found.get("x-amz-sns-rawdelivery", "").lower() == "true":
        what = N_("Raw message delivery carries no signature. Turn it off for this HTTPS subscription.")
        raise _forged("raw", phrase(what))
    values = _strings(_pairs(body))
    kind = values.get("Type", "")
    if kind not in _SIGNED:
        raise _forged("type", phrase(N_("The body's Type is none that SNS sends.")))
    _require_all(values, kind)
    for header, key in (("x-amz-sns-message-type", "Type"), ("x-amz-sns-topic-arn", "TopicArn")):
        if found.get(header) != values[key]:
            raise _forged("header", phrase(N_("The header {header} is not the body's {key}."), header=header, key=key))
    if found.get("x-amz-sns-message-id", values["MessageId"]) != values["MessageId"]:
        what = N_("The header {header} is not the body's {key}.")
        raise _forged("header", phrase(what, header="x-amz-sns-message-id", key="MessageId"))
    return Envelope(values)


def admit(envelope: Envelope, rules: Rules) -> None:
    """Whether this may be looked at further: nothing is fetched before this returns. Raises `NotFromSns`."""
    if envelope.topic not in rules.topics:
        what = N_("The topic is not in the list of topics that this Lifeboat listens to.")
        raise _forged("topic", phrase(what))
    if envelope.values["SignatureVersion"] not in rules.versions & _HASHES.keys():
        what = N_("Its signature version is not allowed here. Allowed: {versions}.")
        raise _forged("version", phrase(what, versions=", ".join(sorted(rules.versions))))
    if not _certificate_pattern(envelope.topic, rules.certificate_regions).fullmatch(envelope.certificate_url):
        what = N_("SigningCertURL is not an address of SNS's certificates in the topic's region.")
        raise _forged("certificate_url", phrase(what))


def verify(envelope: Envelope, certificate: Certificate, rules: Rules, now: datetime) -> None:
    """Return if this delivery is SNS's own, from a topic of ours, and not stale. Raises `NotFromSns`."""
    admit(envelope, rules)
    if not certificate.not_before <= now <= certificate.not_after:
        raise _forged("certificate", phrase(N_("The signing certificate is not valid at this time.")))
    if "Amazon" not in certificate.issuers:
        raise _forged("certificate", phrase(N_("The signing certificate was not issued by Amazon.")))
    algorithm = _HASHES[envelope.values["SignatureVersion"]]
    try:
        signature = base64.b64decode(envelope.values["Signature"], validate=True)
        certificate.key.verify(signature, signed_text(envelope.values), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise _forged("signature", phrase(N_("The signature does not fit the message."))) from error
    _fresh(envelope.values["Timestamp"], rules, now)


def signed_text(values: Mapping[str, str]) -> bytes:
    """What SNS signs for a body of this Type: `key`, newline, value, newline for each key, in order."""
    keys = (key for key in _SIGNED[values["Type"]] if key in values)
    return "".join(f"{key}\n{values[key]}\n" for key in keys).encode()


def _forged(flaw: Flaw, what: Phrase) -> NotFromSns:
    return NotFromSns(flaw, what)


def _headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """SNS's own headers by lower-case name; one that is there twice with two values could be read in two ways."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower.startswith("x-amz-sns-") and found.setdefault(lower, value) != value:
            raise _forged("header", phrase(N_("The header {header} is given twice."), header=lower))
    return found


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written, so that a key that stands in it twice is seen."""


def _pairs(body: bytes) -> _Pairs:
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise _forged("json", phrase(N_("The body is not JSON in UTF-8."))) from error
    if not isinstance(found, _Pairs):
        raise _forged("json", phrase(N_("The body is not a JSON object.")))
    return found


def _strings(pairs: Iterable[tuple[str, Any]]) -> Mapping[str, str]:
    """The fields, each once and each a string. `MessageAttributes` is an object, is not signed, and is left out."""
    seen: set[str] = set()
    values: dict[str, str] = {}
    for key, value in pairs:
        if key.casefold() in seen:
            raise _forged("keys", phrase(N_("A key stands in the body twice.")))
        seen.add(key.casefold())
        if key == "MessageAttributes":
            continue
        if not isinstance(value, str):
            raise _forged("keys", phrase(N_("A field of the body is not a string.")))
        values[key] = value
    return values


def _require_all(values: Mapping[str, str], kind: str) -> None:
    """Every signed field is there, and none but Message can hold a newline: the signed text then reads in one way only.

    Otherwise a Subject could be moved into MessageId under the same signature, and the replay would look new.
    """
    for key in (*_SIGNED[kind], *_ALWAYS):
        if key not in values and key not in _OPTIONAL:
            raise _forged("keys", phrase(N_("The body has no {key}."), key=key))
        if key != "Message" and "\n" in values.get(key, ""):
            raise _forged("keys", phrase(N_("The body's {key} has more than one line."), key=key))
    if not (_MESSAGE_ID.fullmatch(values["MessageId"]) and _TIMESTAMP.fullmatch(values["Timestamp"])):
        raise _forged("keys", phrase(N_("The body's MessageId or Timestamp is not as SNS writes it.")))


@cache
def _certificate_pattern(topic: str, more_regions: frozenset[str]) -> re.Pattern[str]:
    """The whole URL, character for character: no port, user, query, path trick or look-alike host fits it.

    Only topics of ours come here, so what the cache holds is bounded.
    """
    parts = fields.arn(topic)
    domain = re.escape(_DOMAINS.get(parts.partition, "unknown.invalid"))
    regions = "|".join(re.escape(region) for region in sorted({parts.region, *more_regions}))
    return re.compile(rf"https://sns\.(?:{regions})\.{domain}{_CERTIFICATE_PATH}", re.ASCII)


def _fresh(timestamp: str, rules: Rules, now: datetime) -> None:
    try:
        sent = datetime.fromisoformat(timestamp).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _forged("time", phrase(N_("The body's Timestamp is not a time."))) from error
    if sent < now - rules.oldest:
        raise _forged("time", phrase(N_("The message is older than SNS would still deliver it.")))
    if sent > now + rules.future:
        raise _forged("time", phrase(N_("The message is from the future. Check this machine's clock.")))
