"""`lifeboat playbook undo|replan|start`: take a run back, make its plan anew, do not wait for an announced start."""

from typing import Annotated, Any

import typer

from bot.cli import desk, say
from bot.cli.playbooks import _PLAN_SECONDS, _RUN_SECONDS, As, Region, RunId, _print_run, _reaches


def add_to(app: typer.Typer) -> None:
    """Hang these commands under `lifeboat playbook`."""
    app.command()(undo)
    app.command()(replan)
    app.command()(start)


def undo(
    run: RunId, *,
    step: Annotated[
        str | None, typer.Option(help="From this step on: it, and all that happened after it. Left out: the whole run.")
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="This step alone.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    region: Region = "", who: As = None,
) -> None:  # fmt: skip
    """Take back what happened, the latest change first. Exit status 1 unless all of it is taken back."""
    if only and not step:
        raise typer.BadParameter("--only", param_hint="--step STEP")
    desk.run(_undo(run, step, who, region, only=only, yes=yes))


async def _undo(run: str, step: str | None, who: str | None, region: str, *, only: bool, yes: bool) -> None:
    async with desk.desk() as (core, _):
        by = desk.person(core, who)
        if not yes:
            await _say_what(core, run, step, _, only=only)
            if not typer.confirm(_("Take exactly this back?")):
                raise typer.Exit(1)
        async with core.store.begin() as tx:
            await core.runs.undo(tx, run, by, row=step, only=only, typed=region)
        await desk.see_through(core, _reaches(core, run, beyond={"undoing"}), _RUN_SECONDS)
        if (await _print_run(core, run, _, json=False)).status != "undone":
            raise typer.Exit(1)


async def _say_what(core: Any, run: str, step: str | None, _: Any, *, only: bool) -> None:
    """What would be taken back, in which order, and what stays."""
    from bot.errors import N_, Refused, phrase
    from bot.incident.playbook_runs import reversal
    from bot.playbook.model import LocalText

    async with core.store.begin() as tx:
        current, rows = await tx.runs.peek(run), await tx.runs.steps(run)
    found = reversal(current, rows, step, only=only)
    if not found.order:
        raise Refused(phrase(N_("There is nothing to take back.")))
    for number, row in enumerate(found.order, start=1):
        say.out(f"  {number}. {row}")
    for row, why in found.stays.items():
        text = why.for_reader(_.language) if isinstance(why, LocalText) else _.phrase(why)
        say.out(_("  stays as it is: {step} ({why})", step=row, why=text))


def replan(run: RunId, *, who: As = None) -> None:
    """Make the plan anew, of a run that has not begun; who approved the old one must read the new one."""
    desk.run(_replan(run, who))


async def _replan(run: str, who: str | None) -> None:
    async with desk.desk() as (core, _):
        by = desk.person(core, who)
        async with core.store.begin() as tx:
            await core.runs.replan(tx, run, by)
        await desk.see_through(core, _reaches(core, run, beyond={"planning"}), _PLAN_SECONDS)
        if (await _print_run(core, run, _, json=False)).status != "planned":
            raise typer.Exit(1)


def start(run: RunId, *, who: As = None) -> None:
    """Do not wait for the announced start of a run that starts by itself."""
    desk.run(_start(run, who))


async def _start(run: str, who: str | None) -> None:
    async with desk.desk() as (core, _):
        by = desk.person(core, who)
        async with core.store.begin() as tx:
            await core.runs.start_now(tx, run, by)
        await desk.see_through(core, _reaches(core, run, beyond={"running"}), _RUN_SECONDS)
        await _print_run(core, run, _, json=False)
