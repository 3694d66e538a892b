"""Alarms as SNS posts them, signed and rendered as whole HTTP requests before anything is measured.

Signing costs more than verifying, so a load generator that signed as it went would measure itself.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.rehearsal.aws.signing import Signer

ACCOUNT, REGION = "123456789012", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:bench"
_REASON = "Threshold Crossed: 1 out of the last 1 datapoints [20.0 (23/11/26 02:00:00)] was greater than or equal to the threshold (5.0)."
_DIMENSIONS = [{"value": "orders", "name": "TableName"}]


def requests(signer: Signer, names: Sequence[str]) -> Iterator[bytes]:
    """One request for each alarm name, as `POST /alarms/sns` expects it. Each has a message id of its own."""
    for name in names:
        message = _message(name, datetime.now(UTC))
        message["Signature"] = signer.sign(message, "2")
        message["SigningCertURL"] = signer.url(REGION)
        yield _request(message)


def distinct(count: int) -> Sequence[str]:
    """Names of as many different alarms."""
    return [f"bench-{number:06}" for number in range(count)]


def number_in(text: bytes) -> int | None:
    """The number of the alarm that a text speaks of, None when it speaks of none of ours."""
    at = text.find(b"bench-")
    return int(text[at + 6 : at + 12]) if at >= 0 else None


def save(file: Path, rendered: Iterator[bytes]) -> None:
    """Each request with its length before it."""
    with file.open("wb") as out:
        for request in rendered:
            out.write(len(request).to_bytes(4, "big") + request)


def load(file: Path) -> Sequence[bytes]:
    """What `save` wrote."""
    found, data, at = [], file.read_bytes(), 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : end])
        at = end
    return found


def _message(name: str, now: datetime) -> dict[str, str]:
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": TOPIC,
        "Subject": f'ALARM: "{name}" in US East (N. Virginia)',
        "Message": json.dumps(_alarm(name, now)),
        "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": "2",
        "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={TOPIC}:1",
    }


def _alarm(name: str, now: datetime) -> dict[str, object]:
    return {
        "AlarmName": name,
        "AlarmDescription": "Orders whose total is below zero.",
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": "2026-01-01T00:00:00.000+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": _REASON,
        "StateChangeTime": now.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "Region": "US East (N. Virginia)",
        "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}",
        "OldStateValue": "OK",
        "OKActions": [TOPIC],
        "AlarmActions": [TOPIC],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "InvalidTotals", "Namespace": "AWS/DynamoDB", "StatisticType": "Statistic",
            "Statistic": "MAXIMUM", "Unit": None, "Dimensions": _DIMENSIONS, "Period": 60, "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 5.0,
            "TreatMissingData": "missing", "EvaluateLowSampleCountPercentile": "",
        },
    }  # fmt: skip


def _request(message: dict[str, str]) -> bytes:
    body = json.dumps(message).encode()
    head = (
        "POST /alarms/sns HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Amazon Simple Notification Service Agent\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\nx-amz-sns-message-type: Notification\r\n"
        f"x-amz-sns-message-id: {message['MessageId']}\r\nx-amz-sns-topic-arn: {TOPIC}\r\n"
        f"x-amz-sns-subscription-arn: {TOPIC}:1\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
