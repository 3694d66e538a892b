"""Every way to make us believe an alarm that SNS did not send us, and that it does not work."""

import json
from datetime import timedelta
from typing import Any

import pytest
from multidict import CIMultiDict

from bot.errors import Unavailable
from bot.intake.signature import (
    LARGEST_BODY,
    NotFromSns,
    Rules,
    admit,
    load_certificate,
    parse_envelope,
    signed_text,
    verify,
)
from tests.intake import fakes
from tests.intake.fakes import (
    CERTIFICATE_PATH,
    CERTIFICATE_URL,
    NOW,
    TOPIC,
    confirmation,
    headers,
    notification,
    signed,
)

RULES = Rules(topics=frozenset({TOPIC}))


def judge(values: dict[str, str], rules: Rules = RULES, now: Any = NOW, certificate: Any = None) -> None:
    envelope = parse_envelope(fakes.body(values), headers(values))
    admit(envelope, rules)
    verify(envelope, certificate or fakes.certificate(), rules, now)


def flaw_of(values: dict[str, str], **how: Any) -> str:
    with pytest.raises(NotFromSns) as refused:
        judge(values, **how)
    return refused.value.flaw


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_genuine_notification_is_accepted(version: str) -> None:
    judge(signed(notification(SignatureVersion=version)))


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_genuine_confirmation_is_accepted(kind: str) -> None:
    judge(signed(confirmation(kind)))


def test_a_genuine_notification_without_a_subject_is_accepted() -> None:
    values = notification()
    del values["Subject"]
    judge(signed(values))


def test_the_signed_text_ends_in_a_newline_although_the_documentation_says_it_does_not() -> None:
    values = {
        "Type": "Notification",
        "Message": "m",
        "MessageId": "i",
        "Timestamp": "t",
        "TopicArn": "a",
        "Subject": "s",
    }
    assert (
        signed_text(values) == b"Message\nm\nMessageId\ni\nSubject\ns\nTimestamp\nt\nTopicArn\na\nType\nNotification\n"
    )


@pytest.mark.parametrize("field", ["Message", "Subject"])
def test_a_changed_text_is_not_believed(field: str) -> None:
    assert flaw_of({**signed(notification()), field: "everything is fine"}) == "signature"


def test_a_changed_message_id_is_not_believed() -> None:
    changed = {**signed(notification()), "MessageId": "11111111-fdea-4c2c-8f9d-bdfb0c7bf324"}
    assert flaw_of(changed) == "signature"


def test_a_changed_time_is_not_believed() -> None:
    late = signed(notification(Timestamp=fakes.stamp(NOW - timedelta(days=1))))
    assert flaw_of({**late, "Timestamp": fakes.stamp(NOW)}) == "signature"


def test_a_removed_subject_is_not_believed() -> None:
    values = signed(notification())
    del values["Subject"]
    assert flaw_of(values) == "signature"


def test_another_accounts_topic_is_not_believed_although_its_signature_is_right() -> None:
    stranger = signed(notification(TopicArn="arn:aws:sns:us-east-1:999999999999:dr-alarms"))
    assert flaw_of(stranger) == "topic"


def test_a_message_of_another_topic_is_not_believed_when_it_names_ours() -> None:
    stranger = signed(notification(TopicArn="arn:aws:sns:us-east-1:999999999999:dr-alarms"))
    assert flaw_of({**stranger, "TopicArn": TOPIC}) == "signature"


