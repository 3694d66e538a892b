from datetime import timedelta

import pytest
from pydantic import ValidationError

from bot.playbook.model import DEFAULT_DEADLINE, LocalText, Playbook
from tests.playbook.sample import playbook

BOOK = playbook()


def test_a_playbook_survives_being_stored_with_its_run() -> None:
    assert Playbook.model_validate(BOOK.model_dump(mode="json")) == BOOK
    assert Playbook.model_validate_json(BOOK.model_dump_json()) == BOOK


def test_it_is_stored_in_the_words_of_its_yaml() -> None:
    stored = BOOK.model_dump(mode="json")
    assert stored["inputs"]["table"]["from"] == "alarm.dimensions.TableName"
    assert stored["steps"][0]["with"] == {"table": "{{ table }}", "at": "{{ at }}"}
    assert stored["targets"] == {"rto": "1h30m", "rpo": "5m", "caveat": None}


def test_a_playbook_cannot_change() -> None:
    with pytest.raises(ValidationError):
        BOOK.tier = 2  # type: ignore[misc]


@pytest.mark.parametrize(("language", "text"), [("ko", "가"), ("ko-KR", "가"), ("en_US", "a"), ("fr", "a"), ("", "a")])
def test_a_reader_gets_the_nearest_language(language: str, text: str) -> None:
    assert LocalText(en="a", ko="가").for_reader(language) == text


def test_only_what_acts_has_a_time_limit() -> None:
    limits = {step.id: step.time_limit for step in BOOK.steps}
    assert limits == {
        "window": DEFAULT_DEADLINE,
        "restore": timedelta(minutes=30),
        "compare": DEFAULT_DEADLINE,
        "tell": None,
        "cut-over": DEFAULT_DEADLINE,
    }


def test_a_step_knows_what_it_begins_with_and_what_it_runs() -> None:
    assert [(step.kind, step.uses) for step in BOOK.steps] == [
        ("check", "table.window"),
        ("action", "table.restore"),
        ("check", "table.compare"),
        ("manual", None),
        ("ask", "pointer.put"),
    ]
    with pytest.raises(KeyError):
        BOOK.step("nope")
