"""The playbook engine as people meet it: the real bot, Slack or a terminal, and an AWS that says what really happened."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.rehearsal.front import APPROVAL, DOCUMENT, DOCUMENT_APPROVAL, LOAD_BALANCERS, OTHER_REGION, REGION
from bot.rehearsal.shop import CLUSTER
from bot.rehearsal.slack.faults import Fault
from bot.rehearsal.stage import Stage
from bot.slack.approve_form import REGION as TYPED
from bot.slack.commands import NAME
from bot.slack.playbook_form import WRONG
from bot.slack.run_buttons import PLAN_SHOW, RUN_ABORT, RUN_APPROVE, RUN_UNDO, STEP_YES
from tests.support.deaths import InAws
from tests.support.engine_night import EngineNight
from tests.support.night import KILLABLE, PATIENCE
from tests.support.nursery import nursery

pytestmark = pytest.mark.timeout(240)  # on a machine that is busy with much else


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[EngineNight]:
    async with Stage(tmp_path, front=True, launch=nursery().start, bot=KILLABLE) as stage:
        night = EngineNight(stage)
        yield night
        for process in stage.processes:
            await stage.stop_bot(process, signal.SIGKILL)  # its graceful stop is another test's matter


async def test_a_zone_is_evacuated_and_given_back_by_a_bot_that_dies_on_the_way(night: EngineNight) -> None:
    zone, alex, mina = night.front.zones["us-east-1b"], night.alex, night.mina
    night.stage.aws.zonal_shifts.sicken_zone(zone)
    await night.begins()

    await night.opens_form(alex, f"evacuate {zone}", channel="general")
    await night.chooses_service(alex, "web")
    assert night.menu(alex, "zone") >= set(night.front.zones.values())
    await night.sends(alex, {WRONG: "One zone answers slowly"})
    room = await night.finds_room("web")
    await night.see(alex, lambda: night._shows(RUN_APPROVE, room), "the plan")
    plan = await night.reads_plan(alex, PLAN_SHOW, room)
    assert plan.count("StartZonalShift") == len(LOAD_BALANCERS)
    assert all(f"resourceIdentifier = {arn}\nawayFrom = {zone}" in plan for arn in night.front.arns.values())
    assert not night.shifts()

    await night.restarts()  # the message with the button is older than the bot
    both = asyncio.gather(*(who.click(RUN_APPROVE, channel=room) for who in (alex, mina)))
    await night.survives(InAws("after", "arc-zonal-shift", "StartZonalShift"), both)
    await night.run_succeeds(room)
    assert night.traffic_in(zone) == [0, 0]
    assert night.shifts() == {(name, "ACTIVE"): 1 for name in LOAD_BALANCERS}

    await night.presses_for_form(alex, RUN_UNDO, room)
    assert all(name in alex.screen() for name in LOAD_BALANCERS)
    await night.survives(InAws("after", "arc-zonal-shift", "CancelZonalShift"), night.sends(alex, {}))
    await night.run_says("*Taken back* by", room)
    assert night.traffic_in(zone) == [1, 1]
    assert night.shifts() == {(name, "CANCELED"): 1 for name in LOAD_BALANCERS}


async def test_a_dead_region_is_left_by_two_people_and_never_asked(night: EngineNight) -> None:
    alex, mina, aws = night.alex, night.mina, night.stage.aws
    await night.begins()
    aws.calls.clear()
    dead = aws.faults.cut(region=REGION)

    await night.opens_form(alex, f"failover {OTHER_REGION}", channel="general")
    await night.chooses_service(alex, "web")
    await night.sends(alex, {WRONG: "The region does not answer"})
    room = await night.finds_room("web")

    await night.presses_for_form(alex, RUN_APPROVE, room)
    await alex.fill({TYPED: OTHER_REGION})
    assert (await alex.submit()).ok
    assert "somebody else must approve it" in alex.screen()
    await alex.close()
    assert night.changes("arc-region-switch", "StartPlanExecution") == 0

    await night.presses_for_form(mina, RUN_APPROVE, room)
    await mina.fill({TYPED: REGION})
    refused = await mina.submit()
    assert OTHER_REGION in refused.errors[TYPED]
    await night.sends(mina, {TYPED: OTHER_REGION})
    await night.see(mina, lambda: night._shows(STEP_YES, room), "AWS's own question")
    assert APPROVAL in mina.reads(night._runs(room)[-1])
    assert night.asked_of(REGION) == set()

    dead.clear()  # it comes back for a moment, and somebody wants to go home
    await night.opens_form(alex, f"failback {REGION}", channel=room)
    await night.sends(alex, {})
    await night.run_says("*This is the plan.*", room)
    await night.presses_for_form(mina, RUN_APPROVE, room)
    await mina.fill({TYPED: REGION})
    await mina.submit()
    assert "switch-region" in mina.screen()
    await mina.close()
    assert aws.region_switch.executions(night.front.plan, REGION) == []
    aws.faults.cut(region=REGION)
    aws.calls.clear()

    await night.restarts()  # while AWS waits for an approval
    await asyncio.gather(*(who.click(STEP_YES, channel=room) for who in (alex, mina)))
    await night.run_succeeds(room)
    assert mina.sees("Agreed by", channel=room)
    [execution] = aws.region_switch.executions(night.front.plan, OTHER_REGION)
    assert (execution.state, execution.request["mode"]) == ("completed", "ungraceful")
    assert night.changes("arc-region-switch", "ApprovePlanExecutionStep") == 1
    assert night.asked_of(REGION) == set()


_AS_IT_WAS = "as it was"
_MEND: Mapping[str, Any] = {
    "name": "mend-shop",
    "title": {"en": "Mend the shop", "ko": "상점 복구"},
    "tier": 1,
    "targets": {"rto": "1h", "rpo": "0s"},
    "inputs": {"flags": {"type": "list", "default": "/shop/web, /shop/api"}, "tell": {"type": "bool", "default": False}},
    "approval": {"people": 1, "role": "responder", "expires": "10m"},
    "steps": [
        {
            "id": "warm-up", "action": "ssm.run_automation", "deadline": "10m",
            "with": {"document": DOCUMENT, "parameters": {"Caches": "prices"}},
            "irreversible": {"en": "A warm cache is no harm.", "ko": "캐시가 준비되어도 해가 없습니다."},
        },
        {
            "id": "tell", "when": "{{ tell }}", "manual": {"en": "Tell the customers.", "ko": "고객에게 알리세요."},
        },
        {
            "id": "switch-on", "action": "ssm.put_parameter", "deadline": "5m",
            "for_each": {"in": "{{ flags }}", "as": "flag", "batch": 1},
            "with": {"name": "{{ flag }}", "value": "warm"},
            "retry": {"times": 3, "wait": "1s", "on": ["throttled", "unavailable"]},
            "undo": {
                "action": "ssm.put_parameter",
                "with": {"name": "{{ steps['switch-on'].name }}", "value": "{{ steps['switch-on'].previous }}"},
            },
        },
    ],
}  # fmt: skip


async def test_an_own_playbook_is_run_and_taken_back_from_the_terminal_alone(night: EngineNight) -> None:
    aws, ssm = night.stage.aws, night.stage.shop.client("ssm")
    flags = ("/shop/web", "/shop/api")
    for name in flags:
        ssm.put_parameter(Name=name, Value=_AS_IT_WAS, Type="String")
    aws.calls.clear()
    night.own_playbooks(_MEND)
    night.stage.slack.faults.add(Fault("server_error", "*", times=None))

    declared = await night.lifeboat("incident", "declare", "Slow pages", "--service", "web", "--no-wait", "--json")
    planned = await night.lifeboat("playbook", "plan", "mend-shop", "--incident", declared.json["id"], "--json")
    run, plan = planned.json["id"], planned.json["plan_hash"]
    assert night.changes("ssm", "StartAutomationExecution") == 0
    asked = await night.lifeboat("playbook", "approve", run, "--plan", plan, who="alex")
    assert DOCUMENT_APPROVAL in asked.out
    assert "Warm up prices?" in asked.out

    aws.faults.throttle("ssm", "PutParameter", times=1)
    done = await night.lifeboat("playbook", "answer", run, "warm-up", "yes", who="alex")
    assert f"{run}: done" in done.out
    assert (aws.automations.count(), night.changes("ssm", "SendAutomationSignal")) == (1, 1)
    assert [ssm.get_parameter(Name=name)["Parameter"]["Value"] for name in flags] == ["warm", "warm"]
    writes = [call.status for call in aws.calls.of("ssm", "PutParameter")]
    assert writes == [400, 200, 200], "throttled once, then each once"

    back = await night.lifeboat("playbook", "undo", run, "--yes")
    assert back.status == 0, back.out
    assert [ssm.get_parameter(Name=name)["Parameter"]["Value"] for name in flags] == [_AS_IT_WAS, _AS_IT_WAS]
    assert aws.automations.count() == 1


def _restarting(service: str, announce: str) -> Mapping[str, Any]:
    """A playbook of somebody's own that restarts a service without being asked."""
    where = {"cluster": CLUSTER, "service": service}
    return {
        "name": f"restart-{service}",
        "title": {"en": f"Restart {service}", "ko": f"{service} 재시작"},
        "tier": 1,
        "offer_when": {"service": service},
        "targets": {"rto": "30m", "rpo": "0s"},
        "automatic": {"signals": 2, "steady_for": "1s", "announce": announce},
        "steps": [
            {
                "id": "restart", "action": "ecs.restart_service", "with": where,
                "irreversible": {"en": "There is nothing to take back.", "ko": "되돌릴 것이 없습니다."},
            }
        ],
    }  # fmt: skip


