"""`lifeboat automatic …`: what may start by itself, and the switches; they work when Slack does not."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from bot.cli import desk, say

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
As = Annotated[str | None, typer.Option("--as", help="Who you are in people.yaml, where your login does not say it.")]


@app.command()
def status(*, json: Json = False) -> None:
    """Whether playbooks may start by themselves now, and which automatic runs go on."""
    desk.run(_do(lambda switches, tx, _core: switches.status(tx), json=json))


@app.command()
def stop(*, json: Json = False) -> None:
    """Stop everything that starts by itself, at once. What has begun is listed; abort it with lifeboat playbook abort."""
    desk.run(_do(lambda switches, tx, _core: switches.stop(tx, desk.me()), json=json))


@app.command()
def start(*, who: As = None, json: Json = False) -> None:
    """Let playbooks start by themselves again; a freeze by hand ends too. For responders."""
    desk.run(_do(lambda switches, tx, core: switches.start(tx, desk.person(core, who)), json=json))


@app.command()
def freeze(
    length: Annotated[str, typer.Argument(help="For how long, such as 2h.")],
    reason: Annotated[list[str] | None, typer.Argument(help="Why, for people to read.")] = None,
    *, json: Json = False,
) -> None:  # fmt: skip
    """Let nothing start by itself for so long."""
    from escalation.duration import parse_duration

    until, why = parse_duration(length), " ".join(reason or [])
    desk.run(_do(lambda switches, tx, _core: switches.freeze(tx, desk.me(), until, why), json=json))


async def _do(verb: Callable[[Any, Any, Any], Awaitable[Any]], *, json: bool) -> None:
    from bot.incident.switches import Switchboard

    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            done = await verb(Switchboard(core.config, core.runs), tx, core)
        if json:
            off, going = ([run.id for run in runs] for runs in (done.called_off, done.going))
            say.as_json({"said": str(done.said), "called_off": off, "going": going})
            return
        say.out(_.phrase(done.said))
        for run in done.called_off:
            say.out(_("Run {id} of playbook {name} does not start.", id=run.id, name=run.name))
        for run in done.going:
            what = _("Run {id} of playbook {name} goes on. To stop it: {command}", id=run.id, name=run.name,
                     command=f"lifeboat playbook abort {run.id}")  # fmt: skip
            say.out(what)
