"""The database's writer fails."""

from tests.dr.conftest import Theatre


def test_the_writer_moves_to_a_reader_and_nothing_is_lost(theatre: Theatre) -> None:
    night = theatre.rehearses("database-failover", "database:shop-db")
    night.passed()
    assert night.seen["lost"] == []
