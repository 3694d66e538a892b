"""`lifeboat playbook …`: read, check, plan and run playbooks without Slack."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import desk, graph, say

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The playbook's name.")]
RunId = Annotated[str, typer.Argument(help="The run's id, as `playbook plan` printed it.")]
StepId = Annotated[str, typer.Argument(help="The step's id.")]
IncidentId = Annotated[str, typer.Option("--incident", "-i", help="The incident it is for.")]
Given = Annotated[list[str] | None, typer.Option("--input", help="An input as name=value; may be repeated.")]
As = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="KEY", help="Who you are: your key in people.yaml. Left out: LIFEBOAT_PERSON, else your login."
    ),
]
Region = Annotated[
    str, typer.Option(help="The name of the region in which it acts: a regional plan is approved only with it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
#: A plan reads a few dozen things in AWS; a run may take hours, and goes on without this command.
_PLAN_SECONDS, _RUN_SECONDS = 120.0, 6 * 3600.0


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
    import gc

    from bot.aws import ACTIONS, CHECKS
    from bot.errors import BadFile, BadFiles
    from bot.playbook import PLAYBOOKS
    from bot.playbook.lint import lint as check
    from bot.playbook.loading import among, files
    from escalation.document import read

    gc.disable()  # a short process that builds and throws nothing away: collecting is a tenth of it
    folders = paths or _configured()
    found = files(folders[0], folders[1:])
    others = [other for folder in (*dict.fromkeys(file.parent for file in found), PLAYBOOKS) for other in files(folder)]
    documents, problems = [], []
    for file in found:
        try:
            documents.append(read(file))
        except BadFile as error:
            problems.append(error)
    problems += check(documents, ACTIONS, CHECKS, {other.stem for other in others}, among([*found, *others]))
    if problems:
        raise BadFiles(problems)
    _ = say.words()
    say.out(_("{count} playbooks, no problems.", count=len(documents)))


def _configured() -> list[Path]:
    from bot.config import find, load  # with the settings a fifth of what the linter takes for a file that is named
    from bot.settings import Settings

    return list(load(find(Settings().config)).playbook_folders)


app.command()(graph.show)


@app.command()
def plan(name: Name, incident: IncidentId, given: Given = None, *, who: As = None, json: Json = False) -> None:
    """Ask for a run and print its plan: the exact calls, before and after. Nothing is changed. Exit status 1: refused."""
    desk.run(_plan(name, incident, given or [], who, json=json))


async def _plan(name: str, incident: str, given: list[str], who: str | None, *, json: bool) -> None:
    async with desk.desk() as (core, _):
        await _planned(core, name, incident, given, desk.person(core, who), _, json=json)


async def _planned(
    core: Any, name: str, incident: str, given: list[str], by: str, _: Any, *, json: bool = False
) -> Any:
    """The run that was asked for, its plan printed. Ends the command when there is none to approve."""
    async with core.store.begin() as tx:
        made = await core.runs.request(tx, incident, name, _inputs(given), by, zone=_.zone, via=desk.login())
    await desk.see_through(core, _reaches(core, made.id, beyond={"planning"}), _PLAN_SECONDS)
    current = await _print_run(core, made.id, _, json=json)
    if current.status != "planned":
        raise typer.Exit(1)
    return current


@app.command()
def run(
    name: Name, incident: IncidentId, given: Given = None, *,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the plan without asking.")] = False,
    region: Region = "", who: As = None,
) -> None:  # fmt: skip
    """Plan, ask for approval, run, and follow the run to its end."""
    desk.run(_run(name, incident, given or [], who, region, yes=yes))


async def _run(name: str, incident: str, given: list[str], who: str | None, region: str, *, yes: bool) -> None:
    from bot.incident.playbook_runs import playbook_of

    async with desk.desk() as (core, _):
        by = desk.person(core, who)
        planned = await _planned(core, name, incident, given, by, _)
        if playbook_of(planned).others_approve:
            say.out(_("You have asked for it: somebody else must approve it, in Slack or with the command above."))
            raise typer.Exit(1)
        if not yes and not typer.confirm(_("Run exactly this plan?")):
            raise typer.Exit(1)
        await _agree(core, planned.id, planned.plan_hash or "", by, region, _)
        if (await _print_run(core, planned.id, _, json=False)).status != "succeeded":
            raise typer.Exit(1)


@app.command("show-run")
def show_run(
    run: RunId, *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait until it ends or needs a person, and do its work if nobody else does.")
    ] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """One run: its plan, the state of its steps."""
    desk.run(_show_run(run, follow=follow, json=json))


async def _show_run(run: str, *, follow: bool, json: bool) -> None:
    async with desk.desk() as (core, _):
        if follow:
            await desk.see_through(core, _reaches(core, run, beyond={"planning", "running", "undoing"}), _RUN_SECONDS)
        await _print_run(core, run, _, json=json)


@app.command()
def approve(
    run: RunId,
    plan_hash: Annotated[
        str | None, typer.Option("--plan", help="The plan's hash, as it was printed. Left out: you read it first.")
    ] = None, *, region: Region = "", who: As = None,
) -> None:  # fmt: skip
    """Approve the plan that was printed; with the last approval that is needed the run starts."""
    desk.run(_approve(run, plan_hash, who, region))


async def _approve(run: str, plan_hash: str | None, who: str | None, region: str) -> None:
    async with desk.desk() as (core, _):
        by = desk.person(core, who)
        if plan_hash is None:
            plan_hash, region = await _read_first(core, run, region, _)
        if (await _agree(core, run, plan_hash, by, region, _)).status != "planned":
            await _print_run(core, run, _, json=False)


async def _agree(core: Any, run: str, plan_hash: str, by: str, region: str, _: Any) -> Any:
    """Approve exactly this plan; when that starts the run, follow it until it ends or waits for a person."""
    async with core.store.begin() as tx:
        approved = await core.runs.approve(tx, run, plan_hash, by, typed=region, via=desk.login())
    if approved.status == "planned":
        say.out(_("You have approved it. It starts when the others have approved it too."))
    else:
        await desk.see_through(core, _reaches(core, run, beyond={"running"}), _RUN_SECONDS)
    return approved


async def _read_first(core: Any, run: str, region: str, _: Any) -> tuple[str, str]:
    """The hash of the plan that somebody has read here and agrees to, and the region that they typed for it."""
    from bot.errors import N_, Refused, phrase
    from bot.incident.playbook_runs import playbook_of

    if not desk.is_attended():
        what = N_(
            "Nobody is at this terminal to read the plan. Say which plan you approve: --plan HASH, as it was printed."
        )
        raise Refused(phrase(what))
    current = await _print_run(core, run, _, json=False)
    if current.status == "planned":
        if not typer.confirm(_("Approve exactly this plan?")):
            raise typer.Exit(1)
        if playbook_of(current).tier == 3 and not region:
            region = typer.prompt(_("Type the name of the region in which it acts"))
    return current.plan_hash or "", region


@app.command()
def abort(run: RunId, *, who: As = None) -> None:
    """Stop: no step starts any more. What AWS has begun goes on by itself."""
    desk.run(_abort(run, who))


async def _abort(run: str, who: str | None) -> None:
    async with desk.desk() as (core, _):
        by = desk.person(core, who)
        async with core.store.begin() as tx:
            await core.runs.abort(tx, run, by)
        await _print_run(core, run, _, json=False)


@app.command()
def retry(run: RunId, step: StepId, *, who: As = None) -> None:
    """Try a failed step again."""
    desk.run(_press(run, step, "retry", who))


@app.command()
def skip(run: RunId, step: StepId, reason: Annotated[str, typer.Option(help="Why.")], *, who: As = None) -> None:
    """Go on without a step."""
    desk.run(_press(run, step, "skip", who, reason))


@app.command()
def answer(
    run: RunId, step: StepId, word: Annotated[str, typer.Argument(help="yes, no or done")], *, who: As = None
) -> None:
    """Answer a step that asks: yes, no, or done for a manual step."""
    if word not in {"yes", "no", "done"}:
        raise typer.BadParameter(word, param_hint="yes, no or done")
    desk.run(_press(run, step, "confirm" if word == "done" else word, who))


async def _press(run: str, step: str, event: str, who: str | None, reason: str = "") -> None:
    async with desk.desk() as (core, _):
        by = desk.person(core, who)
        async with core.store.begin() as tx:
            await core.runs.press(tx, run, step, event, by, reason)
        await desk.see_through(core, _reaches(core, run, beyond={"running", "undoing"}), _RUN_SECONDS)
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
    from bot.incident.timeline import display_name, restore
    from bot.incident.wording import worded
    from bot.report import run_text
    from bot.report.plan_text import lines

    def who(actor: str) -> str:
        return display_name(core.directory, core.runs.approvers.voice(actor))

    async with core.store.begin() as tx:
        current, steps = await tx.runs.get(run), await tx.runs.steps(run)
    if json:
        say.as_json(current.model_dump(mode="json") | {"steps": [step.model_dump(mode="json") for step in steps]})
        return current
    say.out(f"{current.name} {current.id}: {_(STATUS_NAMES[current.status])}")
    planned = plan_of(current)
    if current.status == "planned" and planned:
        playbook = worded(current, steps)
        for line in (*lines(planned, _, playbook), *run_text.to_approve(current, playbook, _, who)):
            say.out(line)
    if current.problem:
        say.out(_.phrase(restore(current.problem)))
    if current.status not in {"planned", "planning", "refused"}:
        for line in (*run_text.approvals(current, _, who), *run_text.rows(current, steps, _, who)):
            say.out(line)
    return current


def _inputs(given: list[str]) -> dict[str, str]:
    """`["table=orders"]` as a mapping. A usage error for anything without an equals sign."""
    for pair in given:
        if "=" not in pair:
            raise typer.BadParameter(pair, param_hint="--input name=value")
    return dict(pair.split("=", 1) for pair in given)
