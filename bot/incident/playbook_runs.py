"""Runs of playbooks: the verbs. A run is frozen when it is asked for, planned before it may start, and then walks its graph.

Every verb takes an open transaction and writes the jobs that follow. How a run goes on is in `stepping.py`, how it goes
back in `undoing.py`, who may decide in `approval.py`. What touches AWS is in `planner.py` and `step_runner.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.config import Config
from bot.errors import N_, NotFound, Phrase, Refused, phrase
from bot.incident import automatic_rules, stepping, undoing
from bot.incident.approval import Approvers, expires_at
from bot.incident.incident import Incident, new_id
from bot.incident.obstacles import clear_way, obstacle
from bot.incident.ports import Tx
from bot.incident.run import AT_REST, PRESSABLE, STATUS_NAMES, Approval, Run, Step
from bot.incident.timeline import display_name, entry, store
from bot.incident.walk import Walk, going_back, plan_of, playbook_of, presses
from bot.jobs import DRAW_RUN, PLAN_RUN, Job, NewJob
from bot.playbook import graph, inputs
from bot.playbook.action import Done, Progress
from bot.playbook.context import AlarmFacts, Context, IncidentFacts, ServiceFacts
from bot.playbook.forecast import Usual
from bot.playbook.inputs import Filled
from bot.playbook.model import Playbook
from bot.playbook.plan import Plan, plan_hash, to_json
from bot.playbook.reversal import Reversal
from bot.playbook.reversal import reversal as reversal_of
from bot.playbook.stored import encode
from bot.playbook.template import evaluate
from escalation.loading import Directory

__all__ = ["LIFEBOAT", "BadInputs", "PlaybookRuns", "plan_of", "playbook_of", "presses", "reversal"]

#: The actor of what nobody asked for.
LIFEBOAT = "lifeboat"


class BadInputs(Refused):
    """The form cannot be accepted; `problems` says why, by input."""

    def __init__(self, problems: Mapping[str, Phrase]) -> None:
        fields = {f"problem{number}": problem for number, problem in enumerate(problems.values())}
        lines = (f"{name}: {{{field}}}" for name, field in zip(problems, fields, strict=True))
        listing = Phrase("; ".join(lines), fields)  # each is translated for its reader
        super().__init__(phrase(N_("Some inputs cannot be used: {listing}"), listing=listing))
        self.problems = problems


class PlaybookRuns:
    """The verbs of runs. `playbooks` are those that may be started now; a run carries its own copy.

    `usual` says how long an action or a check states that it takes, for playbooks of which there is no run yet.
    """

    def __init__(
        self, config: Config, directory: Directory, playbooks: Mapping[str, Playbook], usual: Usual = lambda _name: None
    ) -> None:
        self.config, self.directory, self.playbooks, self.usual = config, directory, playbooks, usual
        self.approvers = Approvers(config, directory)

    def playbook(self, name: str) -> Playbook:
        """The playbook of that name. Raises `NotFound`."""
        if name not in self.playbooks:
            raise NotFound("playbook", name, ", ".join(sorted(self.playbooks)) or "-")
        return self.playbooks[name]

    def form(
        self, incident: Incident, name: str, now: datetime, zone: str, given: Mapping[str, str] | None = None
    ) -> Filled:
        """The playbook's inputs as a form shows them: filled in from the alarm, with what still has to be mended."""
        return inputs.fill(self.playbook(name), self.context(incident, now), given, zone)

    def context(self, incident: Incident, now: datetime) -> Context:
        """What the playbook may know of the incident."""
        service = self.config.services.get(incident.service or "")
        facts = IncidentFacts(
            id=incident.id, started_at=incident.started_at, title=incident.title, service=incident.service or "",
            region=incident.region,
        )  # fmt: skip
        return Context(
            now=now,
            region=incident.region or self.config.region,
            incident=facts,
            alarm=AlarmFacts.model_validate(incident.alarm) if incident.alarm else None,
            service=ServiceFacts(name=incident.service or "", parameters=service.parameters, tags=service.tags)
            if service
            else None,
        )

    async def request(
        self, tx: Tx, incident_id: str, name: str, given: Mapping[str, str], by: str, *, zone: str = "UTC",
        automatic: bool = False, via: str = "",
    ) -> Run:  # fmt: skip
        """Ask for a run: its plan is made next, nothing changes yet. Raises `BadInputs`, `NotFound`, `Refused`."""
        incident = await tx.incidents.get(incident_id)
        if incident.resolved:
            raise Refused(phrase(N_("The incident is already resolved.")))
        playbook, context = self.playbook(name), self.context(incident, tx.now)
        if automatic and (playbook.tier == 3 or not playbook.automatic):
            raise Refused(phrase(N_("Playbook {name} never starts without a person."), name=name))
        filled = inputs.fill(playbook, context, given, zone)
        if not filled.complete:
            raise BadInputs(filled.problems)
        context = _in_its_regions(playbook, context, filled.values)
        run = Run(
            id=new_id(), incident=incident.id, name=name, playbook=playbook.model_dump(mode="json"),
            inputs=dict(inputs.fill(playbook, context, filled.texts, zone).texts), context=context.model_dump(mode="json"),
            requested_by=by, requested_via=via, requested_at=tx.now, automatic=automatic,
        )  # fmt: skip
        steps = [Step(run=run.id, step=step.id, of=step.id, position=at) for at, step in enumerate(playbook.steps)]
        await tx.runs.add(run, steps)
        what = phrase(N_("{who} asked for playbook {name}."), who=self._name(by), name=name)
        await tx.notes.write(entry(incident.id, tx.now, "run-requested", what, by))
        await tx.jobs.add(NewJob(PLAN_RUN, {"run": run.id}), NewJob(DRAW_RUN, {"run": run.id}, key=f"run:{run.id}"))
        return run

    async def planned(self, tx: Tx, run_id: str, plan: Plan) -> None:
        """The plan is ready for a person to read, or says why the playbook cannot run."""
        walk = await Walk.open(tx, run_id)
        if walk.run.status != "planning":
            return
        walk.change(plan=to_json(plan), plan_hash=plan_hash(plan), planned_at=tx.now)
        problem = next(iter(plan.problems.items()), None)
        if problem:
            step, why = problem
            what = phrase(N_("The playbook cannot run: step {step}: {why}"), step=step, why=why)
            walk.end("refused", what, step)
            walk.note("run-refused", what)
        elif walk.run.automatic:
            approval = Approval(by=LIFEBOAT, at=tx.now, plan_hash=walk.run.plan_hash or "")
            walk.change(status="announced", approvals=(approval,))
            walk.jobs += automatic_rules.announcing(walk.run, tx.now)
        else:
            walk.change(status="planned")
            walk.timer("expire", expires_at(walk.run, walk.playbook))
        await walk.close()

    async def plan_failed(self, tx: Tx, run_id: str, why: Phrase) -> None:
        """The plan could not be made at all."""
        walk = await Walk.open(tx, run_id)
        if walk.run.status == "planning":
            walk.end("refused", why)
            walk.note("run-refused", why)
            await walk.close()

    async def replan(self, tx: Tx, run_id: str, by: str) -> Run:
        """Make the plan anew; who had approved the old one must read this one. Raises `Refused`."""
        walk = await Walk.open(tx, run_id)
        await self._may_decide(tx, walk, by)
        if walk.run.status not in {"planned", "expired", "refused"}:
            raise _refused_as_it_stands(walk.run)
        if (await tx.incidents.get(walk.run.incident)).resolved:
            raise Refused(phrase(N_("The incident is already resolved.")))
        nothing = {"plan": None, "plan_hash": None, "planned_at": None, "approvals": (), "ended_at": None}
        walk.change(status="planning", problem=None, failed_step=None, **nothing)
        what = phrase(N_("{who} has playbook {name} planned anew."), who=self._name(by), name=walk.run.name)
        walk.note("run-replanned", what, by)
        walk.jobs.append(NewJob(PLAN_RUN, {"run": run_id}))
        return await walk.close()

    async def approve(self, tx: Tx, run_id: str, plan_hash_: str, by: str, *, typed: str = "", via: str = "") -> Run:
        """A person agrees to exactly this plan; with the last approval that is needed, the run starts.

        Raises `Refused`: not planned or started already, the incident is over, another plan, an old plan, no right to
        approve, twice the same person where two are needed, or another run changes the same things. It fails closed.
        """
        walk = await Walk.open(tx, run_id)
        if walk.run.status != "planned":
            raise _refused_as_it_stands(walk.run)
        if (await tx.incidents.get(walk.run.incident)).resolved:  # locked: a resolution does not slip in between
            raise Refused(phrase(N_("The incident is already resolved.")))
        await self._may_decide(tx, walk, by)
        approval = Approval(by=by, at=tx.now, plan_hash=plan_hash_, via=via)
        self.approvers.judge(walk.run, walk.playbook, approval, tx.now, typed)
        walk.change(approvals=(*walk.run.approvals, approval))
        walk.note("run-approved", phrase(N_("{who} approved {name}."), who=self._name(by), name=walk.run.name), by)
        if self.approvers.enough(walk.run, walk.playbook):
            await clear_way(tx, walk)
            self._begin(walk, by)
        return await walk.close()

    async def start_now(self, tx: Tx, run_id: str, by: str) -> Run:
        """A person does not wait for the announced start. Raises `Refused`."""
        walk = await Walk.open(tx, run_id)
        await self._may_decide(tx, walk, by)
        if walk.run.status != "announced":
            raise _refused_as_it_stands(walk.run)
        await clear_way(tx, walk)
        self._begin(walk, by)
        return await walk.close()

    async def abort(self, tx: Tx, run_id: str, by: str) -> Run:
        """Stop: no step starts any more. What AWS has begun goes on by itself."""
        walk = await Walk.open(tx, run_id)
        if walk.run.ended:
            raise Refused(phrase(N_("The run is already over.")))
        anybody = (
            walk.run.automatic and walk.run.status == "announced" and self.approvers.voice(by) in self.directory.people
        )
        if not anybody:
            await self._may_decide(tx, walk, by)
        still_going = [row.step for row in walk.rows.values() if row.state == "running" and not walk.elements(row.step)]
        _stop(walk, by)
        names = ", ".join(still_going) or "-"
        said = N_("{who} aborted {name}. Begun in AWS and going on by itself: {steps}.")
        walk.note("run-aborted", phrase(said, who=self._name(by), name=walk.run.name, steps=names), by)
        return await walk.close()

    async def call_off(self, tx: Tx, run_id: str, why: Phrase, by: str = LIFEBOAT) -> Run:
        """A run that has not begun does not begin: somebody stopped all that starts by itself, or a rule says no.

        One that has begun stays as it is; `abort` is for that.
        """
        walk = await Walk.open(tx, run_id)
        if walk.run.status in {"planning", "planned", "announced"}:
            _called_off(walk, why, by)
            await walk.close()
        return walk.run

    async def press(self, tx: Tx, run_id: str, row: str, event: graph.Event, by: str, reason: str = "") -> Run:
        """A person's word on one row: `retry`, `skip` (with a reason), `yes`, `no`, or `confirm` of a manual step."""
        walk = await Walk.open(tx, run_id)
        if walk.run.status not in PRESSABLE:
            raise _refused_as_it_stands(walk.run)
        await self._may_decide(tx, walk, by)
        if row not in walk.rows:
            raise NotFound("step", row, ", ".join(walk.rows))
        back = going_back(walk.undos)
        if back and not walk.rows[row].undoes:
            raise Refused(phrase(N_("The run is being taken back: its steps no longer go on.")))
        stepping.pressed(walk, walk.rows[row], event, by, reason)
        said = {
            "retry": N_("{who} retries step {step}."), "skip": N_("{who} skipped step {step}: {reason}"),
            "yes": N_("{who} said yes to step {step}."), "no": N_("{who} said no to step {step}."),
            "confirm": N_("{who} has done step {step}."),
        }[event]  # fmt: skip
        walk.note(f"step-{event}", phrase(said, who=self._name(by), step=row, reason=reason), by)
        walk.change(status="undoing" if back else "running")
        stepping.go_on(walk)
        return await walk.close()

    async def undo(
        self, tx: Tx, run_id: str, by: str, *, row: str | None = None, only: bool = False, typed: str = ""
    ) -> Run:
        """Take back what happened, the latest change first: the whole run, `row` and all after it, or (`only`) it alone.

        Raises `Refused` while steps still run, when nothing can be taken back, and when another run changes the same.
        """
        walk = await Walk.open(tx, run_id)
        await self._may_decide(tx, walk, by)
        if walk.run.status not in AT_REST:
            raise Refused(
                phrase(N_("The run is {status}. Abort it first, then take it back."), status=_status(walk.run))
            )
        if row is not None and row not in walk.rows:
            raise NotFound("step", row, ", ".join(walk.rows))
        self.approvers.judge_undo(walk.run, walk.playbook, typed)
        undoing.start(walk, by, row, only=only)
        await clear_way(tx, walk)
        what = phrase(N_("{who} has {name} taken back."), who=self._name(by), name=walk.run.name)
        walk.note("run-undoing", what, by)
        stepping.go_on(walk)
        return await walk.close()

    async def step_reported(
        self, tx: Tx, run_id: str, row_id: str, attempt: int, progress: Progress, *, acted: bool,
        transient: bool = False, acting: bool = False,
    ) -> None:  # fmt: skip
        """What a step's call returned. A report of an attempt that is over (aborted, retried) moves nothing.

        What an attempt that was cut short has still given is kept, for whoever takes it back. `transient`: the very same call may
        work later; `acting`: nobody knows whether this one was done.
        """
        walk = await Walk.open(tx, run_id)
        row = walk.rows[row_id]
        cut_short = row.state == "aborted" or (row.state == "failed" and walk.run.ended)
        if row.attempt != attempt or not (row.state == "running" or cut_short):
            return
        if row.state == "running":
            row = walk.put(row, acting=acting)
            stepping.reported(walk, row, progress, acted=acted, transient=transient)
            stepping.go_on(walk)
        elif isinstance(progress, Done):
            walk.put(row, output=encode(dict(progress.output)), note=store(progress.note))
        await walk.close()

    async def intend(
        self, tx: Tx, row: Step, params: Mapping[str, Any], before: Mapping[str, Any], touches: Sequence[str] = (),
        *, acting: bool = False,
    ) -> Step:  # fmt: skip
        """Write down what the row is about to do and how things stood, before its first call, and take what it changes.

        Raises `Refused` when the attempt is over (somebody stopped it while we asked how things stand), and when another
        run changes one of these things now.
        """
        now, latest = await tx.runs.row(row.run, row.step)
        _goes_on(row, now)
        held = await tx.runs.lock(row.run, touches)
        if held:
            thing, holder = next(iter(held.items()))
            what = N_("{thing} is being changed by run {run}. Wait until it ends, or abort it; then retry.")
            raise Refused(phrase(what, thing=thing, run=holder))
        happened = latest + 1
        row = now.model_copy(update={"params": params, "before": before, "happened": happened, "acting": acting})
        await tx.runs.save_steps(row)
        return row

    async def acts_again(self, tx: Tx, row: Step) -> None:
        """Write down, before `act` is called another time, that it may have been; and spend the answer that it is told.

        Raises `Refused` when the attempt is over.
        """
        now, _ = await tx.runs.row(row.run, row.step)
        _goes_on(row, now)
        await tx.runs.save_steps(now.model_copy(update={"acting": True, "answer": None}))

    async def timers_due(self, tx: Tx, jobs: Sequence[Job]) -> None:
        """The plan expires, an announced run begins, or the time of a run is over. Safe to run twice: each looks first."""
        runs = sorted({str(job.payload["run"]) for job in jobs})
        # All of them before anything is written, in one order: whoever holds one of them must not wait for what we wrote.
        walks = {run: await Walk.open(tx, run) for run in runs}
        for job in sorted(jobs, key=lambda one: str(one.payload["run"])):
            walk = walks[job.payload["run"]]
            match job.payload["what"]:
                case "expire":
                    self._expire(walk)
                case "start":
                    await self._start_announced(tx, walk)
                case "deadline":
                    _out_of_time(walk)
        for walk in walks.values():
            await walk.close()

    def _begin(self, walk: Walk, by: str) -> None:
        walk.change(status="running", started_at=walk.now, deadline_at=walk.now + walk.playbook.time_limit)
        walk.timer("deadline", walk.now + walk.playbook.time_limit)
        walk.note("run-started", phrase(N_("Playbook {name} started."), name=walk.run.name), by)
        stepping.go_on(walk)

    def _expire(self, walk: Walk) -> None:
        if walk.run.status == "planned" and walk.now >= expires_at(walk.run, walk.playbook):
            what = phrase(N_("Nobody approved {name} in time."), name=walk.run.name)
            walk.end("expired", what)
            walk.note("run-expired", what)

    async def _start_announced(self, tx: Tx, walk: Walk) -> None:
        if walk.run.status != "announced" or (walk.run.starts_at and walk.run.starts_at > walk.now):
            return
        if why := await automatic_rules.why_not(tx, self.config, walk.run) or await obstacle(tx, walk):
            _called_off(walk, why, LIFEBOAT)
        else:
            self._begin(walk, LIFEBOAT)

    async def _may_decide(self, tx: Tx, walk: Walk, by: str) -> None:
        await self.approvers.allow(tx, walk.playbook, by)

    def _name(self, actor: str) -> str:
        return display_name(self.directory, actor)


