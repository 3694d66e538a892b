"""Nights in the rehearsal AWS: the alarm comes by itself, people do their part, and what is measured is what happened."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import Missing
from bot.incident.playbook_runs import BadInputs
from bot.incident.run import Run
from bot.rehearsal.crew import NAMES, Pace
from bot.rehearsal.estate import names
from bot.rehearsal.night_report import Report
from bot.rehearsal.rehearsal import Rehearsal
from escalation.errors import BadValue

ZONE = "use1-az1"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Night:
    """One that is over: `before` and `after` are the environment outside of it."""

    rehearsal: Rehearsal
    run: Run
    report: Report
    told: list[str]
    before: dict[str, str]
    after: dict[str, str]


async def play(folder: Path) -> Night:
    """A zone goes dark, the bot is started anew after the page, and the traffic leaves the zone."""
    told: list[str] = []
    before = dict(os.environ)
    async with Rehearsal(folder, [f"zone:{ZONE}"], tell=lambda _at, text: told.append(str(text))) as night:
        assert os.environ["AWS_ENDPOINT_URL"] == night.aws.url
        await night.paged()
        await night.stop_bot()
        await night.start_bot()
        run = await night.run("evacuate-zone")
        assert await night.until_well()
        report = await night.report()
    return Night(night, run, report, told, before, dict(os.environ))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return asyncio.run(play(tmp_path_factory.mktemp("night")))


def test_the_playbook_does_what_it_should(night: Night) -> None:
    assert night.run.status == "succeeded"
    assert [one.by for one in night.run.approvals] == [f"cli:{NAMES[1]}"]


def test_the_recovery_is_measured_from_the_fault_to_the_first_good_answer(night: Night) -> None:
    assert night.report.rto is not None
    assert 2 * MINUTE < night.report.rto < 5 * MINUTE
    assert night.report.detected is not None
    assert MINUTE <= night.report.detected < 2 * MINUTE


def test_what_was_served_meanwhile_is_measured(night: Night) -> None:
    assert 0.5 < night.report.availability < 0.9
    assert (night.report.lost, night.report.rpo) == ([], timedelta())
    assert night.report.acknowledged > 20


def test_the_timeline_tells_the_night_in_order(night: Night) -> None:
    said = [text for _, text in night.report.timeline]
    wanted = [
        f"Zone {ZONE}", "The shop serves", "CloudWatch: zone-impaired", "Mina was paged", "mina acknowledged",
        "mina asked for playbook", "alex approved", "Playbook evacuate-zone started", "Playbook evacuate-zone succeeded",
    ]  # fmt: skip
    found = [next(at for at, text in enumerate(said) if text.startswith(start)) for start in wanted]
    assert found == sorted(found)
    assert "The shop answers every request (us-east-1)." in said
    assert sorted(at for at, _ in night.report.timeline) == [at for at, _ in night.report.timeline]
    assert set(night.told) == set(said)


def test_each_step_has_its_time(night: Night) -> None:
    rows = night.report.steps
    assert {"evacuate-zone/possible", "evacuate-zone/evacuate", "evacuate-zone/evacuate[0]"} <= rows.keys()
    assert rows["evacuate-zone/evacuate[0]"] >= timedelta(seconds=2)


def test_what_the_bot_asked_is_told_from_what_the_rehearsal_asked(night: Night) -> None:
    asked = night.rehearsal.asked(names.HOME)
    assert {"StartZonalShift"} <= {call.operation for call in asked}
    assert not {"PutItem", "CreateService", "SetAlarmState"} & {call.operation for call in asked}
    assert night.report.calls[names.HOME] == len(night.rehearsal.asked(names.HOME, night.rehearsal.incident.started_at))  # type: ignore[union-attr]  # it was paged


def test_somebody_was_really_paged(night: Night) -> None:
    [(number, text)] = night.rehearsal.aws.sms
    assert number.startswith("+121255501")
    assert "zone-impaired" in text


def test_a_report_is_json(night: Night) -> None:
    read = json.loads(json.dumps(night.report.as_json()))
    assert read["rto_seconds"] == night.report.rto.total_seconds()  # type: ignore[union-attr]  # it recovered
    assert read["lost"] == []
    assert read["faults"][0]["what"].startswith("Zone")


def test_afterwards_the_environment_is_as_it_was(night: Night) -> None:
    assert night.after == night.before


def test_nobody_waited_in_real_time(night: Night) -> None:
    """The clock was moved: by the machine's, the night lasted seconds."""
    assert night.report.timeline[-1][0] - night.report.timeline[0][0] > 3 * MINUTE


@pytest.fixture
async def calm(tmp_path: Path) -> AsyncIterator[Rehearsal]:
    """Nothing is broken, and there is one person."""
    async with Rehearsal(tmp_path, people=1, answer="no", pace=Pace(ask=timedelta()), every=MINUTE / 2) as night:
        yield night


async def test_what_people_cannot_do_is_told_and_not_done(calm: Rehearsal) -> None:
    """One night for several questions: to lay it down is most of what it takes."""
    with pytest.raises(BadValue, match="zoen"):
        await calm.break_("zoen:use1-az1")
    await calm.break_("throttle:ecs")
    with pytest.raises(Missing, match="no alarm notices this"):
        await calm.paged(2 * MINUTE)
    await calm.declare("It is slow")
    with pytest.raises(BadInputs):
        await calm.request("restart-service")
    calm.aws.outages.unthrottle("ecs")
    alone = await calm.run("region-failover", {"away_from": names.HOME})
    assert alone.status in {"expired", "refused"}
    assert not calm.aws.calls.of("route53-recovery-cluster", "UpdateRoutingControlStates")
