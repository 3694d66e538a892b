from datetime import timedelta

import pytest

from bot.incident.prediction import Prediction
from bot.language import Words
from bot.slack.card import card
from bot.slack.clock_text import finish_line
from tests.slack import views
from tests.slack.views import NOW, RTO

EN = Words("en", "UTC")


def predicted(finishes: timedelta, latest: timedelta | None = None) -> Prediction:
    at = NOW + finishes
    return Prediction(views.run(), at, NOW + (latest or finishes), NOW + RTO - at)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(19, "11 min inside the target."), (30, "inside the target."), (31, "1 min *past the target*.")],
)
def test_the_end_is_measured_against_the_target(minutes: int, said: str) -> None:
    line = finish_line(predicted(timedelta(minutes=minutes)), views.incident(), EN)
    assert line.startswith("🏁 Will finish at *<!date^")
    assert line.endswith(said)


def test_a_slow_case_that_is_past_the_target_is_said() -> None:
    line = finish_line(predicted(timedelta(minutes=19), timedelta(minutes=31)), views.incident(), EN)
    assert "in a slow case at <!date" in line


def test_nothing_is_said_when_nobody_knows_or_it_is_over() -> None:
    assert finish_line(None, views.incident(), EN) == ""
    assert finish_line(predicted(timedelta()), views.resolved(), EN) == ""


def test_the_card_shows_it_below_the_target() -> None:
    shown = card(views.view(prediction=predicted(timedelta(minutes=19))), EN, str).blocks[1]["text"]["text"]
    assert shown.index("Recover by") < shown.index("Will finish at")