def test_with_no_topics_allowed_nothing_is_believed() -> None:
    assert flaw_of(signed(notification()), rules=Rules(frozenset())) == "topic"


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.us-east-1.amazonaws.com{CERTIFICATE_PATH}",
        f"HTTPS://sns.us-east-1.amazonaws.com{CERTIFICATE_PATH}",
        f"https://sns.s3-us-west-2.amazonaws.com{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com.evil.test{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com.cn{CERTIFICATE_PATH}",
        f"https://sns.us-west-2.amazonaws.com{CERTIFICATE_PATH}",
        f"https://evil-sns.us-east-1.amazonaws.com{CERTIFICATE_PATH}",
        f"https://sns-us-east-1.amazonaws.com{CERTIFICATE_PATH}",
        f"https://snsXus-east-1.amazonaws.com{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonawsXcom{CERTIFICATE_PATH}",
        f"https://evil.test{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com@evil.test{CERTIFICATE_PATH}",
        f"https://evil.test@sns.us-east-1.amazonaws.com{CERTIFICATE_PATH}",
        f"https://evil.test\\@sns.us-east-1.amazonaws.com{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com:443{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com:8443{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com.{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com/{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com/x/..{CERTIFICATE_PATH}",
        f"https://sns.us-east-1.amazonaws.com/%2e%2e{CERTIFICATE_PATH}",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-../f3ecfb7224c7233fe7bb5f59f96de5.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-F3ECFB7224C7233FE7BB5F59F96DE52F.pem",
        f"{CERTIFICATE_URL}?next=https://evil.test",
        f"{CERTIFICATE_URL}#fragment",
        f"{CERTIFICATE_URL}/",
        f" {CERTIFICATE_URL}",
        f"{CERTIFICATE_URL}\t",
        "",
    ],
)
def test_a_certificate_from_a_look_alike_address_is_never_asked_for(url: str) -> None:
    values = signed(notification(SigningCertURL=url))
    envelope = parse_envelope(fakes.body(values), headers(values))
    with pytest.raises(NotFromSns) as refused:
        admit(envelope, RULES)
    assert refused.value.flaw == "certificate_url"


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        ("arn:aws:sns:ap-northeast-2:111122223333:t", "sns.ap-northeast-2.amazonaws.com"),
        ("arn:aws-us-gov:sns:us-gov-west-1:111122223333:t", "sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:111122223333:t", "sns.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_certificate_host_of_each_partition_is_known(topic: str, host: str) -> None:
    values = signed(notification(TopicArn=topic, SigningCertURL=f"https://{host}{CERTIFICATE_PATH}"))
    judge(values, rules=Rules(frozenset({topic})))


def test_a_certificate_of_another_region_is_taken_only_when_the_configuration_says_so() -> None:
    url = f"https://sns.us-west-2.amazonaws.com{CERTIFICATE_PATH}"
    values = signed(notification(SigningCertURL=url))
    assert flaw_of(values) == "certificate_url"
    judge(values, rules=Rules(frozenset({TOPIC}), certificate_regions=frozenset({"us-west-2"})))


def test_a_key_that_stands_twice_is_not_read_in_either_way() -> None:
    values = signed(notification())
    twice = json.dumps(values)[:-1] + ', "Message": "second"}'
    with pytest.raises(NotFromSns, match="twice"):
        parse_envelope(twice.encode(), headers(values))


@pytest.mark.parametrize("key", ["message", "MESSAGE", "topicarn", "Me\u017f\u017fage"])
def test_keys_that_differ_only_in_case_are_not_read_in_either_way(key: str) -> None:
    assert flaw_of({**signed(notification()), key: "second"}) == "keys"


@pytest.mark.parametrize("value", [None, 1, True, ["x"], {"x": "y"}])
@pytest.mark.parametrize("field", ["Message", "Subject", "TopicArn", "Signature"])
def test_a_field_that_is_no_string_is_refused(field: str, value: Any) -> None:
    values = signed(notification())
    with pytest.raises(NotFromSns) as refused:
        parse_envelope(fakes.body({**values, field: value}), headers(values))
    assert refused.value.flaw == "keys"


def test_message_attributes_do_not_make_a_genuine_delivery_a_forgery() -> None:
    values = signed(notification())
    attributes = {"MessageAttributes": {"a": {"Type": "String", "Value": "x"}, "A": {"Type": "String", "Value": "y"}}}
    verify(parse_envelope(fakes.body({**values, **attributes}), headers(values)), fakes.certificate(), RULES, NOW)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'"text"', b"null", b"\xff\xfe{}", b"[" * 100_000, b"{}"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(NotFromSns):
        parse_envelope(body, headers(notification()))


@pytest.mark.parametrize("missing", [*fakes.NOTIFICATION_KEYS, "Signature", "SignatureVersion", "SigningCertURL"])
def test_a_missing_field_is_refused(missing: str) -> None:
    values = signed(notification())
    rest = {key: value for key, value in values.items() if key != missing}
    with pytest.raises(NotFromSns):
        verify(parse_envelope(fakes.body(rest), headers(values)), fakes.certificate(), RULES, NOW)


def test_the_lambda_spelling_of_the_certificate_url_is_not_taken_for_it() -> None:
    values = signed(notification())
    values["SigningCertUrl"] = values.pop("SigningCertURL")
    assert flaw_of(values) == "keys"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Amz-Sns-Message-Type", "SubscriptionConfirmation"),
        ("X-Amz-Sns-Topic-Arn", "arn:aws:sns:us-east-1:999999999999:dr-alarms"),
        ("X-Amz-Sns-Message-Id", "another"),
    ],
)
def test_a_header_that_contradicts_the_body_is_refused(header: str, value: str) -> None:
    values = signed(notification())
    with pytest.raises(NotFromSns) as refused:
        parse_envelope(fakes.body(values), {**headers(values), header: value})
    assert refused.value.flaw == "header"