def reversal(run: Run, rows: Sequence[Step], row: str | None = None, *, only: bool = False) -> Reversal:
    """What taking the run back would mean now: for the form that asks."""
    if run.status not in AT_REST:
        return Reversal()
    return reversal_of(playbook_of(run), rows, row, only=only)


def _in_its_regions(playbook: Playbook, context: Context, values: Mapping[str, Any]) -> Context:
    """The region that the steps act in, and the one that they must not ask. Raises `BadTemplate`."""
    if playbook.regions is None:
        return context
    known = context.variables(values)
    acting, failing = (str(evaluate(text, known)) for text in (playbook.regions.acting, playbook.regions.failing))
    if acting == failing:
        what = N_("{region} cannot be both the region that is failing and the one that takes over. Choose another.")
        raise Refused(phrase(what, region=acting))
    return context.model_copy(update={"region": acting, "failing": "" if failing == "none" else failing})


def _stop(walk: Walk, by: str, why: Phrase | None = None) -> None:
    """No row goes on or starts any more."""
    for row in walk.rows.values():
        if not row.over:
            walk.put(row, state="aborted", decided_by=by, ended_at=walk.now)
    walk.end("aborted", why)
    walk.change(aborted_by=by)


def _called_off(walk: Walk, why: Phrase, by: str) -> None:
    _stop(walk, by, why)
    walk.note("run-called-off", phrase(N_("{name} does not start: {why}"), name=walk.run.name, why=why), by)


