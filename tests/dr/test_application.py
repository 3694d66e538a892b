"""The application fails: its tasks fall ill, a release is bad, more customers come than it can serve."""

from tests.dr.conftest import Theatre


def test_sick_tasks_are_replaced_and_nothing_is_lost(theatre: Theatre) -> None:
    night = theatre.rehearses("restart-service", "tasks:web")
    night.passed()
    assert night.seen["lost"] == []


def test_a_bad_release_is_rolled_back_and_nothing_is_lost(theatre: Theatre) -> None:
    night = theatre.rehearses("rollback-release", "release:web")
    night.passed()
    assert night.seen["lost"] == []


def test_twice_as_many_customers_are_served_by_more_tasks(theatre: Theatre) -> None:
    night = theatre.rehearses("scale-out", "load:web:2")
    night.passed()
    assert night.seen["lost"] == []
