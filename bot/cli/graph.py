"""`lifeboat playbook show`: a playbook as a graph, in the terminal or as a picture, also of a run with its states."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import desk, say


class Form(StrEnum):
    """What the drawing is."""

    TEXT = "text"
    SVG = "svg"
    PNG = "png"


def show(
    name: Annotated[str, typer.Argument(help="The playbook's name.")],
    form: Annotated[Form, typer.Option("--format", help="For this terminal, or a picture.")] = Form.TEXT,
    output: Annotated[Path | None, typer.Option(help="The picture's file; a PNG needs one.")] = None,
    run: Annotated[str | None, typer.Option(help="A run of it, by its id: how far each step is.")] = None,
) -> None:
    """One playbook: its inputs, and its steps as a graph."""
    playbook, seen, _ = desk.run(_of_run(name, run)) if run else _configured(name)
    if form is Form.TEXT and output is None:
        _print(playbook, seen, _)
        return
    if form is Form.PNG and output is None:
        raise typer.BadParameter("-", param_hint="--output FILE.png")
    picture = _picture(playbook, seen, _, form)
    if output is None:
        say.out(picture.decode())
    else:
        output.write_bytes(picture)
        say.out(_("{file} is written.", file=output))


def _configured(name: str) -> tuple[Any, None, Any]:
    from bot.core import read_config, usable_playbooks
    from bot.errors import NotFound
    from bot.settings import Settings

    config, _directory = read_config(Settings())
    playbooks, _problems = usable_playbooks(config)
    if name not in playbooks:
        raise NotFound("playbook", name, ", ".join(playbooks))
    return playbooks[name], None, say.words(config.language, config.zone)


async def _of_run(name: str, run: str) -> tuple[Any, Any, Any]:
    """The playbook as it was frozen when the run was asked for."""
    from bot.errors import N_, Refused, phrase
    from bot.incident.playbook_runs import playbook_of
    from bot.report.graph.nodes import seen

    async with desk.desk() as (core, _), core.store.begin() as tx:
        known, rows = await tx.runs.get(run), await tx.runs.steps(run)
        if known.name != name:
            what = N_("Run {run} is one of {playbook}, not of {name}.")
            raise Refused(phrase(what, run=run, playbook=known.name, name=name))
        return playbook_of(known), seen(rows), _


def _print(playbook: Any, seen: Any, _: Any) -> None:
    from bot.report.graph.nodes import nodes
    from bot.report.graph.text import drawing, legend, listing, titles

    tier = _("tier {tier}", tier=playbook.tier)
    say.out(f"{playbook.name} ({tier}): {playbook.title.for_reader(_.language)}")
    say.out(_("Targets: RTO {rto}, RPO {rpo}", rto=playbook.targets.rto, rpo=playbook.targets.rpo))
    for key, wanted in playbook.inputs.items():
        say.out(f"  {key}: {wanted.type}")
    steps = nodes(playbook, _, seen)
    drawn = drawing(playbook, steps)
    say.out()
    for line in drawn or listing(playbook, steps, _):
        say.out(line)
    say.out()
    say.out(legend(_))
    for line in titles(steps):
        say.out(f"  {line}")


def _picture(playbook: Any, seen: Any, _: Any, form: Form) -> bytes:
    """`form` TEXT with a file is the drawing of the terminal."""
    from bot.report.graph.nodes import nodes
    from bot.report.graph.svg import svg

    if form is Form.PNG:
        from bot.report.graph.png import drawable, png

        _ = drawable(_)
        return png(svg(playbook, nodes(playbook, _, seen), _))
    if form is Form.SVG:
        return svg(playbook, nodes(playbook, _, seen), _).encode()
    from bot.report.graph.text import drawing, listing

    steps = nodes(playbook, _, seen)
    return ("\n".join(drawing(playbook, steps) or listing(playbook, steps, _)) + "\n").encode()
