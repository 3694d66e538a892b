"""Plans runs: the handler of PLAN_RUN. It asks AWS, reading only, what each step would do."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from bot.errors import N_, ActionFailed, LifeboatError, Phrase, Unavailable, phrase
from bot.incident.hands import Hands, broken
from bot.incident.playbook_runs import PlaybookRuns, playbook_of
from bot.incident.ports import Store, Tx
from bot.incident.run import Run
from bot.jobs import Job
from bot.playbook import graph
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Memo, StepPlan
from bot.playbook.context import Context
from bot.playbook.forecast import Samples, remaining, spreads
from bot.playbook.inputs import fill
from bot.playbook.model import Playbook
from bot.playbook.model import Step as PlaybookStep
from bot.playbook.plan import Plan
from bot.playbook.planning import CallProblems, assemble, no_problems
from bot.playbook.rendering import bind

log = structlog.get_logger()

#: Which of these IAM actions our credentials lack on these resources (none: on any), and why that is not (all) known.
MissingPermissions = Callable[[Aws, Mapping[str, Collection[str]]], tuple[frozenset[str], Phrase | None]]

#: Where IAM answers from, for every region of the partition.
_IAM_REGION = "us-east-1"


class Planner:
    """Makes plans; changes nothing. Without `missing_permissions` nobody asks IAM."""

    def __init__(
        self, store: Store, runs: PlaybookRuns, hands: Hands, *,
        missing_permissions: MissingPermissions | None = None, call_problems: CallProblems = no_problems,
    ) -> None:  # fmt: skip
        self.store, self.runs, self.hands = store, runs, hands
        self.missing_permissions, self.call_problems = missing_permissions, call_problems

    async def plan(self, job: Job) -> Callable[[Tx], Awaitable[None]]:
        """Ask AWS, reading only, what each step would do."""
        run_id = job.payload["run"]
        async with self.store.begin() as tx:
            run = await tx.runs.get(run_id)
            records = (await tx.runs.records([run.name])).get(run.name, ())
            known = await tx.known.recall(self._recalls(playbook_of(run)))
        samples = [record.steps for record in records]
        try:
            made = await self.hands.pool(lambda: self._plan(run, samples, known))
        except Unavailable:
            raise
        except LifeboatError as error:
            why = error.phrase
            return lambda tx: self.runs.plan_failed(tx, run_id, why)
        except Exception as error:  # a defect is told at once: nothing was changed, and somebody waits for the plan
            log.exception("plan.broke", run=run_id)
            said = broken(error)
            return lambda tx: self.runs.plan_failed(tx, run_id, said)
        return lambda tx: self.runs.planned(tx, run_id, made)

    def _recalls(self, playbook: Playbook) -> Collection[str]:
        return {prefix for step in playbook.steps for prefix in self.hands.recalls(step.uses or "")}

    def _plan(self, run: Run, samples: Samples, known: Mapping[str, Memo]) -> Plan:
        playbook, context = playbook_of(run), Context.model_validate(run.context)
        values = fill(playbook, context, run.inputs).values

        def plan_step(step: PlaybookStep, rendered: Mapping[str, Any]) -> StepPlan:
            if step.kind == "check" and _follows_a_change(playbook, step):
                return StepPlan()  # what it looks at is not what it will be: it says nothing yet
            return self._plan_step(run, context, step, rendered, known)

        plan = assemble(playbook, context, values, plan_step, self.call_problems)
        return self._timed(self._permitted(plan, playbook, context), playbook, samples)

    def _plan_step(
        self, run: Run, context: Context, step: PlaybookStep, rendered: Mapping[str, Any], known: Mapping[str, Memo]
    ) -> StepPlan:
        used = self.hands.used(step.uses or "")
        params = bind(used.facts.params, rendered, step.id)
        attempt = Attempt(run.incident, run.id, step.id, 1, context.now, context.now, known=known)
        aws = self.hands.aws(context, step.region or "", best_effort=step.best_effort)
        if used.facts.kind == "action":
            return self.hands.actions[used.facts.name].plan(params, aws, attempt)
        looked = used.look(params, aws, attempt)
        if isinstance(looked, Failed):
            raise ActionFailed(looked.why)
        if isinstance(looked, Done) and used.facts.tells:
            return StepPlan(warnings=(looked.note,))
        return StepPlan()

    def _permitted(self, plan: Plan, playbook: Playbook, context: Context) -> Plan:
        """With the permissions that we lack, for the steps and for taking them back."""
        if self.missing_permissions is None:
            return plan
        if playbook.tier == 3 and context.failing == _IAM_REGION:
            what = N_("Permissions were not checked: IAM answers from {region}, the region that is failing.")
            return replace(plan, unchecked=phrase(what, region=_IAM_REGION))
        missing, unknown = self.missing_permissions(self.hands.aws(context), self._permissions(plan))
        return replace(plan, missing=tuple(sorted(missing)), unchecked=unknown)

    def _permissions(self, plan: Plan) -> Mapping[str, Collection[str]]:
        """Every IAM action that the plan needs, and on what; `{account}` and `{partition}` are still open."""
        wanted: dict[str, set[str]] = {}
        for region, facts in self._facts(plan):
            for permission in facts.permissions:
                patterns = facts.resources.get(permission, ())
                wanted.setdefault(permission, set()).update(one.replace("{region}", region) for one in patterns)
        return wanted

    def _facts(self, plan: Plan) -> Iterator[tuple[str, Facts]]:
        for row in plan.rows:
            for name in (row.uses, row.undo):
                found = self.hands.actions.get(name or "") or self.hands.checks.get(name or "")
                if found and not row.left_out:
                    given = row.parameters if name == row.uses else {}
                    yield row.region or plan.region, found.facts.given(given) if given else found.facts

    def _timed(self, plan: Plan, playbook: Playbook, samples: Samples) -> Plan:
        """With how long it will take, as far as earlier runs and stated durations tell."""
        counts = {step.step: len(step.elements) for step in plan.steps if step.listed}
        known = spreads(playbook, samples, self._usual, counts)
        left_out = {step.step: "skipped" for step in plan.steps if step.left_out}
        duration = remaining(playbook, known, left_out, {})
        untimed = [step.id for step in playbook.steps if step.kind in {"check", "action"} and step.id not in known]
        names = {step.uses for step in playbook.steps if step.uses}
        return replace(
            plan,
            duration=duration,
            untimed=() if duration else tuple(id_ for id_ in untimed if id_ not in left_out),
            usual={name: usual for name in sorted(names) if (usual := self._usual(name))},
        )

    def _usual(self, name: str) -> timedelta | None:
        found = self.hands.actions.get(name) or self.hands.checks.get(name)
        return found.facts.takes if found else None


def _follows_a_change(playbook: Playbook, step: PlaybookStep) -> bool:
    return any(playbook.step(one).action for one in graph.upstream(playbook, step.id))
