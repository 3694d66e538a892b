import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def _sql(place: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(place / "lifeboat.db")) as database, database:
        return database.execute(statement).fetchall()


@pytest.fixture
def incident(lifeboat: Command) -> str:
    return str(lifeboat("incident", "declare", "Trouble", "--no-wait", "--json").json["id"])


@pytest.fixture
def dead(place: Path, incident: str) -> int:
    """The job that draws the incident's card, given up with an error of two lines."""
    _sql(place, "UPDATE jobs SET state = 'dead', attempts = 40, error = 'no_channel\nreally' WHERE kind = 'open-room'")
    [(job,)] = _sql(place, "SELECT id FROM jobs WHERE state = 'dead'")
    assert isinstance(job, int)
    return job


def test_what_was_given_up_is_listed_with_its_incident_and_its_error_in_one_line(
    lifeboat: Command, incident: str, dead: int
) -> None:
    [line] = lifeboat("jobs", "list").out.splitlines()
    number, kind, whose, attempts, since, error = line.split("\t")
    assert (number, kind, whose, attempts, error) == (str(dead), "open-room", incident, "40", "no_channel really")
    assert since.endswith("UTC")
    [one] = lifeboat("jobs", "list", "--json").json
    assert (one["id"], one["kind"], one["incident"], one["error"]) == (
        dead,
        "open-room",
        incident,
        "no_channel\nreally",
    )
    assert one["payload"] == {"incident": incident}


def test_an_empty_list_says_so_and_is_empty_json(lifeboat: Command, incident: str) -> None:
    assert "given up on nothing" in lifeboat("jobs", "list").out
    assert lifeboat("jobs", "list", "--json").json == []


def test_a_retried_job_waits_again_and_the_timeline_says_who_did_it(
    lifeboat: Command, place: Path, incident: str, dead: int
) -> None:
    said = lifeboat("jobs", "retry", str(dead))
    assert (said.status, f"Job {dead} (open-room) is due now" in said.out) == (0, True)
    assert _sql(place, f"SELECT state, attempts, error FROM jobs WHERE id = {dead}") == [("waiting", 1, "")]
    assert "handed a job (open-room) back" in lifeboat("incident", "show", incident).out
    assert lifeboat("jobs", "retry", str(dead)).status == 1


def test_a_dropped_job_is_gone_and_the_timeline_says_who_did_it(
    lifeboat: Command, place: Path, incident: str, dead: int
) -> None:
    said = lifeboat("jobs", "drop", str(dead))
    assert (said.status, f"Job {dead} (open-room) is removed" in said.out) == (0, True)
    assert _sql(place, f"SELECT id FROM jobs WHERE id = {dead}") == []
    assert "dropped a job (open-room)" in lifeboat("incident", "show", incident).out
    assert [e["kind"] for e in lifeboat("incident", "show", incident, "--json").json["timeline"]][-1] == "job-dropped"


def test_a_job_that_names_no_incident_is_retried_without_a_note(lifeboat: Command, place: Path, dead: int) -> None:
    _sql(place, "UPDATE jobs SET kind = 'tidy', lane = 5, payload = '{}' WHERE state = 'dead'")
    assert "\ttidy\t-\t" in lifeboat("jobs", "list").out
    assert lifeboat("jobs", "retry", str(dead)).status == 0


@pytest.mark.parametrize("verb", ["retry", "drop"])
@pytest.mark.parametrize(
    ("job", "status", "said"),
    [
        (str(2**63 - 1), 1, "There is no buried job named 9223372036854775807. Known: -."),
        (str(2**63), 2, "Invalid value"),
        ("0", 2, "Invalid value"),
        ("card", 2, "Invalid value"),
    ],
)
def test_a_number_that_is_no_dead_job_is_one_clear_message(
    lifeboat: Command, verb: str, job: str, status: int, said: str
) -> None:
    answer = lifeboat("jobs", verb, job)
    assert answer.status == status
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_a_job_that_still_waits_cannot_be_dropped(lifeboat: Command, place: Path, incident: str) -> None:
    [(waiting,)] = _sql(place, "SELECT min(id) FROM jobs")
    assert lifeboat("jobs", "drop", str(waiting)).status == 1
    assert _sql(place, f"SELECT state FROM jobs WHERE id = {waiting}") == [("waiting",)]
