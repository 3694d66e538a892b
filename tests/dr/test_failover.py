"""A region goes dark, and comes back: the shop moves to its standby region, and home again."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.dr.conftest import Theatre
from tests.support.rehearsals import Recovery

HOME = "us-east-1"
DARK = f"region:{HOME}"


def test_a_dark_region_is_left_within_the_promise(theatre: Theatre) -> None:
    night = theatre.rehearses("region-failover", DARK)
    night.passed()
    assert nothing_asked_of_the_dead(night)


def test_a_plan_that_aws_calls_executed_and_that_has_moved_nothing_is_not_called_a_success(theatre: Theatre) -> None:
    """The emulated Region switch moves neither tasks nor traffic; whoever runs the playbook learns so from the service."""
    night = theatre.rehearses("switch-region", DARK, inputs={"away_from": HOME})
    assert night.seen["status"] == "needs_person", night.story
    assert "answers" in json.dumps(night.seen["rows"])
    assert nothing_asked_of_the_dead(night)


@pytest.mark.told_again
def test_the_shop_goes_home_and_no_write_is_lost_and_every_conflict_is_listed(theatre: Theatre) -> None:
    night = theatre.rehearses("region-failback", DARK)
    night.passed()
    assert night.seen["lost"] == []
    told = json.dumps(night.seen["rows"])
    assert all(one["key"] in told for one in night.seen["conflicts"]), night.seen["conflicts"]


def nothing_asked_of_the_dead(night: Recovery) -> bool:
    """From when it was noticed that the region is dark until the run was over, nobody has called it: the log of calls says so.

    Afterwards the survey asks it every few minutes whether it is back.
    """
    fault = datetime.fromisoformat(night.seen["faults"][0]["at"])
    noticed = fault + timedelta(seconds=night.seen["detected_seconds"])
    over = night.seen["ended_at"]  # a run that waits for a person goes on not asking
    ended = datetime.fromisoformat(over) if over else datetime.max.replace(tzinfo=UTC)
    assert ended > noticed
    asked = [one for one in night.seen["asked"] if noticed <= datetime.fromisoformat(one["at"]) <= ended]
    assert len(asked) > 20, "the log of calls has something to say"
    assert [one for one in asked if one["region"] == HOME] == []
    return True
