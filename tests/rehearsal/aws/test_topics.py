import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from aiohttp import web
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID

from bot.rehearsal.aws.deliveries import DEFAULT_POLICY, retry_delays
from bot.rehearsal.aws.emulator import EmulatedAws


class Endpoint:
    """An HTTP subscriber. `answers` are the next statuses; then 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self._arrived: asyncio.Queue[tuple[dict[str, str], dict[str, Any]]] = asyncio.Queue()
        self.url = ""

    async def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        return await asyncio.wait_for(self._arrived.get(), 10)

    @property
    def waiting(self) -> int:
        return self._arrived.qsize()

    async def take(self, request: web.Request) -> web.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        await self._arrived.put((headers, json.loads(await request.text())))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    receiver = Endpoint()
    app = web.Application()
    app.router.add_post("/alarms/sns", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/alarms/sns"
    yield receiver
    await runner.cleanup()


@pytest.fixture
def topic(aws: EmulatedAws) -> str:
    arn: str = aws.client("sns").create_topic(Name="dr-alarms")["TopicArn"]
    return arn


async def _subscribed(aws: EmulatedAws, topic: str, endpoint: Endpoint, **attributes: str) -> str:
    sns = aws.client("sns")
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes=attributes)
    _, confirmation = await endpoint.next()
    confirmed = sns.confirm_subscription(TopicArn=topic, Token=confirmation["Token"])
    arn: str = confirmed["SubscriptionArn"]
    return arn


def _verify(aws: EmulatedAws, message: dict[str, Any], keys: str, digest: hashes.HashAlgorithm) -> None:
    """As a careful receiver does it, with nothing of the emulator's own code."""
    path = urlsplit(message["SigningCertURL"]).path
    with urlopen(aws.certificates_url + path, timeout=5) as answer:
        certificate = x509.load_pem_x509_certificate(answer.read())
    signed = "".join(f"{key}\n{message[key]}\n" for key in keys.split())
    public: Any = certificate.public_key()
    public.verify(base64.b64decode(message["Signature"]), signed.encode(), padding.PKCS1v15(), digest)
    assert certificate.not_valid_before_utc < aws.clock.now() < certificate.not_valid_after_utc
    assert certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Amazon"
    assert "rehearsal" in str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


CONFIRMATION = "Message MessageId SubscribeURL Timestamp Token TopicArn Type"
NOTIFICATION = "Message MessageId Subject Timestamp TopicArn Type"


async def test_a_new_endpoint_is_asked_to_confirm_and_gets_nothing_before(
    aws: EmulatedAws, endpoint: Endpoint, topic: str
) -> None:
    sns = aws.client("sns")
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    headers, asked = await endpoint.next()
    assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
    assert headers["x-amz-sns-topic-arn"] == asked["TopicArn"] == topic
    assert headers["x-amz-sns-message-id"] == asked["MessageId"]
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    _verify(aws, asked, CONFIRMATION, hashes.SHA1())
    sns.publish(TopicArn=topic, Message="too early")
    assert (
        sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
    )
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["SubscriptionsPending"], attributes["SubscriptionsConfirmed"]) == ("1", "0")
    sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])
    sns.publish(TopicArn=topic, Message="now")
    assert (await endpoint.next())[1]["Message"] == "now"


async def test_a_wrong_token_confirms_nothing(aws: EmulatedAws, endpoint: Endpoint, topic: str) -> None:
    sns = aws.client("sns")
    other = sns.create_topic(Name="other")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    _, asked = await endpoint.next()
    for arn, token in ((topic, "0" * 64), (other, asked["Token"])):
        with pytest.raises(ClientError, match="InvalidParameter"):
            sns.confirm_subscription(TopicArn=arn, Token=token)
    assert sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"


@pytest.mark.parametrize(("version", "digest"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])
async def test_a_notification_is_signed_as_its_topic_says(
    aws: EmulatedAws, endpoint: Endpoint, topic: str, version: str, digest: hashes.HashAlgorithm
) -> None:
    sns = aws.client("sns")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    arn = await _subscribed(aws, topic, endpoint)
    published = sns.publish(TopicArn=topic, Subject="ALARM: 한국어", Message='{"a": "1\\n2"}')
    headers, message = await endpoint.next()
    assert headers["x-amz-sns-subscription-arn"] == arn
    assert (message["MessageId"], message["SignatureVersion"]) == (published["MessageId"], version)
    assert message["Timestamp"] == "2026-03-01T12:00:00.000Z"
    assert message["UnsubscribeURL"].endswith(arn)
    assert urlsplit(message["SigningCertURL"]).netloc == "sns.us-east-1.amazonaws.com"
    _verify(aws, message, NOTIFICATION, digest)
    with pytest.raises(InvalidSignature):
        _verify(aws, {**message, "Message": "forged"}, NOTIFICATION, digest)