@pytest.mark.parametrize("header", ["X-Amz-Sns-Message-Type", "X-Amz-Sns-Topic-Arn"])
def test_a_delivery_without_sns_headers_is_refused(header: str) -> None:
    values = signed(notification())
    rest = {name: value for name, value in headers(values).items() if name != header}
    with pytest.raises(NotFromSns):
        parse_envelope(fakes.body(values), rest)


def test_a_header_given_twice_is_not_read_in_either_way() -> None:
    values = signed(notification())
    twice = CIMultiDict(headers(values))
    twice.add("x-amz-sns-topic-arn", "arn:aws:sns:us-east-1:999999999999:dr-alarms")
    with pytest.raises(NotFromSns, match="twice"):
        parse_envelope(fakes.body(values), twice)


def test_raw_delivery_has_no_signature_and_is_refused() -> None:
    values = signed(notification())
    with pytest.raises(NotFromSns) as refused:
        parse_envelope(b"anything", {**headers(values), "x-amz-sns-rawdelivery": "true"})
    assert refused.value.flaw == "raw"


def test_an_unknown_type_is_refused() -> None:
    values = signed(notification()) | {"Type": "Command"}
    assert flaw_of(values) == "type"


def test_a_notification_signed_as_a_confirmation_is_not_believed() -> None:
    values = notification(Token="t", SubscribeURL="https://sns.us-east-1.amazonaws.com/")
    assert flaw_of(signed(values, fakes.CONFIRMATION_KEYS)) == "signature"


def test_a_confirmation_signed_as_a_notification_is_not_believed() -> None:
    assert flaw_of(signed(confirmation(), fakes.NOTIFICATION_KEYS)) == "signature"


def test_a_signed_notification_is_not_believed_as_a_confirmation() -> None:
    genuine = signed(notification())
    disguised = {**genuine, "Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "https://evil.test/"}
    assert flaw_of(disguised) == "signature"


def test_a_subject_cannot_be_moved_into_the_message_id_to_look_like_a_new_message() -> None:
    values = signed(notification())
    moved = dict(values, MessageId=f"{values['MessageId']}\nSubject\n{values['Subject']}")
    del moved["Subject"]
    assert signed_text(moved) == signed_text(values)
    assert flaw_of(moved) == "keys"


def test_the_end_of_a_message_cannot_be_read_as_other_fields() -> None:
    """What a publisher may write into a message must not become the id under the same signature."""
    inner = "fine\nMessageId\n11111111-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nx"
    values = notification(Message=inner)
    del values["Subject"]
    genuine = signed(values)
    other = dict(genuine, Message="fine", MessageId="11111111-fdea-4c2c-8f9d-bdfb0c7bf324")
    other["Subject"] = f"x\nMessageId\n{values['MessageId']}"
    assert signed_text(other) == signed_text(genuine)
    assert flaw_of(other) == "keys"


@pytest.mark.parametrize("message_id", ["", "two words", "x" * 101, "../../etc"])
def test_a_message_id_that_sns_would_not_write_is_refused(message_id: str) -> None:
    assert flaw_of(signed(notification(MessageId=message_id))) == "keys"


def test_version_1_is_not_believed_where_only_version_2_is_allowed() -> None:
    only_2 = Rules(frozenset({TOPIC}), versions=frozenset({"2"}))
    judge(signed(notification(SignatureVersion="2")), rules=only_2)
    assert flaw_of(signed(notification(SignatureVersion="1")), rules=only_2) == "version"


@pytest.mark.parametrize("version", ["0", "3", "", "01", "2 "])
def test_a_signature_version_that_sns_does_not_have_is_refused(version: str) -> None:
    rules = Rules(frozenset({TOPIC}), versions=frozenset({"1", "2", version}))
    values = signed(notification()) | {"SignatureVersion": version}
    assert flaw_of(values, rules=rules) == "version"


def test_a_version_2_signature_is_not_taken_for_version_1() -> None:
    assert flaw_of(signed(notification(SignatureVersion="2")) | {"SignatureVersion": "1"}) == "signature"


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "ÿ"])
def test_a_signature_that_is_none_is_not_believed(signature: str) -> None:
    assert flaw_of(signed(notification()) | {"Signature": signature}) == "signature"


