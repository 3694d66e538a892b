"""`lifeboat jobs …`: work that Lifeboat gave up on, and what a person decides about it."""

from typing import Annotated, Any

import typer

from bot.cli import desk, say
from bot.errors import N_, Phrase, phrase

app = typer.Typer(no_args_is_help=True)

#: What the timeline calls each decision, for programs.
_NOTED = {"revive": "job-revived", "drop": "job-dropped"}
#: The largest id that a row can have.
_LAST = 2**63 - 1
Id = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=_LAST, help="Its number, as `lifeboat jobs list` shows it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("list")
def list_(*, json: Json = False) -> None:
    """The jobs that were given up, oldest first: what kind, for which incident, why, and since when."""
    desk.run(_list(json=json))


async def _list(*, json: bool) -> None:
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            found = await tx.graves.buried()
        if json:
            say.as_json([_plain(job) for job in found])
            return
        if not found:
            say.out(_("Lifeboat has given up on nothing."))
            return
        head = ("id", "kind", "incident", "attempts", "since", "error")
        rows = [
            (f"{job.id}", job.kind, job.incident or "-", f"{job.attempts}", _.day_and_time(job.since), _line(job.error))
            for job in found
        ]
        say.table(head, rows)


@app.command()
def retry(job: Id) -> None:
    """Hand a job back: it is due now, with all its attempts ahead. Mend first what its error names."""
    again = N_("{who} handed a job ({kind}) back that Lifeboat had given up on.")
    answer = N_("Job {job} ({kind}) is due now. A running lifeboat serve takes it at once.")
    desk.run(_decide("revive", job, again, answer))


@app.command()
def drop(job: Id) -> None:
    """Remove a job for good: what it should have done stays undone."""
    gone = N_("{who} dropped a job ({kind}) that Lifeboat had given up on.")
    answer = N_("Job {job} ({kind}) is removed. What it should have done stays undone.")
    desk.run(_decide("drop", job, gone, answer))


async def _decide(verb: str, job: int, note: str, answer: str) -> None:
    """Do it, and let the timeline of the job's incident say who did."""
    async with desk.desk() as (core, _):
        async with core.store.begin() as tx:
            decided = await getattr(tx.graves, verb)(job)
            if decided.incident:
                who = desk.me().removeprefix("cli:")
                await _write(tx, decided.incident, _NOTED[verb], phrase(note, who=who, kind=decided.kind))
        say.out(_(answer, job=job, kind=decided.kind))


async def _write(tx: Any, incident: str, kind: str, what: Phrase) -> None:
    from bot.incident.timeline import entry

    await tx.notes.write(entry(incident, tx.now, kind, what, desk.me()))


def _line(text: str) -> str:
    """In one line, so that a table stays a table."""
    return " ".join(text.split())


def _plain(job: Any) -> dict[str, Any]:
    return {
        "id": job.id, "kind": job.kind, "incident": job.incident, "attempts": job.attempts, "error": job.error,
        "since": job.since, "payload": job.payload,
    }  # fmt: skip