async def test_the_envelope_in_a_queue_is_signed_over_its_subject_too(aws: EmulatedAws, topic: str) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{aws.account}:queue")
    sns.publish(TopicArn=topic, Subject="subject", Message="text")
    sns.publish(TopicArn=topic, Message="no subject")
    bodies = [
        json.loads(each["Body"]) for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    ]
    _verify(aws, next(body for body in bodies if "Subject" in body), NOTIFICATION, hashes.SHA1())
    _verify(
        aws, next(body for body in bodies if "Subject" not in body), NOTIFICATION.replace("Subject ", ""), hashes.SHA1()
    )


@pytest.mark.parametrize("failure", [500, 503, 429])
async def test_a_busy_endpoint_gets_the_same_message_again_after_twenty_seconds(
    aws: EmulatedAws, endpoint: Endpoint, topic: str, failure: int
) -> None:
    await _subscribed(aws, topic, endpoint)
    endpoint.answers = [failure] * 4
    aws.client("sns").publish(TopicArn=topic, Message="alarm")
    _, first = await endpoint.next()
    for attempt in range(2, 5):
        await _until(lambda sent=attempt - 1: _sent(aws, first) == sent)
        aws.clock.move(timedelta(seconds=19.9))
        assert endpoint.waiting == 0
        aws.clock.move(timedelta(seconds=0.1))
        assert (await endpoint.next())[1] == first
    await _until(lambda: _sent(aws, first) == 4)
    aws.clock.move(timedelta(hours=1))
    assert endpoint.waiting == 0


@pytest.mark.parametrize("refusal", [403, 404, 302])
async def test_a_refusal_is_permanent(aws: EmulatedAws, endpoint: Endpoint, topic: str, refusal: int) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{aws.account}:dead"})
    await _subscribed(aws, topic, endpoint, RedrivePolicy=redrive)
    endpoint.answers = [refusal]
    aws.client("sns").publish(TopicArn=topic, Message="alarm")
    _, message = await endpoint.next()
    dead = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert json.loads(dead[0]["Body"]) == message
    assert _sent(aws, message) == 1


async def test_a_dead_endpoint_fails_no_publisher(aws: EmulatedAws, endpoint: Endpoint, topic: str) -> None:
    sns = aws.client("sns")
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/nobody")
    await _subscribed(aws, topic, endpoint)
    assert sns.publish(TopicArn=topic, Message="alarm")["MessageId"]
    assert (await endpoint.next())[1]["Message"] == "alarm"


async def test_who_leaves_is_told_and_may_come_back(aws: EmulatedAws, endpoint: Endpoint, topic: str) -> None:
    sns = aws.client("sns")
    arn = await _subscribed(aws, topic, endpoint)
    sns.unsubscribe(SubscriptionArn=arn)
    _, told = await endpoint.next()
    assert told["Type"] == "UnsubscribeConfirmation"
    _verify(aws, told, CONFIRMATION, hashes.SHA1())
    assert sns.list_subscriptions()["Subscriptions"] == []
    sns.confirm_subscription(TopicArn=topic, Token=told["Token"])
    sns.publish(TopicArn=topic, Message="again")
    assert (await endpoint.next())[1]["Message"] == "again"


async def test_text_messages_can_be_read(aws: EmulatedAws) -> None:
    aws.client("sns", "ap-northeast-2").publish(PhoneNumber="+821012345678", Message="깨어나세요")
    with pytest.raises(ClientError, match="E164"):
        aws.client("sns").publish(PhoneNumber="nobody", Message="lost")
    assert aws.sms == [("+821012345678", "깨어나세요")]


def test_retries_follow_the_policy() -> None:
    assert list(retry_delays(DEFAULT_POLICY)) == [20, 20, 20]
    assert list(retry_delays({"numRetries": 0})) == []
    phases = {"numNoDelayRetries": 1, "numMinDelayRetries": 2, "numMaxDelayRetries": 1, "numRetries": 6}
    policy = {**phases, "minDelayTarget": 1, "maxDelayTarget": 9}
    assert list(retry_delays(policy)) == [0, 1, 1, 5, 9, 9]
    assert list(retry_delays({**policy, "backoffFunction": "exponential"})) == [0, 1, 1, 3, 9, 9]


def _sent(aws: EmulatedAws, message: dict[str, Any]) -> int:
    return sum(attempt.message_id == message["MessageId"] for attempt in aws.deliveries)


async def _until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # the emulator's thread has no event for this
            await asyncio.sleep(0.01)
