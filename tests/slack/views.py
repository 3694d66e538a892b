"""Incidents and runs of every shape, for the builders: ordinary ones, and ones as large and strange as can be."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from bot.incident.correlate import AlarmRecord
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.incident.prediction import Prediction
from bot.incident.run import ENDED, Approval, Run, RunStatus, Step
from bot.incident.timeline import store
from bot.incident.view import IncidentView, RunView
from bot.playbook.action import Call, Change, StepPlan
from bot.playbook.forecast import Spread
from bot.playbook.model import Playbook
from bot.playbook.offer import Offer
from bot.playbook.plan import Plan, PlannedStep, plan_hash, to_json
from escalation.loading import load
from escalation.phrase import phrase
from escalation.policy import FrozenPerson, freeze
from tests.support.core import alarm

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DIRECTORY = load()
RTO = timedelta(minutes=30)

incident_id = "k3v9x2ab"
#: What the run's templates see; no region, so that nobody has to type one.
CONTEXT = {
    "now": NOW.isoformat(),
    "region": "",
    "incident": {"id": incident_id, "started_at": NOW.isoformat()},
}


def incident(**more: Any) -> Incident:
    values: dict[str, Any] = {
        "id": incident_id, "title": "orders-errors", "kind": "cloudwatch.metric", "service": "orders",
        "region": "us-east-1", "started_at": NOW, "rto": RTO, "rpo": timedelta(minutes=5),
        "chain": freeze(DIRECTORY, DIRECTORY.policy("default"), NOW), "channel": "C1", "level": 1, "cycle": 1,
    }  # fmt: skip
    return Incident(**(values | more))


def acknowledged(by: str = "mina", **more: Any) -> Incident:
    return incident(**more).acknowledge(by, NOW + timedelta(minutes=2))


def resolved(by: str = "mina", after: timedelta = timedelta(minutes=12), text: str = "", **more: Any) -> Incident:
    return acknowledged(by, **more).resolve(by, NOW + after, text)


def page(person: str = "mina", **more: Any) -> Page:
    frozen = FrozenPerson.of(DIRECTORY.person(person))
    values: dict[str, Any] = {
        "id": f"p-{person}", "incident": incident_id, "level": 1, "cycle": 1, "person": frozen, "created_at": NOW
    }  # fmt: skip
    return Page(**(values | more))


def record(name: str = "orders-errors", count: int = 1, state: str = "alarm", **more: Any) -> AlarmRecord:
    latest = alarm(name, **more)
    cleared = NOW if state == "ok" else None
    return AlarmRecord(
        fingerprint=latest.fingerprint, incident=incident_id, state=state, count=count, first_at=NOW, last_at=NOW,
        cleared_at=cleared, latest=latest,
    )  # fmt: skip


def view(of: Incident | None = None, **more: Any) -> IncidentView:
    values: dict[str, Any] = {"alarms": [], "pages": [], "runs": [], "offers": [], "now": NOW + timedelta(minutes=5)}
    return IncidentView(incident=of or incident(), **(values | more))


def playbook(steps: list[dict[str, Any]] | None = None, title: str = "Restore a table", **more: Any) -> Playbook:
    steps = steps or [{"id": "restore", "title": _both("Restore it"), "action": "dynamodb.restore_pitr"}]
    values = {"name": "restore-table", "title": _both(title), "tier": 1, "targets": {"rto": "30m", "rpo": "5m"}}
    return Playbook.model_validate({**values, "steps": steps, **more})


def _both(text: str) -> dict[str, str]:
    return {"en": text, "ko": f"{text} (ko)"}


def offer(name: str = "restore-table", title: str = "Restore a table", why: str = "The alarm is about it.") -> Offer:
    return Offer(playbook(title=title).model_copy(update={"name": name}), (phrase("{why}", why=why),))


def planned(id_: str, calls: int = 1, text: str = "orders", changes: int = 1, **more: Any) -> PlannedStep:
    call = Call(
        "dynamodb", "RestoreTableToPointInTime", {"SourceTableName": text, "Tags": [{"Key": text}]}, "us-east-1"
    )
    change = Change(phrase("The table {name}", name=text), None, text)
    plan = StepPlan((call,) * calls, (change,) * changes, (phrase("{text} is disturbed.", text=text),))
    values: dict[str, Any] = {"kind": "action", "uses": "dynamodb.restore_pitr", "parameters": {"table": text}}
    return PlannedStep(**({"step": id_, "unknown": (), "plan": plan} | values | more))


def run(of: Playbook | None = None, steps: list[PlannedStep] | None = None, **more: Any) -> Run:
    of = of or playbook()
    plan = Plan(of.name, "digest", "us-east-1", {"table": "orders"}, tuple(steps or [planned(of.steps[0].id)]))
    values: dict[str, Any] = {
        "id": "r1", "incident": incident_id, "name": of.name, "playbook": of.model_dump(mode="json"), "inputs": {},
        "context": CONTEXT, "plan": to_json(plan), "plan_hash": plan_hash(plan), "status": "planned",
        "requested_by": "mina", "requested_at": NOW,
    }  # fmt: skip
    return Run(**(values | more))


def run_view(of: Run, states: dict[str, str] | None = None, **more: Any) -> RunView:
    book = Playbook.model_validate(of.playbook)
    steps = [
        Step(run=of.id, step=step.id, position=at, state=(states or {}).get(step.id, "waiting"), **more)
        for at, step in enumerate(book.steps)
    ]
    return RunView(incident(), of, steps, NOW)


#: Texts that break things: markup, mentions, Korean, emoji, line breaks, and very long ones.
nasty = st.one_of(
    st.sampled_from(["<!channel>", "&" * 4_000, "<" * 3_500, "주문 오류 " * 900, "🔥" * 2_500, "a\nb\n```c```", "*_~`", "{x}", " "]),
    st.text(max_size=200),
    st.text(min_size=3_000, max_size=3_200),
)  # fmt: skip
named = nasty.filter(lambda text: bool(text.strip()))
_states = st.sampled_from(["waiting", "running", "asking", "done", "failed", "skipped", "aborted"])


@st.composite
def views(draw: st.DrawFn) -> IncidentView:
    """Any incident, with up to 60 alarms, 40 pages, 50 runs, 20 offers, all named strangely."""
    name, words = draw(named), draw(nasty)
    made = draw(
        st.sampled_from([incident, acknowledged, resolved, lambda **more: resolved(after=RTO * 3, text=words, **more)])
    )
    alarms = [
        record(
            f"{name}{number}", draw(st.integers(0, 10_000)), draw(st.sampled_from(["alarm", "ok", "no_data"])),
            reason=words, metric=name, readings=(1.5, 2e9) * 9, threshold=-1.0, dimensions={name: words} | {str(n): name for n in range(30)},
            comparison="GreaterThanThreshold", suppressed_by=words, note=phrase("{x}", x=words) if number % 2 else None,
        )
        for number in range(draw(st.sampled_from([0, 1, 6, 60])))
    ]  # fmt: skip
    person = FrozenPerson.of(DIRECTORY.person("mina"))
    pages = [
        page().model_copy(update={"person": person.model_copy(update={"key": str(n), "name": name}), "status": status})
        for n, status in enumerate(["due", "sent", "acknowledged", "superseded", "failed"] * draw(st.integers(0, 8)))
    ]
    some_runs = get_args(RunStatus)
    runs = [run(status=status) for status in list(some_runs) * draw(st.sampled_from([0, 1, 7]))]
    offers = [offer(title=name, why=words)] * draw(st.sampled_from([0, 1, 20]))
    return view(
        made(title=name, service=words or None, channel_problem=words, own_channel=draw(st.booleans()), region=words),
        alarms=alarms, pages=pages, runs=runs, offers=offers, now=draw(st.sampled_from([NOW, NOW + 2 * RTO])),
    )  # fmt: skip


def row(id_: str, position: int, state: str = "waiting", **more: Any) -> Step:
    """A row as the engine writes it: `row("scale[2]", 3, of="scale", item="web")`, `row("undo:go", 9, of="go", undoes="go")`."""
    return Step(**({"run": "r1", "step": id_, "of": id_, "position": position, "state": state} | more))


def elements(step: str, position: int, states: Sequence[str], **more: Any) -> list[Step]:
    """The elements of a `for_each` step: item web-0, web-1 …"""
    return [
        row(f"{step}[{number}]", position, state, of=step, item=f"web-{number}", **more)
        for number, state in enumerate(states)
    ]


@st.composite
def run_views(draw: st.DrawFn) -> RunView:
    """Any run, with up to 200 steps, in any mixture of states."""
    text = draw(named)
    count = draw(st.sampled_from([1, 12, 13, 25, 200]))
    both = {"en": text, "ko": text}
    kinds: list[dict[str, Any]] = [
        {
            "action": "a.b",
            "for_each": {"in": "{{ x }}"},
            "undo": {"action": "a.u"},
            "retry": {"times": 2},
            "title": both,
        },
        {"action": "a.b", "irreversible": both, "when": text},
        {"check": "a.c"},
        {"ask": both},
        {"manual": both},
        {"ask": both, "action": "a.b", "title": both},
    ]
    steps = [{"id": f"s{n}", "needs": [], **kinds[n % len(kinds)]} for n in range(count)]
    book = playbook(steps, text, approval={"people": draw(st.integers(0, 3))} if draw(st.booleans()) else None)
    plans = [
        planned(
            f"s{n}",
            draw(st.sampled_from([0, 1, 3])),
            text,
            problem=phrase("{x}", x=text) if n % 7 == 3 else None,
            unknown=(text,),
        )
        for n in range(count)
    ]
    status = draw(st.sampled_from(get_args(RunStatus)))
    ended = NOW + RTO if status in ENDED else None
    made = run(
        book, plans, status=status, undone_by=draw(st.sampled_from([None, "mina"])), failed_step=draw(st.sampled_from([None, "s0", "s0[1]"])),
        automatic=draw(st.booleans()), starts_at=NOW, deadline_at=NOW + RTO, planned_at=NOW, ended_at=ended, started_at=NOW, problem=store(phrase("{x}", x=text)),
        approvals=(Approval(by="mina", at=NOW, plan_hash="h"), Approval(by="jun", at=NOW, plan_hash="h", via=text)) * 10, aborted_by="<@U1>",
        **({"plan": None, "plan_hash": None} if status == "planning" else {}),
    )  # fmt: skip
    seen = run_view(made)
    changed = [
        step.model_copy(update={"state": draw(_states), "note": store(phrase("{x}", x=text)), "attempt": 2, "started_at": NOW,
                                "ended_at": draw(st.sampled_from([None, NOW + RTO])), "decided_by": "mina", "reason": text})
        for step in seen.steps[:30]
    ]  # fmt: skip
    rows = [*changed, *seen.steps[30:]]
    said = store(phrase("{x}", x=text))
    some = [draw(_states) for _ in range(draw(st.sampled_from([0, 3, 100])))]
    rows += elements("s0", 0, some, note=said, question=said, happened=1, started_at=NOW, attempt=3, retries=2)
    rows += [
        row(f"undo:s0[{n}]", 10_000 + n, state, of="s0", undoes=f"s0[{n}]", item=text, note=said)
        for n, state in enumerate(some[: draw(st.sampled_from([0, 2, 100]))])
    ]
    usual = {f"s{n}": Spread(RTO, RTO, 1, stated=False) for n in range(5)}
    inside = draw(st.sampled_from([RTO, -RTO]))
    return RunView(seen.incident, seen.run, rows, NOW, usual, Prediction(seen.run, NOW, NOW + RTO, inside))
