"""A zone goes dark."""

from tests.dr.conftest import Theatre


def test_a_dark_zone_is_left_and_the_shop_answers_every_request(theatre: Theatre) -> None:
    night = theatre.rehearses("evacuate-zone", "zone:use1-az1")
    night.passed()
    assert night.seen["lost"] == []
