"""Runs of playbooks: the verbs. A run is frozen when it is asked for, planned before it may start, and then walks its graph.

Every verb takes an open transaction and writes the jobs that follow. What touches AWS is in `step_runner.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.config import Config
from bot.errors import N_, NotFound, Phrase, Refused, phrase
from bot.incident.incident import Incident, new_id
from bot.incident.ports import Tx
from bot.incident.run import STATUS_NAMES, Approval, Run, Step
from bot.incident.timeline import display_name, entry, store
from bot.jobs import DRAW_CARD, DRAW_RUN, PLAN_RUN, STEP, NewJob
from bot.playbook import graph, inputs
from bot.playbook.action import Asks, Failed, Progress, Working
from bot.playbook.context import AlarmFacts, Context, IncidentFacts, ServiceFacts
from bot.playbook.inputs import Filled
from bot.playbook.model import Approval as ApprovalRule
from bot.playbook.model import Playbook
from bot.playbook.plan import Plan, from_json, plan_hash, to_json
from escalation.loading import Directory


class BadInputs(Refused):
    """The form cannot be accepted; `problems` says why, by input."""

    def __init__(self, problems: Mapping[str, Phrase]) -> None:
        fields = {f"problem{number}": problem for number, problem in enumerate(problems.values())}
        lines = (f"{name}: {{{field}}}" for name, field in zip(problems, fields, strict=True))
        listing = Phrase("; ".join(lines), fields)  # each is translated for its reader
        super().__init__(phrase(N_("Some inputs cannot be used: {listing}"), listing=listing))
        self.problems = problems


class PlaybookRuns:
    """The verbs of runs. `playbooks` are those that may be started now; a run carries its own copy."""

    def __init__(self, config: Config, directory: Directory, playbooks: Mapping[str, Playbook]) -> None:
        self.config, self.directory, self.playbooks = config, directory, playbooks

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
        self, tx: Tx, incident_id: str, name: str, given: Mapping[str, str], by: str, *, zone: str = "UTC"
    ) -> Run:
        """Ask for a run: its plan is made next, nothing changes yet. Raises `BadInputs`, `NotFound`, `Refused`."""
        incident = await tx.incidents.get(incident_id)
        if incident.resolved:
            raise Refused(phrase(N_("The incident is already resolved.")))
        playbook, context = self.playbook(name), self.context(incident, tx.now)
        filled = inputs.fill(playbook, context, given, zone)
        if not filled.complete:
            raise BadInputs(filled.problems)
        run = Run(
            id=new_id(), incident=incident.id, name=name, playbook=playbook.model_dump(mode="json"),
            inputs=dict(inputs.fill(playbook, context, filled.texts, zone).texts), context=context.model_dump(mode="json"),
            requested_by=by, requested_at=tx.now,
        )  # fmt: skip
        steps = [Step(run=run.id, step=step.id, position=at) for at, step in enumerate(playbook.steps)]
        await tx.runs.add(run, steps)
        what = phrase(N_("{who} asked for playbook {name}."), who=self._name(by), name=name)
        await tx.notes.write(entry(incident.id, tx.now, "run-requested", what, by))
        await tx.jobs.add(NewJob(PLAN_RUN, {"run": run.id}), _draw(run))
        return run

    async def planned(self, tx: Tx, run_id: str, plan: Plan) -> None:
        """The plan is ready for a person to read, or says why the playbook cannot run."""
        run = await tx.runs.get(run_id)
        if run.status != "planning":
            return
        problem = next(iter(plan.problems.items()), None)
        update: dict[str, Any] = {"plan": to_json(plan), "plan_hash": plan_hash(plan), "status": "planned"}
        if problem:
            step, why = problem
            what = phrase(N_("The playbook cannot run: step {step}: {why}"), step=step, why=why)
            update |= {"status": "refused", "problem": store(what), "ended_at": tx.now}
            await tx.notes.write(entry(run.incident, tx.now, "run-refused", what))
        await tx.runs.save(run.model_copy(update=update))
        await tx.jobs.add(_draw(run))

    async def plan_failed(self, tx: Tx, run_id: str, why: Phrase) -> None:
        """The plan could not be made at all."""
        run = await tx.runs.get(run_id)
        if run.status == "planning":
            update = {"status": "refused", "problem": store(why), "ended_at": tx.now}
            await tx.runs.save(run.model_copy(update=update))
            await tx.notes.write(entry(run.incident, tx.now, "run-refused", why))
            await tx.jobs.add(_draw(run))

    async def approve(self, tx: Tx, run_id: str, plan_hash_: str, by: str) -> Run:
        """A person agrees to exactly this plan; with the last approval that is needed, the run starts.

        Raises `Refused`: not planned or started already, the incident is over, another plan, an old plan, no right to
        approve, or twice the same person where two are needed. It fails closed.
        """
        run = await tx.runs.get(run_id)
        if run.status != "planned":
            raise _refused_as_it_stands(run)
        if (await tx.incidents.get(run.incident)).resolved:  # locked: a resolution does not slip in between
            raise Refused(phrase(N_("The incident is already resolved.")))
        playbook = playbook_of(run)
        self._may_approve(playbook, by)
        if plan_hash_ != run.plan_hash:
            raise Refused(phrase(N_("The plan has changed since you saw it. Read the new one first.")))
        self._is_fresh(run, playbook, tx.now)
        if any(_login(approval.by) == _login(by) for approval in run.approvals):
            raise Refused(phrase(N_("You have approved it already; another person is needed.")))
        run = run.model_copy(update={"approvals": (*run.approvals, Approval(by=by, at=tx.now, plan_hash=plan_hash_))})
        needed = playbook.approval.people if playbook.approval else 1
        await tx.notes.write(
            entry(
                run.incident,
                tx.now,
                "run-approved",
                phrase(N_("{who} approved {name}."), who=self._name(by), name=run.name),
                by,
            )
        )
        if len(run.approvals) >= needed:
            run = run.model_copy(update={"status": "running", "started_at": tx.now})
            what = phrase(N_("Playbook {name} started."), name=run.name)
            await tx.notes.write(entry(run.incident, tx.now, "run-started", what, by))
        await tx.runs.save(run)
        await self._go_on(tx, run)
        return run

    async def abort(self, tx: Tx, run_id: str, by: str) -> Run:
        """Stop: no step starts any more. What AWS has begun goes on by itself."""
        run = await tx.runs.get(run_id)
        if run.ended:
            raise Refused(phrase(N_("The run is already over.")))
        self._may_approve(playbook_of(run), by)
        steps = await tx.runs.steps(run.id)
        still_going = [step.step for step in steps if step.state == "running"]
        changes = graph.abort(playbook_of(run), _states(steps))
        await self._write(tx, steps, changes, by=by)
        run = run.model_copy(update={"status": "aborted", "ended_at": tx.now, "aborted_by": by})
        await tx.runs.save(run)
        names = ", ".join(still_going) or "-"
        what = phrase(
            N_("{who} aborted {name}. Begun in AWS and going on by itself: {steps}."),
            who=self._name(by),
            name=run.name,
            steps=names,
        )
        await tx.notes.write(entry(run.incident, tx.now, "run-aborted", what, by))
        await tx.jobs.add(_draw(run), _card(run))
        return run

    async def press(self, tx: Tx, run_id: str, step_id: str, event: graph.Event, by: str, reason: str = "") -> Run:
        """A person's word on one step: `retry`, `skip` (with a reason), `yes`, `no`, or `confirm` of a manual step."""
        run = await tx.runs.get(run_id)
        if run.status not in {"running", "needs_person"}:
            raise _refused_as_it_stands(run)
        playbook = playbook_of(run)
        self._may_approve(playbook, by)
        steps = await tx.runs.steps(run.id)
        if step_id not in _states(steps):
            raise NotFound("step", step_id, ", ".join(_states(steps)))
        changes = graph.apply(playbook, _states(steps), step_id, event, reason)
        await self._write(tx, steps, changes, by=by, reason=reason, chosen=step_id)
        if event == "yes" and changes[step_id] == "running":
            await self._begin(tx, run, next(s for s in await tx.runs.steps(run.id) if s.step == step_id))
        said = {
            "retry": N_("{who} retries step {step}."), "skip": N_("{who} skipped step {step}: {reason}"),
            "yes": N_("{who} said yes to step {step}."), "no": N_("{who} said no to step {step}."),
            "confirm": N_("{who} has done step {step}."),
        }[event]  # fmt: skip
        what = phrase(said, who=self._name(by), step=step_id, reason=reason)
        await tx.notes.write(entry(run.incident, tx.now, f"step-{event}", what, by))
        run = run.model_copy(update={"status": "running"})
        await tx.runs.save(run)
        await self._go_on(tx, run)
        return run

    async def step_reported(
        self, tx: Tx, run_id: str, step_id: str, attempt: int, progress: Progress, *, acted: bool
    ) -> None:
        """What a step's call returned. A report of an attempt that is over (aborted, retried) changes nothing."""
        run = await tx.runs.get(run_id)
        steps = await tx.runs.steps(run.id)
        step = next(s for s in steps if s.step == step_id)
        if step.state != "running" or step.attempt != attempt:
            return
        if isinstance(progress, Working):
            memory = {**step.memory, **progress.memory}
            stored = store(progress.note)
            changed = step.note != stored
            await tx.runs.save_steps(step.model_copy(update={"acted": acted, "memory": memory, "note": stored}))
            due = tx.now + progress.again_in
            await tx.jobs.add(_step_job(run.id, step_id, attempt, due), *([_draw(run)] if changed else []))
            return
        if isinstance(progress, Asks):
            raise NotImplementedError
        event: graph.Event = "fail" if isinstance(progress, Failed) else "finish"
        note = progress.why if isinstance(progress, Failed) else progress.note
        output = {} if isinstance(progress, Failed) else dict(progress.output)
        changes = graph.apply(playbook_of(run), _states(steps), step_id, event)
        done = step.model_copy(
            update={
                "state": changes[step_id],
                "acted": acted,
                "note": store(note),
                "output": output,
                "ended_at": tx.now,
            }
        )
        await tx.runs.save_steps(done)
        what = phrase(
            N_("Step {step} failed: {note}") if event == "fail" else N_("Step {step}: {note}"), step=step_id, note=note
        )
        await tx.notes.write(entry(run.incident, tx.now, f"step-{done.state}", what))
        await self._go_on(tx, run)

    async def intend(self, tx: Tx, step: Step, params: Mapping[str, Any], before: Mapping[str, Any]) -> Step:
        """Write down what the step is about to do and how things stood, before its first call."""
        step = step.model_copy(update={"params": params, "before": before})
        await tx.runs.save_steps(step)
        return step

    async def _go_on(self, tx: Tx, run: Run) -> None:
        """Start what is ready; when nothing moves any more, say how the run stands."""
        playbook = playbook_of(run)
        while run.status == "running":
            steps = await tx.runs.steps(run.id)
            ready = graph.ready(playbook, _states(steps))
            if not ready:
                break
            for step in steps:
                if step.step in ready:
                    await self._start(tx, run, playbook, step, _states(steps))
        steps = await tx.runs.steps(run.id)
        ended = graph.outcome(playbook, _states(steps)) if run.status == "running" else None
        if ended == "done":
            run = run.model_copy(update={"status": "succeeded", "ended_at": tx.now})
            took = tx.now - (run.started_at or run.requested_at)
            what = phrase(N_("Playbook {name} succeeded after {took}."), name=run.name, took=took)
            await tx.notes.write(entry(run.incident, tx.now, "run-succeeded", what))
        elif ended == "failed":
            run = run.model_copy(update={"status": "needs_person"})
            what = phrase(N_("Playbook {name} needs a person: retry, skip or abort."), name=run.name)
            await tx.notes.write(entry(run.incident, tx.now, "run-needs-person", what))
        await tx.runs.save(run)
        await tx.jobs.add(_draw(run), _card(run))

    async def _start(self, tx: Tx, run: Run, playbook: Playbook, step: Step, states: Mapping[str, Any]) -> None:
        state = graph.apply(playbook, states, step.step, "start")[step.step]
        if state == "running":
            await self._begin(tx, run, step)
        else:
            asked = step.model_copy(update={"state": state, "attempt": step.attempt + 1, "started_at": tx.now})
            await tx.runs.save_steps(asked)
            what = phrase(N_("Step {step} waits for a person."), step=step.step)
            await tx.notes.write(entry(run.incident, tx.now, "step-asking", what))

    async def _begin(self, tx: Tx, run: Run, step: Step) -> None:
        """A new attempt with a clean memory; its deadline starts now."""
        limit = playbook_of(run).step(step.step).time_limit
        attempt = step.attempt + (step.state not in {"asking", "running"})
        begun = Step(
            run=run.id, step=step.step, position=step.position, state="running", attempt=attempt, started_at=tx.now,
            deadline_at=tx.now + limit if limit else None, decided_by=step.decided_by, reason=step.reason,
        )  # fmt: skip
        await tx.runs.save_steps(begun)
        await tx.jobs.add(_step_job(run.id, step.step, attempt, None))

    async def _write(
        self, tx: Tx, steps: Sequence[Step], changes: Mapping[str, Any], *, by: str, reason: str = "", chosen: str = ""
    ) -> None:
        for step in steps:
            if step.step in changes:
                over = changes[step.step] in {"done", "skipped", "aborted"}
                update = {"state": changes[step.step], "decided_by": by, "ended_at": tx.now if over else None}
                if step.step == chosen:
                    update["reason"] = reason
                await tx.runs.save_steps(step.model_copy(update=update))

    def _name(self, actor: str) -> str:
        return display_name(self.directory, actor)

    def _may_approve(self, playbook: Playbook, by: str) -> None:
        """Fails closed: only people of people.yaml, and of the role when lifeboat.yaml lists it."""
        role = playbook.approval.role if playbook.approval else "responder"
        members = self.config.roles.get(role, tuple(self.directory.people) if role == "responder" else ())
        if by not in members and not by.startswith("cli:"):
            what = N_("Only a {role} may do this. Ask one of: {members}.")
            raise Refused(phrase(what, role=role, members=", ".join(members) or "-"))

    def _is_fresh(self, run: Run, playbook: Playbook, now: datetime) -> None:
        expires = (playbook.approval or ApprovalRule()).expires
        if now - run.requested_at > expires:
            what = N_("The plan is older than {expires}: things may have changed. Ask for the playbook again.")
            raise Refused(phrase(what, expires=expires))


def playbook_of(run: Run) -> Playbook:
    """The playbook as it was when the run was asked for."""
    return Playbook.model_validate(run.playbook)


def plan_of(run: Run) -> Plan | None:
    """The stored plan, once it is made."""
    return from_json(run.plan) if run.plan else None


def _login(actor: str) -> str:
    """One name for one person, at the terminal and in Slack: neither may lend them a second voice."""
    return actor.removeprefix("cli:")


def _refused_as_it_stands(run: Run) -> Refused:
    return Refused(phrase(N_("Run {run} is {status} now."), run=run.id, status=phrase(STATUS_NAMES[run.status])))


def _states(steps: Sequence[Step]) -> dict[str, graph.StepState]:
    return {step.step: step.state for step in steps}


def _step_job(run: str, step: str, attempt: int, due: datetime | None) -> NewJob:
    return NewJob(STEP, {"run": run, "step": step, "attempt": attempt}, due, key=f"step:{run}/{step}/{attempt}")


def _draw(run: Run) -> NewJob:
    return NewJob(DRAW_RUN, {"run": run.id}, key=f"run:{run.id}")


def _card(run: Run) -> NewJob:
    return NewJob(DRAW_CARD, {"incident": run.incident}, key=f"card:{run.incident}")