def test_a_lone_surrogate_in_the_message_is_not_an_error_of_ours() -> None:
    assert flaw_of(signed(notification()) | {"Message": "\ud800"}) == "signature"


def test_a_signature_of_another_key_is_not_believed() -> None:
    assert flaw_of(signed(notification(), name="stranger")) == "signature"


def test_a_certificate_that_amazon_did_not_issue_is_not_believed() -> None:
    assert (
        flaw_of(signed(notification()), certificate=fakes.certificate(organisation="Amazon Imitators")) == "certificate"
    )


def test_a_certificate_is_believed_until_its_last_second_and_not_after() -> None:
    short = fakes.certificate(days=2)
    values = signed(notification(Timestamp=fakes.stamp(short.not_after)))
    judge(values, certificate=short, now=short.not_after)
    assert flaw_of(values, certificate=short, now=short.not_after + timedelta(seconds=1)) == "certificate"


def test_a_certificate_that_is_not_valid_yet_is_not_believed() -> None:
    found = fakes.certificate()
    early = found.not_before - timedelta(seconds=1)
    assert flaw_of(signed(notification(Timestamp=fakes.stamp(early))), now=early) == "certificate"


def test_a_message_of_65_minutes_is_accepted_and_an_older_one_is_not() -> None:
    oldest = NOW - timedelta(minutes=65)
    judge(signed(notification(Timestamp=fakes.stamp(oldest))))
    assert flaw_of(signed(notification(Timestamp=fakes.stamp(oldest - timedelta(milliseconds=1))))) == "time"


def test_a_message_5_minutes_ahead_is_accepted_and_a_later_one_is_not() -> None:
    latest = NOW + timedelta(minutes=5)
    judge(signed(notification(Timestamp=fakes.stamp(latest))))
    assert flaw_of(signed(notification(Timestamp=fakes.stamp(latest + timedelta(milliseconds=1))))) == "time"


@pytest.mark.parametrize("time", ["2026-13-45T99:99:99.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_an_impossible_time_is_refused(time: str) -> None:
    assert flaw_of(signed(notification(Timestamp=time))) == "time"


def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    values = signed(notification())
    padded = fakes.body(values).ljust(LARGEST_BODY)
    parse_envelope(padded, headers(values))
    with pytest.raises(NotFromSns) as refused:
        parse_envelope(padded + b" ", headers(values))
    assert refused.value.flaw == "size"


def test_the_largest_message_that_sns_takes_is_accepted_when_every_character_is_escaped() -> None:
    judge(signed(notification(Message='"' * 256 * 1024)))


def test_a_file_that_is_no_certificate_is_our_trouble_and_not_a_forgery() -> None:
    with pytest.raises(Unavailable):
        load_certificate(b"<html>maintenance</html>")


def test_no_refusal_repeats_what_is_secret() -> None:
    for values in (signed(confirmation(TopicArn="arn:aws:sns:us-east-1:999999999999:x")), confirmation()):
        with pytest.raises(NotFromSns) as refused:
            judge(dict(values))
        assert values["Token"] not in str(refused.value)
