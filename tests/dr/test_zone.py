"""A zone goes dark, and comes back."""

from tests.dr.conftest import Theatre

DARK = "zone:use1-az1"


def test_a_dark_zone_is_left_and_the_shop_answers_every_request(theatre: Theatre) -> None:
    night = theatre.rehearses("evacuate-zone", DARK)
    night.passed()
    assert night.seen["lost"] == []