async def test_what_starts_by_itself_is_announced_and_can_be_stopped(night: EngineNight) -> None:
    services = {name: {"match": [{"alarm": f"{name}-*"}], "region": REGION} for name in ("cart", "login", "search")}
    night.adds_services(*services)
    night.own_playbooks(_restarting("cart", "1s"), _restarting("login", "1h"), _restarting("search", "1s"))
    night.configure(services=services, automatic={"enabled": True, "per_hour": 10})
    announcing = night.stage.slack.faults.hold(
        "chat.postMessage", "after", lambda said: "starts by itself" in str(said)
    )
    await night.begins()
    mina = night.mina

    await night.alarms("cart-errors", "cart-slow")
    await announcing.reached(PATIENCE)
    [(_, announced)] = night.said_anywhere("starts by itself")
    assert RUN_ABORT in str(announced.blocks)
    assert "cart-errors" in mina.reads(announced)
    assert "cart-slow" in mina.reads(announced)
    assert night.restarted() == {}
    announcing.release()
    await night.see(mina, lambda: bool(night.said_anywhere("succeeded after")), "that it has succeeded")
    assert night.restarted() == {"cart": 1}

    await night.alarms("login-errors", "login-slow")
    await night.see(mina, lambda: bool(night.said_anywhere("*Restart login* *starts by itself* at")), "what will start")
    [(room, _)] = night.said_anywhere("*Restart login* *starts by itself* at")
    await night.presses(RUN_ABORT, room)
    await night.see(mina, lambda: bool(night.said_anywhere("has stopped it")), "that it was stopped")

    await mina.command(NAME, "stop", channel="general")
    await night.alarms("search-errors", "search-slow")
    await night.until(night.is_told("has stopped automatic runs"), "why nothing starts")
    await night.settles()
    assert night.restarted() == {"cart": 1}
