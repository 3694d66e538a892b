"""`/dr override …`, as people type it at night."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.errors import Refused
from bot.slack.override_words import Asked, understood

NOW = datetime(2026, 11, 23, 3, 40, tzinfo=UTC)  # 12:40 in Seoul
HOUR = timedelta(hours=1)


def asked(text: str) -> Asked:
    return understood(text.split(), lambda word: word.removeprefix("@"), lambda _: "Asia/Seoul", NOW)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("primary", ("person", (), None)),
        ("primary 2h", ("person", (), NOW + 2 * HOUR)),
        ("Primary @jun 90m", ("person", ("jun",), NOW + 1.5 * HOUR)),
        ("primary @jun", ("person", ("jun",), None)),
        ("primary + @jun 2h", ("add", ("jun",), NOW + 2 * HOUR)),
        ("primary - @jun 2h", ("remove", ("jun",), NOW + 2 * HOUR)),
        ("primary @mina = @jun 3d", ("swap", ("mina", "jun"), NOW + 72 * HOUR)),
        ("primary until 18:00", ("person", (), datetime(2026, 11, 23, 9, tzinfo=UTC))),
        ("primary @jun until 9:00", ("person", ("jun",), datetime(2026, 11, 24, tzinfo=UTC))),
        ("primary @jun 18:00까지", ("person", ("jun",), datetime(2026, 11, 23, 9, tzinfo=UTC))),
        ("primary 12:40", ("person", (), NOW + 24 * HOUR)),
    ],
)
def test_what_it_means(text: str, means: tuple[Any, ...]) -> None:
    found = asked(text)
    assert (found.kind, found.people, found.end) == means
    assert found.schedule == "primary"


@pytest.mark.parametrize(
    "text", ["", "primary + 2h", "primary @a @b 2h", "primary @a = 2h", "primary 25:00", "primary 2", "primary 2h more"]
)
def test_what_cannot_be_understood_is_answered_with_how_to_write_it(text: str) -> None:
    with pytest.raises(Refused, match="Write /dr override primary @jun 2h"):
        asked(text)


def test_nobody_named_is_whoever_types() -> None:
    assert asked("primary 2h").override(NOW, "mina").person == "mina"
    assert asked("primary @mina = @jun 2h").override(NOW, "sofia").swap == ("mina", "jun")
