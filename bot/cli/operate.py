"""`lifeboat demo`, `serve`, `check`, `alarm`, `manifest`, `schema`, `db`: running and looking after it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import desk, say

alarms = typer.Typer(no_args_is_help=True)
database = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.command()(demo)
    app.command()(serve)
    app.command()(check)
    app.command()(manifest)
    app.command()(schema)
    app.add_typer(alarms, name="alarm", help="Send an alarm by hand.")
    app.add_typer(database, name="db", help="The database.")


def demo(
    *,
    headless: Annotated[
        bool, typer.Option("--headless", help="Play the story without a browser and check its end.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where the local Slack's page listens; 0: any free port.")
    ] = 3000,
    language: Annotated[str, typer.Option(help="en or ko: the language of the room.")] = "en",
) -> None:
    """The whole product on this machine: an emulated AWS, a local Slack with a web page, and the bot."""
    from bot.rehearsal.demo import play

    raise typer.Exit(play(headless=headless, port=port, language=language))


def serve() -> None:
    """Run the bot: take alarms, page people, run playbooks. Says what is missing and where to get it."""
    import asyncio

    from bot.serve import serve as run
    from bot.settings import Settings

    asyncio.run(run(Settings()))


def check() -> None:
    """Check lifeboat.yaml, the escalation files and every playbook. Exit status 1 when something must be mended."""
    from bot.cli.playbooks import lint
    from bot.core import read_config
    from bot.errors import BadFiles
    from bot.settings import Settings

    config, directory = read_config(Settings())
    _ = say.words(config.language, config.zone)
    say.out(
        _(
            "Configuration: {services} services, {people} people, {schedules} schedules, {policies} policies, no problems.",
            services=len(config.services), people=len(directory.people), schedules=len(directory.schedules),
            policies=len(directory.policies),
        )
    )  # fmt: skip
    nobody = list(_nobody_can_approve(config, directory))
    try:
        lint(None)
    except BadFiles as wrong:
        raise BadFiles([*wrong.problems, *nobody]) from wrong
    if nobody:
        raise BadFiles(nobody)


def _nobody_can_approve(config: Any, directory: Any) -> Any:
    """Playbooks whose role is nobody's; those that cannot be read are told by lint."""
    from bot.errors import BadFile, BadFiles
    from bot.incident.role_rules import role_problems
    from bot.playbook.loading import among, files, parse
    from escalation.document import read

    every = files(config.playbook_folders[0], config.playbook_folders[1:])
    find = among(every)
    for file in every:
        try:
            document = read(file)
            playbook = parse(document, find)
        except (BadFile, BadFiles):
            continue
        yield from role_problems(config, directory, [(document, playbook)])


def manifest(
    url: Annotated[
        str | None, typer.Option(help="The public address of this Lifeboat, such as https://dr.example.com")
    ] = None,
    *,
    socket: Annotated[
        bool, typer.Option("--socket-mode", help="Use Socket Mode: no public address is needed.")
    ] = False,
) -> None:
    """The Slack app manifest: paste it at api.slack.com/apps → Create New App → From a manifest."""
    from bot.slack.manifest import manifest as made

    request_url = f"{url.rstrip('/')}/slack/events" if url else None
    say.as_json(made(request_url, socket_mode=socket or not url))


def schema(
    of: Annotated[str, typer.Argument(help="config, playbook, people, schedules or policies")] = "config",
) -> None:
    """The JSON Schema of a YAML file, so that editors complete and check it."""
    from bot import config
    from bot.aws import ACTIONS, CHECKS
    from bot.playbook.schema import schema as playbook
    from escalation.schemas import schemas

    known: dict[str, Any] = {"config": config.schema(), "playbook": playbook(ACTIONS, CHECKS), **schemas()}
    if of not in known:
        raise typer.BadParameter(of, param_hint=", ".join(known))
    say.as_json(known[of])


@alarms.command()
def send(
    file: Annotated[Path, typer.Argument(help="A file with what AWS would send: SNS envelope, alarm, or event.")],
) -> None:
    """Put an alarm into the inbox, as if it had come in at a door."""
    from bot.errors import N_, BadFile, phrase

    try:
        body = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(file, 1, 1, "", phrase(N_("cannot be read: {error}."), error=str(error))) from error
    desk.run(_send(body))


async def _send(body: str) -> None:
    import hashlib

    from bot.incident.ports import Delivery

    async with desk.desk() as (core, _):
        now = core.clock.now()
        name = hashlib.sha256(f"{now.isoformat()}{body}".encode()).hexdigest()[:24]
        await core.inbox.accept([Delivery(f"cli:{name}", "cli", body, now)])

        async def waiting() -> set[str]:
            async with core.store.begin() as tx:
                return {kind for kind, state, *_rest in await tx.jobs.counts() if state == "waiting"}

        async def paged() -> bool:
            return not await waiting() & {"alarm", "page"}

        await desk.see_through(core, paged, 30)
        left = await waiting()
        if "alarm" in left:
            say.out(_("The alarm is on disk, and waits for a running Lifeboat: lifeboat serve"))
            return
        say.out(_("The alarm was taken in: lifeboat incident list"))
        if "page" in left:
            say.out(_("The pages are in the queue: no Lifeboat has sent them yet. Start one: lifeboat serve"))


@database.command()
def upgrade() -> None:
    """Create the tables, or bring them up to date."""
    desk.run(_upgrade())


async def _upgrade() -> None:
    from bot.clock import SystemClock
    from bot.settings import Settings
    from bot.store.database import Database
    from bot.store.schema import upgrade as bring_up

    opened = Database(Settings().database_url, SystemClock())
    try:
        before, after = await bring_up(opened)
    finally:
        await opened.close()
    _ = say.words()
    if before == after:
        say.out(_("The database is up to date: {revision}.", revision=after))
    else:
        say.out(_("The database was upgraded from {before} to {after}.", before=before or "-", after=after))
