"""Data is corrupt or gone, and comes back from what was kept: recovery points, versions, backups.

What is written after the moment that is restored is lost by these cures, and that is what they say of themselves.
"""

import pytest

from tests.dr.conftest import Theatre


def test_a_corrupt_table_is_restored_beside_and_cut_over(theatre: Theatre) -> None:
    night = theatre.rehearses("restore-table", "table:orders")
    night.passed()
    assert {one["table"] for one in night.seen["lost"]} == {"orders"}, (
        "the damaged table keeps what came after the moment"
    )


def test_a_deleted_table_comes_back_under_its_name(theatre: Theatre) -> None:
    theatre.rehearses("undelete-table", "table-deleted:carts").passed()


def test_a_table_comes_back_from_its_latest_backup(theatre: Theatre) -> None:
    theatre.rehearses("restore-table-backup", "table:orders").passed()


def test_a_table_comes_back_from_a_recovery_point_of_aws_backup(theatre: Theatre) -> None:
    theatre.rehearses("restore-backup", "table:orders").passed()


def test_a_bucket_comes_back_from_a_recovery_point_of_aws_backup(theatre: Theatre) -> None:
    theatre.rehearses("restore-bucket", "objects:assets/").passed()


@pytest.mark.parametrize("breaks", ["objects:assets/", "objects-deleted:assets/"])
def test_objects_that_were_overwritten_or_deleted_are_as_they_were(theatre: Theatre, breaks: str) -> None:
    night = theatre.rehearses("restore-objects", breaks)
    night.passed()
    assert night.seen["lost"] == []


def test_a_whole_service_comes_back_to_a_moment(theatre: Theatre) -> None:
    night = theatre.rehearses("whole-service-restore", "table:orders", "objects:assets/", "release:web")
    night.passed()
