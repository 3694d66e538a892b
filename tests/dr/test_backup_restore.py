"""Data is corrupt or gone, and comes back from what was kept: recovery points, versions, backups.

What is written after the moment that is restored is lost by these cures, and that is what they say of themselves.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.rehearsal.rehearsal import Rehearsal
from tests.dr.conftest import Theatre
from tests.support.rehearsals import recovered


async def backed_up(night: Rehearsal, playbook: str, breaks: Sequence[str]) -> Any:
    """Somebody has backed the table up by hand, and then it breaks."""
    dynamodb = night.estate.home.client("dynamodb")
    await asyncio.to_thread(dynamodb.create_backup, TableName="orders", BackupName="by-hand")
    await night.pass_time(timedelta(minutes=2))
    return await recovered(night, playbook, breaks)


#: The alarm that came first names a table; people say which service it is about.
WEB = {"cluster": "shop", "ecs_service": "web"}


def test_a_corrupt_table_is_restored_beside_and_cut_over(theatre: Theatre) -> None:
    night = theatre.rehearses("restore-table", "table:orders")
    night.passed()
    assert {one["table"] for one in night.seen["lost"]} == {"orders"}, (
        "the damaged table keeps what came after the moment"
    )


def test_a_deleted_table_comes_back_under_its_name(theatre: Theatre) -> None:
    theatre.rehearses("undelete-table", "table-deleted:carts").passed()


@pytest.mark.told_again
def test_a_table_comes_back_from_its_latest_backup(theatre: Theatre) -> None:
    night = theatre.rehearses("restore-table-backup", "table:orders", story=backed_up)
    assert night.seen["status"] == "succeeded", night.story
    assert night.seen["rto_seconds"] is not None, "all orders are right again"


def test_a_table_comes_back_from_a_recovery_point_of_aws_backup(theatre: Theatre) -> None:
    theatre.rehearses("restore-backup", "table:orders").passed()


@pytest.mark.told_again
def test_a_bucket_comes_back_from_a_recovery_point_of_aws_backup(theatre: Theatre) -> None:
    night = theatre.rehearses("restore-bucket", "objects-deleted:assets/")
    assert night.seen["status"] == "succeeded", night.story
    assert night.seen["rto_seconds"] is not None, "all pictures are there again"


@pytest.mark.parametrize("breaks", ["objects:assets/", "objects-deleted:assets/"])
def test_objects_that_were_overwritten_or_deleted_are_as_they_were(theatre: Theatre, breaks: str) -> None:
    night = theatre.rehearses("restore-objects", breaks)
    night.passed()
    assert night.seen["lost"] == []


@pytest.mark.told_again
def test_a_whole_service_comes_back_to_a_moment(theatre: Theatre) -> None:
    night = theatre.rehearses("whole-service-restore", "table:orders", "objects:assets/", "release:web", inputs=WEB)
    night.passed()