def _out_of_time(walk: Walk) -> None:
    """The run's own deadline: what runs has failed, what waits never starts."""
    if walk.run.status not in {"running", "needs_person"} or not walk.run.deadline_at or walk.undos:
        return
    if walk.now < walk.run.deadline_at:
        return
    why = phrase(N_("The run took longer than {limit}, the time it is given."), limit=walk.playbook.time_limit)
    left = sorted((row for row in walk.rows.values() if not row.over), key=_nearest_to_the_fault)
    for row in left:
        if row.state in {"running", "asking"}:
            walk.put(row, state="failed", note=store(why), ended_at=walk.now, question=None)
    walk.end("failed", why, left[0].step)
    said = N_("Playbook {name} failed at step {step}: {why}")
    walk.note("run-failed", phrase(said, name=walk.run.name, step=left[0].step, why=why))


def _goes_on(row: Step, now: Step) -> None:
    """Raises `Refused` when the attempt of the row, as it is stored now, is over."""
    if (now.state, now.attempt) != ("running", row.attempt):
        raise graph.not_now(now.step, now.state)


def _nearest_to_the_fault(row: Step) -> tuple[int, int]:
    return ["failed", "running", "asking", "waiting", "aborted"].index(row.state), row.position


def _refused_as_it_stands(run: Run) -> Refused:
    return Refused(phrase(N_("Run {run} is {status} now."), run=run.id, status=_status(run)))


def _status(run: Run) -> Phrase:
    return phrase(STATUS_NAMES[run.status])
