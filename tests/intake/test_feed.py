import json

from bot.intake import understand
from bot.language import Words
from tests.intake.fakes import TOPIC, confirmation, signed


def test_a_removed_subscription_is_an_alarm_that_tells_no_secret() -> None:
    values = signed(confirmation("UnsubscribeConfirmation"))
    (alarm,) = understand(json.dumps(values))
    assert (alarm.kind, alarm.name, alarm.arn) == ("feed", "dr-alarms", TOPIC)
    assert alarm.changed_at is not None
    for secret in (values["Token"], values["SubscribeURL"], values["Signature"]):
        assert secret not in alarm.model_dump_json()


def test_the_reader_is_told_what_happened_in_words_of_ours() -> None:
    (alarm,) = understand(json.dumps(confirmation("UnsubscribeConfirmation")))
    assert alarm.note is not None
    assert TOPIC in Words().phrase(alarm.note)


def test_a_request_to_confirm_that_came_through_a_queue_pages_nobody() -> None:
    assert understand(json.dumps(confirmation())) == ()
