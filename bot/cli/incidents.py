"""`lifeboat incident …`: the same verbs as the buttons on the card."""

from typing import Annotated, Any

import typer

from bot.cli import desk, say
from bot.language import zone

app = typer.Typer(no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The incident's id, as `lifeboat incident list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("list")
def list_(
    *, all_: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False, json: Json = False
) -> None:
    """The open incidents, newest first."""
    desk.run(_list(all_=all_, json=json))


async def _list(*, all_: bool, json: bool) -> None:
    from bot.incident.incident import STATUS_NAMES

    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            found = await tx.incidents.listing(open_only=not all_)
        if json:
            say.as_json([_plain(incident) for incident in found])
            return
        if not found:
            say.out(_("No open incidents."))
        rows = [
            (
                i.id,
                _(STATUS_NAMES[i.status]),
                f"{i.tier}",
                i.service or "-",
                _.day_and_time(i.started_at),
                i.channel_name or "-",
                i.title,
            )
            for i in found
        ]
        say.table(("id", "status", "tier", "service", "since", "channel", "title"), rows)


@app.command()
def show(incident: Id, *, json: Json = False) -> None:
    """One incident: its state, who was paged and by what, its playbooks, its timeline."""
    desk.run(_show(incident, json=json))


async def _show(incident_id: str, *, json: bool) -> None:
    from bot.incident import incident, pager, run
    from bot.incident.view import view

    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            seen = await view(tx, core.runs, incident_id)
            entries = await tx.notes.of(incident_id)
        if json:
            say.as_json(
                _plain(seen.incident)
                | {
                    "alarms": [record.model_dump(mode="json") for record in seen.alarms],
                    "pages": [page.model_dump(mode="json") for page in seen.pages],
                    "runs": [r.model_dump(mode="json", exclude={"playbook", "plan", "context"}) for r in seen.runs],
                    "timeline": [{"at": e.at, "kind": e.kind, "text": str(e.phrase)} for e in entries],
                }
            )
            return
        one = seen.incident
        say.out(f"{one.id}  {_(incident.STATUS_NAMES[one.status])}  {one.title}")
        say.out(_("Since {time}; target {rto}.", time=_.day_and_time(one.started_at), rto=one.rto))
        for page in seen.pages:
            method = page.person.contacts[page.contact].method
            say.out(f"  {page.person.name}: {_(pager.STATUS_NAMES[page.status])} ({method})")
        for made in seen.runs:
            say.out(f"  {made.name} {made.id}: {_(run.STATUS_NAMES[made.status])}")
        say.out()
        day = None
        for written in entries:
            local = written.at.astimezone(zone(_.zone))
            if local.date() != day:
                day = local.date()
                say.out(f"{day:%Y-%m-%d}")
            say.out(f"{_.time(written.at)}  {_.phrase(written.phrase)}")


@app.command()
def declare(
    title: Annotated[str, typer.Argument(help="What is wrong, in a few words.")],
    service: Annotated[str | None, typer.Option(help="A service of lifeboat.yaml.")] = None,
    tier: Annotated[int | None, typer.Option(min=1, max=3, help="1 component, 2 zone, 3 region.")] = None,
    *,
    wait: Annotated[bool, typer.Option(help="Wait until the first pages are out.")] = True,
    json: Json = False,
) -> None:
    """Open an incident by hand and page the people on call."""
    desk.run(_declare(title, service, tier, wait=wait, json=json))


async def _declare(title: str, service: str | None, tier: int | None, *, wait: bool, json: bool) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            answer = await core.responder.declare(tx, title, desk.me(), service=service, tier=tier)
        incident = answer.incident.id

        async def paged() -> bool:
            async with core.store.begin() as tx:
                return all(page.status != "due" for page in await tx.pages.of(incident))

        out = await desk.see_through(core, paged, 30) if wait else True
        if json:
            say.as_json(_plain(answer.incident))
        else:
            say.out(_.phrase(answer.said))
        if not out:
            say.out(_("The pages are in the queue: no Lifeboat has sent them yet. Start one: lifeboat serve"))


@app.command()
def ack(incident: Id) -> None:
    """Acknowledge: escalation stops."""
    desk.run(_verb("acknowledge", incident))


@app.command()
def escalate(incident: Id) -> None:
    """Page the next level now."""
    desk.run(_verb("escalate", incident))


@app.command()
def resolve(
    incident: Id, resolution: Annotated[str, typer.Argument(help="What it was, for those who come later.")] = ""
) -> None:
    """It is over."""
    desk.run(_verb("resolve", incident, resolution))


async def _verb(name: str, incident: str, *more: Any) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            answer = await getattr(core.responder, name)(tx, incident, desk.me(), *more)
        say.out(_.phrase(answer.said))


def _plain(incident: Any) -> dict[str, Any]:
    plain: dict[str, Any] = incident.model_dump(mode="json", exclude={"chain", "timer", "open_key"})
    return plain
