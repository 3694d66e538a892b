"""What is concluded from looks at a shop, and from what it lost."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.rehearsal.measured import STEADY, availability, is_open, rpo, rto

FAULT = datetime(2026, 11, 23, 3, tzinfo=UTC)
STEP = timedelta(seconds=5)


@dataclass(frozen=True)
class Look:
    at: datetime
    served: float

    @property
    def well(self) -> bool:
        return self.served == 1


def looks(*served: float) -> list[Look]:
    """One every five seconds, from the fault on."""
    return [Look(FAULT + number * STEP, one) for number, one in enumerate(served)]


def test_the_recovery_takes_until_the_first_of_the_good_answers_that_went_on() -> None:
    assert rto(looks(0, 0, *[1.0] * STEADY), FAULT) == 2 * STEP


def test_one_good_answer_too_few_is_no_recovery() -> None:
    assert rto(looks(0, *[1.0] * (STEADY - 1)), FAULT) is None


def test_a_relapse_starts_the_recovery_anew() -> None:
    assert rto(looks(0, *[1.0] * STEADY, 0.99, *[1.0] * STEADY), FAULT) == (STEADY + 2) * STEP


def test_a_shop_that_never_failed_has_recovered_in_no_time() -> None:
    assert rto(looks(*[1.0] * STEADY), FAULT) == timedelta()
    assert rto(looks(*[1.0] * (STEADY - 1)), FAULT) is None


def test_what_was_before_the_fault_does_not_count() -> None:
    before = [Look(FAULT - STEP, 0.0)]
    assert rto([*before, *looks(*[1.0] * STEADY)], FAULT) == timedelta()


def test_the_oldest_lost_write_says_how_far_the_data_went_back() -> None:
    lost = [FAULT - timedelta(seconds=40), FAULT - timedelta(seconds=15), FAULT + timedelta(seconds=60)]
    assert rpo(lost, FAULT) == timedelta(seconds=40)


def test_writes_that_were_lost_after_the_fault_make_no_loss_from_before_it() -> None:
    assert rpo([FAULT, FAULT + STEP], FAULT) == timedelta()
    assert rpo([], FAULT) == timedelta()


def test_a_loss_that_reaches_back_to_the_first_write_of_all_may_be_longer() -> None:
    written = [FAULT - STEP, FAULT]
    assert is_open(written, written)
    assert not is_open([FAULT], written)
    assert not is_open([], [])


def test_availability_is_the_share_of_requests_that_were_served() -> None:
    assert availability(looks(0, 0.5, 1, 1), FAULT, FAULT + 3 * STEP) == pytest.approx(0.625)
    assert availability(looks(0, 0.5, 1, 1), FAULT + 2 * STEP, FAULT + 3 * STEP) == 1


def test_availability_of_a_time_at_which_nobody_looked_is_unknown() -> None:
    with pytest.raises(ValueError, match="Nobody looked"):
        availability(looks(1), FAULT + STEP, FAULT + 2 * STEP)
