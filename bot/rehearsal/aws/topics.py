"""SNS over HTTP as AWS does it: confirmation by token, signed envelopes, retries; and the SMS that were sent.

moto keeps the topics and the subscriptions. Ours are subclasses of its `Subscription`, put in the place of the ones it
makes, so that whoever publishes inside moto comes through here too.
"""

import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from moto.sns.models import Subscription

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.deliveries import DEFAULT_POLICY, Deliveries, Parcel
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.signing import Signer
from bot.rehearsal.aws.wire import result_of

_PENDING = "PendingConfirmation"


class SignedSubscription(Subscription):
    """A subscription whose envelopes carry a signature that verifies: moto's leaves the Subject out."""

    def __init__(self, theirs: Subscription, topics: "Topics") -> None:
        vars(self).update(vars(theirs))
        self.topics = topics

    @property
    def region(self) -> str:
        return str(self.topic.sns_backend.region_name)

    def get_post_data(
        self,
        message: str,
        message_id: str,
        subject: str | None,
        message_attributes: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        fields = {"Type": "Notification", "MessageId": message_id, "TopicArn": self.topic.arn}
        fields |= {"Subject": subject} if subject else {}
        envelope: dict[str, Any] = self.topics.signed(self, {**fields, "Message": message})
        envelope["UnsubscribeURL"] = f"{_sns(self.region)}/?Action=Unsubscribe&SubscriptionArn={self.arn}"
        if message_attributes:
            envelope["MessageAttributes"] = message_attributes
        return envelope


class HttpSubscription(SignedSubscription):
    """An endpoint that gets nothing until it has shown the token that was posted to it."""

    @property
    def subscription_arn(self) -> str:
        return str(self.arn) if self.confirmed else _PENDING

    def publish(  # type: ignore[override]  # the rest by name, as moto gives it
        self, message: str, message_id: str, subject: str | None = None, **rest: Any
    ) -> None:
        if not self.confirmed:
            return
        attributes = rest.get("message_attributes")
        if self._filter_policy_matcher is not None and not self._filter_policy_matcher.matches(attributes, message):
            return
        if rest.get("message_structure") == "json":
            message = self._parse_message_structure(message, self.protocol)
        self.topics.post(self, self.get_post_data(message, message_id, subject, attributes))


class Topics:
    """`sms` is what was sent to telephones: (number, text), oldest first."""

    def __init__(self, clock: Clock, signer: Signer, deliveries: Deliveries) -> None:
        self.sms: list[tuple[str, str]] = []
        self._clock, self._signer, self._deliveries = clock, signer, deliveries
        self._tokens: dict[str, HttpSubscription] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("sns", "Subscribe"): self._subscribe,
            ("sns", "ConfirmSubscription"): self._confirm,
            ("sns", "Unsubscribe"): self._unsubscribe,
            ("sns", "Publish"): self._publish,
            ("sns", "GetTopicAttributes"): self._attributes,
        }

    async def _subscribe(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        if not reply.ok:
            return reply
        arn = result_of(call, reply)["SubscriptionArn"]
        known = backend("sns", call.region).subscriptions
        if call.parameters["Protocol"] not in {"http", "https"}:
            if not isinstance(known[arn], SignedSubscription):
                known[arn] = SignedSubscription(known[arn], self)
            return reply
        if not isinstance(known[arn], HttpSubscription):
            known[arn] = HttpSubscription(known[arn], self)
        subscription: HttpSubscription = known[arn]
        if not subscription.confirmed:
            subscription.attributes |= {"PendingConfirmation": True, "ConfirmationWasAuthenticated": False}
            self._ask(subscription, "SubscriptionConfirmation")
        whole = subscription.confirmed or call.parameters.get("ReturnSubscriptionArn")
        return {"SubscriptionArn": arn if whole else "pending confirmation"}

    async def _confirm(self, call: Call, _: Moto) -> Answer:
        subscription = self._tokens.get(call.parameters["Token"])
        if subscription is None or subscription.topic.arn != call.parameters["TopicArn"]:
            raise AwsError("InvalidParameter", "Invalid parameter: Token")
        subscription.confirmed = True
        authenticated = call.parameters.get("AuthenticateOnUnsubscribe") == "true"
        subscription.attributes |= {"PendingConfirmation": False, "ConfirmationWasAuthenticated": authenticated}
        backend("sns", subscription.region).subscriptions[subscription.arn] = subscription
        return {"SubscriptionArn": subscription.arn}

    async def _unsubscribe(self, call: Call, moto: Moto) -> Answer:
        arn = call.parameters["SubscriptionArn"]
        subscription = backend("sns", call.region).subscriptions.get(arn)
        reply = moto(call)
        if reply.ok and isinstance(subscription, HttpSubscription) and subscription.confirmed:
            self._ask(subscription, "UnsubscribeConfirmation")
        return reply

    async def _publish(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        if reply.ok and "PhoneNumber" in call.parameters:
            self.sms.append((call.parameters["PhoneNumber"], call.parameters["Message"]))
        return reply

    async def _attributes(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        if not reply.ok:
            return reply
        sns = backend("sns", call.region)
        topic = sns.get_topic(call.parameters["TopicArn"])
        mine = [each for each in sns.subscriptions.values() if each.topic is topic]
        pending = sum(isinstance(each, HttpSubscription) and not each.confirmed for each in mine)
        counts = {"SubscriptionsPending": str(pending), "SubscriptionsConfirmed": str(len(mine) - pending)}
        shown = result_of(call, reply)["Attributes"]
        return {"Attributes": {**shown, **counts, "SignatureVersion": _version(topic)}}

    def signed(self, subscription: SignedSubscription, fields: Mapping[str, str]) -> dict[str, str]:
        """An envelope: the fields with the time, the signature, and where its certificate is."""
        version = _version(subscription.topic)
        stamped = {**fields, "Timestamp": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        return {
            **stamped,
            "SignatureVersion": version,
            "Signature": self._signer.sign(stamped, version),
            "SigningCertURL": self._signer.url(subscription.region),
        }

    def post(self, subscription: HttpSubscription, envelope: Mapping[str, Any]) -> None:
        headers = {
            "x-amz-sns-message-type": envelope["Type"],
            "x-amz-sns-message-id": envelope["MessageId"],
            "x-amz-sns-topic-arn": envelope["TopicArn"],
        }
        if envelope["Type"] == "Notification":
            headers["x-amz-sns-subscription-arn"] = subscription.arn
        policy = _policy(subscription)
        self._deliveries.send(
            Parcel(subscription.endpoint, headers, envelope, policy, lambda body: _bury(subscription, body))
        )

    def _ask(self, subscription: HttpSubscription, kind: str) -> None:
        """Post a confirmation; its token makes, or brings back, the subscription."""
        token, topic = secrets.token_hex(32), subscription.topic.arn
        self._tokens[token] = subscription
        visit = "visit the SubscribeURL included in this message."
        message = {
            "SubscriptionConfirmation": f"You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, {visit}",
            "UnsubscribeConfirmation": f"You have chosen to deactivate subscription {subscription.arn}.\nTo cancel this operation and restore the subscription, {visit}",
        }[kind]
        fields = {"Type": kind, "MessageId": str(uuid.uuid4()), "Token": token, "TopicArn": topic, "Message": message}
        url = f"{_sns(subscription.region)}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"
        self.post(subscription, self.signed(subscription, {**fields, "SubscribeURL": url}))


def _sns(region: str) -> str:
    return f"https://sns.{region}.amazonaws.com"


def _version(topic: Any) -> str:
    return str(getattr(topic, "signature_version", "1"))


def _policy(subscription: Subscription) -> Mapping[str, Any]:
    """The subscription's own delivery policy, else the topic's, else the one AWS documents."""
    for text in (subscription.attributes.get("DeliveryPolicy"), subscription.topic.delivery_policy):
        policy = json.loads(text) if text else {}
        policy = policy.get("http", {}).get("defaultHealthyRetryPolicy") or policy.get("healthyRetryPolicy")
        if policy:
            return {**DEFAULT_POLICY, **policy}
    return DEFAULT_POLICY


def _bury(subscription: Subscription, body: str) -> None:
    """To the dead-letter queue, if the subscription has one."""
    redrive = subscription.attributes.get("RedrivePolicy")
    if redrive:
        _, _, _, region, account, queue = json.loads(redrive)["deadLetterTargetArn"].split(":")
        backend("sqs", region, account).send_message(queue, body)
