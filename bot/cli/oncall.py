"""`lifeboat oncall` and `lifeboat override …`: who is on call, and changing it when Slack is not there."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer

from bot.cli import desk, say

overrides = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
As = Annotated[str | None, typer.Option("--as", help="Who you are in people.yaml, where your login does not say it.")]
Kind = Literal["person", "add", "remove", "swap"]


def oncall(
    at: Annotated[
        str | None, typer.Option("--at", help="An instant, such as 2026-11-23T03:00+09:00; now when left out.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Who is on call, in each schedule, with what was changed by hand."""
    desk.run(_on_call(at, json=json))


async def _on_call(at: str | None, *, json: bool) -> None:
    from bot.incident.rota import roster

    async with desk.desk() as (core, _):
        moment = _moment(at, _.zone) if at else datetime.now(UTC)
        async with core.store.begin() as tx:
            directory = await roster(tx, core.directory)
        found = {name: directory.on_call(name, moment) for name in directory.schedules}
        if json:
            say.as_json({name: [person.key for person in people] for name, people in found.items()})
            return
        for name, people in found.items():
            names = ", ".join(person.name for person in people) or _("nobody")
            say.out(f"{name}: {names}")


def _moment(text: str, zone_name: str) -> datetime:
    from bot.language import zone

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(text, param_hint="2026-11-23T03:00+09:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone(zone_name))


@overrides.command("list")
def listing(*, json: Json = False) -> None:
    """What was changed by hand and is not over."""
    desk.run(_list(json=json))


async def _list(*, json: bool) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            found = await tx.overrides.since(tx.now)
        if json:
            say.as_json(
                [{"id": one.id, "schedule": one.schedule, "by": one.by, **_as_json(one.override)} for one in found]
            )
            return
        rota = _rota(core)
        for one in found:
            say.out(_.phrase(rota.described(one)))
        if not found:
            say.out(_("There are none; the schedules hold."))


def _as_json(override: Any) -> dict[str, Any]:
    kept: dict[str, Any] = override.model_dump(by_alias=True, exclude_none=True, mode="json")
    return kept


@overrides.command()
def add(
    schedule: Annotated[str, typer.Argument(help="A name of schedules.yaml.")],
    people: Annotated[list[str] | None, typer.Argument(help="Names of people.yaml; you, when left out.")] = None,
    *,
    kind: Annotated[Kind, typer.Option(help="person: instead of everybody else; add: besides; remove: not; swap: two swap.")] = "person",
    length: Annotated[str | None, typer.Option("--for", help="For how long, such as 2h; until the end of the shift when left out.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="When it begins; now when left out.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="When it is over: 2026-12-24T18:00+09:00.")] = None,
    who: As = None,
) -> None:  # fmt: skip
    """Change who is on call, for a while."""
    desk.run(_add(schedule, people or [], kind, (start, until, length), who))


async def _add(
    schedule: str, people: list[str], kind: Kind, when: tuple[str | None, str | None, str | None], who: str | None
) -> None:
    from escalation.override import Override

    async with desk.desk() as (core, _):
        me = desk.person(core, who).removeprefix("cli:")
        named = people or [me]
        if len(named) != (2 if kind == "swap" else 1):
            raise typer.BadParameter(" ".join(named), param_hint="two people for swap, else one")
        async with core.store.begin() as tx:
            start, end = await _times(core, tx, schedule, when, _.zone)
            value = named if kind == "swap" else named[0]
            override = Override.model_validate({kind: value, "from": start, "until": end})
            done = await _rota(core).override(tx, schedule, override, me)
        say.out(_.phrase(done.said))


async def _times(
    core: Any, tx: Any, schedule: str, when: tuple[str | None, str | None, str | None], zone_name: str
) -> tuple[datetime, datetime]:
    from escalation.duration import parse_duration

    begins, until, length = when
    start = _moment(begins, zone_name) if begins else tx.now
    if until:
        return start, _moment(until, zone_name)
    lasts: timedelta | None = parse_duration(length) if length else None
    return start, start + lasts if lasts else await _rota(core).end_of_shift(tx, schedule)


@overrides.command()
def cancel(override: Annotated[str, typer.Argument(help="Its id, as list shows it.")], *, who: As = None) -> None:
    """Take a change back."""
    desk.run(_cancel(override, who))


async def _cancel(override: str, who: str | None) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            done = await _rota(core).cancel(tx, override, desk.person(core, who).removeprefix("cli:"))
        say.out(_.phrase(done.said))


def _rota(core: Any) -> Any:
    from bot.incident.rota import Rota

    return Rota(core.directory)
