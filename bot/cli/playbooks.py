"""`lifeboat playbook …`: read, check, plan and run playbooks without Slack."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import desk, say

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The playbook's name.")]
RunId = Annotated[str, typer.Argument(help="The run's id, as `playbook plan` printed it.")]
StepId = Annotated[str, typer.Argument(help="The step's id.")]
IncidentId = Annotated[str, typer.Option("--incident", "-i", help="The incident it is for.")]
Given = Annotated[list[str] | None, typer.Option("--input", help="An input as name=value; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
#: A plan reads a few dozen things in AWS; a run may take hours, and goes on without this command.
_PLAN_SECONDS, _RUN_SECONDS = 120.0, 6 * 3600.0
#: The longest name of a step's state, "waiting for a person".
_STATE_CELLS = 20


@app.command("list")
def list_(*, json: Json = False) -> None:
    """The playbooks that can be used now."""
    from bot.core import read_config, usable_playbooks
    from bot.settings import Settings

    config, _directory = read_config(Settings())
    playbooks, problems = usable_playbooks(config)
    _ = say.words(config.language, config.zone)
    if json:
        say.as_json([{"name": p.name, "tier": p.tier, "title": p.title.model_dump()} for p in playbooks.values()])
    else:
        rows = [(p.name, f"{p.tier}", p.title.for_reader(_.language)) for p in playbooks.values()]
        say.table(("name", "tier", "title"), rows)
    if problems:
        say.out(_("{count} playbook problems: run `lifeboat playbook lint`.", count=len(problems)))


@app.command()
def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; the configured ones when left out.")
    ] = None,
) -> None:
    """Check playbooks: each problem as file:line:column with what to do. Exit status 1 when there is one."""
    from bot.aws import ACTIONS, CHECKS
    from bot.core import read_config
    from bot.errors import BadFile, BadFiles
    from bot.playbook.lint import lint as check
    from bot.playbook.loading import files
    from bot.settings import Settings
    from escalation.document import read

    folders = paths or list(read_config(Settings())[0].playbook_folders)
    documents, problems = [], []
    for file in files(folders[0], folders[1:]):
        try:
            documents.append(read(file))
        except BadFile as error:
            problems.append(error)
    problems += check(documents, ACTIONS, CHECKS)
    if problems:
        raise BadFiles(problems)
    _ = say.words()
    say.out(_("{count} playbooks, no problems.", count=len(documents)))


@app.command()
def show(name: Name) -> None:
    """One playbook: its inputs, its steps and what each waits for."""
    from bot.core import read_config, usable_playbooks
    from bot.errors import NotFound
    from bot.playbook.graph import needs
    from bot.settings import Settings

    config, _directory = read_config(Settings())
    playbooks, _problems = usable_playbooks(config)
    if name not in playbooks:
        raise NotFound("playbook", name, ", ".join(playbooks))
    playbook, _ = playbooks[name], say.words(config.language, config.zone)
    tier = _("tier {tier}", tier=playbook.tier)
    say.out(f"{playbook.name} ({tier}): {playbook.title.for_reader(_.language)}")
    say.out(_("Targets: RTO {rto}, RPO {rpo}", rto=playbook.targets.rto, rpo=playbook.targets.rpo))
    for key, wanted in playbook.inputs.items():
        say.out(f"  {key}: {wanted.type}")
    waits = needs(playbook)
    for step in playbook.steps:
        after = _("after: {steps}", steps=", ".join(sorted(waits[step.id])) or "-")
        what = step.uses or step.kind
        title = step.title.for_reader(_.language) if step.title else step.id
        say.out(f"  {step.id:<14} {what:<28} {after:<28} {title}")


@app.command()
def plan(name: Name, incident: IncidentId, given: Given = None, *, json: Json = False) -> None:
    """Ask for a run and print its plan: the exact calls, before and after. Nothing is changed. Exit status 1: refused."""
    desk.run(_plan(name, incident, given or [], json=json))


async def _plan(name: str, incident: str, given: list[str], *, json: bool) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            values = _inputs(given)
            run = await core.runs.request(tx, incident, name, values, desk.me(), zone=_.zone)
        await desk.see_through(core, _reaches(core, run.id, beyond={"planning"}), _PLAN_SECONDS)
        current = await _print_run(core, run.id, _, json=json)
        if current.status != "planned":
            raise typer.Exit(1)


@app.command()
def run(
    name: Name, incident: IncidentId, given: Given = None, *,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the plan without asking.")] = False,
) -> None:  # fmt: skip
    """Plan, ask for approval, run, and follow the run to its end."""
    desk.run(_run(name, incident, given or [], yes=yes))


async def _run(name: str, incident: str, given: list[str], *, yes: bool) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            made = await core.runs.request(tx, incident, name, _inputs(given), desk.me(), zone=_.zone)
        await desk.see_through(core, _reaches(core, made.id, beyond={"planning"}), _PLAN_SECONDS)
        current = await _print_run(core, made.id, _, json=False)
        if current.status != "planned":
            raise typer.Exit(1)
        if not yes and not typer.confirm(_("Run exactly this plan?")):
            raise typer.Exit(1)
        async with core.store.begin() as tx:
            await core.runs.approve(tx, made.id, current.plan_hash or "", desk.me())
        await desk.see_through(core, _reaches(core, made.id, beyond={"running"}), _RUN_SECONDS)
        current = await _print_run(core, made.id, _, json=False)
        if current.status != "succeeded":
            raise typer.Exit(1)


@app.command("show-run")
def show_run(run: RunId, *, json: Json = False) -> None:
    """One run: its plan, the state of its steps."""
    desk.run(_show_run(run, json=json))


async def _show_run(run: str, *, json: bool) -> None:
    async with desk.desk() as (core, _):
        await _print_run(core, run, _, json=json)


@app.command()
def approve(
    run: RunId,
    plan_hash: Annotated[str | None, typer.Option("--plan", help="The plan's hash, as it was printed.")] = None,
) -> None:
    """Approve the plan that was printed; with the last approval that is needed the run starts."""
    desk.run(_approve(run, plan_hash))


async def _approve(run: str, plan_hash: str | None) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            known = (await tx.runs.get(run)).plan_hash or ""
            await core.runs.approve(tx, run, plan_hash or known, desk.me())
        await desk.see_through(core, _reaches(core, run, beyond={"running"}), _RUN_SECONDS)
        await _print_run(core, run, _, json=False)


@app.command()
def abort(run: RunId) -> None:
    """Stop: no step starts any more. What AWS has begun goes on by itself."""
    desk.run(_abort(run))


async def _abort(run: str) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            await core.runs.abort(tx, run, desk.me())
        await _print_run(core, run, _, json=False)


@app.command()
def retry(run: RunId, step: StepId) -> None:
    """Try a failed step again."""
    desk.run(_press(run, step, "retry"))


@app.command()
def skip(run: RunId, step: StepId, reason: Annotated[str, typer.Option(help="Why.")]) -> None:
    """Go on without a step."""
    desk.run(_press(run, step, "skip", reason))


@app.command()
def answer(run: RunId, step: StepId, word: Annotated[str, typer.Argument(help="yes, no or done")]) -> None:
    """Answer a step that asks: yes, no, or done for a manual step."""
    if word not in {"yes", "no", "done"}:
        raise typer.BadParameter(word, param_hint="yes, no or done")
    desk.run(_press(run, step, "confirm" if word == "done" else word))


async def _press(run: str, step: str, event: str, reason: str = "") -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            await core.runs.press(tx, run, step, event, desk.me(), reason)
        await desk.see_through(core, _reaches(core, run, beyond={"running"}), _RUN_SECONDS)
        await _print_run(core, run, _, json=False)


def _reaches(core: Any, run: str, *, beyond: set[str]) -> Any:
    """Whether the run has left these states, or waits for a person."""

    async def reached() -> bool:
        async with core.store.begin() as tx:
            current = await tx.runs.get(run)
            asking = any(step.state == "asking" for step in await tx.runs.steps(run))
        return current.status not in beyond or asking

    return reached


async def _print_run(core: Any, run: str, _: Any, *, json: bool) -> Any:
    from bot.incident.playbook_runs import plan_of
    from bot.incident.run import STATUS_NAMES
    from bot.incident.timeline import restore
    from bot.playbook.graph import STATE_NAMES
    from bot.report.plan_text import lines

    async with core.store.begin() as tx:
        current, steps = await tx.runs.get(run), await tx.runs.steps(run)
    if json:
        say.as_json(current.model_dump(mode="json") | {"steps": [step.model_dump(mode="json") for step in steps]})
        return current
    say.out(f"{current.name} {current.id}: {_(STATUS_NAMES[current.status])}")
    planned = plan_of(current)
    if current.status == "planned" and planned:
        for line in lines(planned, _):
            say.out(line)
        say.out(_("Plan {hash}. To run it: lifeboat playbook approve {run}", hash=current.plan_hash, run=current.id))
    if current.problem:
        say.out(_.phrase(restore(current.problem)))
    if current.status not in {"planned", "planning", "refused"}:
        for step in steps:
            state = say.column(_(STATE_NAMES[step.state]), _STATE_CELLS)
            say.out(f"  {step.step:<14} {state} {_.phrase(restore(step.note)) if step.note else ''}")
    return current


def _inputs(given: list[str]) -> dict[str, str]:
    """`["table=orders"]` as a mapping. A usage error for anything without an equals sign."""
    for pair in given:
        if "=" not in pair:
            raise typer.BadParameter(pair, param_hint="--input name=value")
    return dict(pair.split("=", 1) for pair in given)
