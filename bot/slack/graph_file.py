"""`/dr playbook <name> graph`: the drawing as a picture, in the incident's channel, or in a message to whoever asked.

Slack takes a file in three steps: ask for an address, send the bytes there, share it. A picture whose sharing had no answer
is shared a second time, which does little harm.
https://docs.slack.dev/messaging/working-with-files#uploading_files
"""

import asyncio
from collections.abc import Mapping

import structlog

from bot.errors import N_, Missing, phrase
from bot.incident.playbook_runs import PlaybookRuns, playbook_of
from bot.incident.posted import SlackStore, SlackTx
from bot.jobs import POST_GRAPH, Job, NewJob
from bot.language import Words
from bot.playbook.model import Playbook
from bot.report.graph.nodes import Seen, nodes, seen
from bot.report.graph.png import drawable, png
from bot.report.graph.svg import svg
from bot.report.graph.text import drawing, listing
from bot.slack.blocks import Message, escape, worded
from bot.slack.client import Slack, SlackRefused
from bot.slack.command_words import as_typed
from bot.slack.desk import Say
from bot.slack.heard import Heard
from bot.slack.limits import clip_markup
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.slack.record import Record, nothing

log = structlog.get_logger()

WORDS = ("graph", "그래프", "그림")
#: Characters of a drawing that fit one section, below its title.
_MOST = 2_600
_DRAWN_SOON = N_("The graph of {playbook} is being drawn; it comes as a picture.")


def asked(rest: str) -> str:
    """The playbook whose graph is asked for; "" when the line asks for something else."""
    words = as_typed(rest).replace("`", " ").lower().split()
    return words[0] if len(words) == 2 and words[1] in WORDS else ""


async def ask(tx: SlackTx, heard: Heard, name: str, runs: PlaybookRuns) -> Say:
    """Have it drawn: of the latest run in this channel's incident, if there is one. Raises `NotFound`."""
    runs.playbook(name)
    incident = await tx.incidents.in_channel(heard.channel) if heard.channel else None
    own = incident if incident and incident.own_channel else None
    latest = [run.id for run in await tx.runs.of(own.id) if run.name == name][-1:] if own else []
    payload = {"playbook": name, "run": latest[0] if latest else "", "user": heard.user}
    await tx.jobs.add(NewJob(POST_GRAPH, payload | ({"channel": own.channel} if own else {})))
    return phrase(_DRAWN_SOON, playbook=name)


class GraphFiles:
    """The handler of POST_GRAPH."""

    def __init__(self, store: SlackStore, slack: Slack, outbox: Outbox, runs: PlaybookRuns, people: People) -> None:
        self.store, self.slack, self.outbox, self.runs, self.people = store, slack, outbox, runs, people

    async def post(self, job: Job) -> Record:
        """Draw and share it; as text when the machine has no fonts, or the app may not write files."""
        channel, _ = await self._where(job)
        playbook, states = await self._what(job)
        try:
            await self._share(channel, playbook, await asyncio.to_thread(_drawn, playbook, states, _), _)
        except (Missing, SlackRefused) as error:
            log.warning("graph.as_text", playbook=playbook.name, error=str(error))
            await self.outbox.post(f"graph:{job.id}", channel, _as_text(playbook, states, _), again=job.again)
        return nothing

    async def _where(self, job: Job) -> tuple[str, Words]:
        if channel := job.payload.get("channel"):
            return str(channel), self.people.everyone
        user = str(job.payload["user"])
        said = await self.slack.call("conversations.open", users=user)
        return str(said["channel"]["id"]), await self.people.reader(user)

    async def _what(self, job: Job) -> tuple[Playbook, Mapping[str, Seen] | None]:
        if not job.payload["run"]:
            return self.runs.playbook(job.payload["playbook"]), None
        async with self.store.begin() as tx:
            run = await tx.runs.peek(job.payload["run"])
            return playbook_of(run), seen(await tx.runs.steps(run.id))

    async def _share(self, channel: str, playbook: Playbook, picture: bytes, _: Words) -> None:
        title = playbook.title.for_reader(_.language)
        name = f"{playbook.name}.png"
        place = await self.slack.call("files.getUploadURLExternal", filename=name, length=len(picture), alt_txt=title)
        await self.slack.upload(str(place["upload_url"]), picture)
        files = [{"id": place["file_id"], "title": title}]
        await self.slack.call("files.completeUploadExternal", files=files, channel_id=channel)


def _drawn(playbook: Playbook, states: Mapping[str, Seen] | None, _: Words) -> bytes:
    _ = drawable(_)
    return png(svg(playbook, nodes(playbook, _, states), _))


def _as_text(playbook: Playbook, states: Mapping[str, Seen] | None, _: Words) -> Message:
    steps = nodes(playbook, _, states)
    drawn = escape("\n".join(drawing(playbook, steps) or listing(playbook, steps, _)))
    if len(drawn) > _MOST:
        drawn = clip_markup(escape("\n".join(listing(playbook, steps, _))), _MOST)
    return worded(f"*{escape(playbook.title.for_reader(_.language))}*\n```\n{drawn}\n```")
