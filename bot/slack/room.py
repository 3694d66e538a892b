"""An incident's room: its own channel when Slack lets us make one, the fallback channel when not, and who is invited.

Nothing here is needed for the incident or its pages: when Slack is down these jobs wait, and when Slack refuses for good
the incident says so and lives on. Everything is safe to run twice.
"""

from collections.abc import Iterator, Mapping, Sequence

from bot.config import Config
from bot.errors import N_, phrase
from bot.incident.incident import Incident
from bot.incident.posted import SlackStore
from bot.incident.responder import Responder
from bot.jobs import Job
from bot.slack.client import NOT_LET_IN, Slack, SlackRefused
from bot.slack.people import People
from bot.slack.record import Record, nothing

#: How many names are tried before we give in: each is one more channel of that name, archived or not.
_NAMES = 20
#: https://docs.slack.dev/reference/methods/conversations.invite (the documentation disagrees with itself: 100 or 1,000)
_INVITED_AT_ONCE = 100
#: As good as invited.
_THERE_ALREADY = frozenset({"already_in_channel", "cant_invite_self"})


class Room:
    """The handlers of OPEN_ROOM and INVITE."""

    def __init__(self, store: SlackStore, slack: Slack, responder: Responder, people: People, config: Config) -> None:
        self.store, self.slack, self.responder, self.people, self.config = store, slack, responder, people, config

    async def open(self, job: Job) -> Record:
        """Find or make the incident's channel.

        Run twice it finds what it made: the name is reserved in the database before Slack is asked for it.
        """
        incident = await self._incident(job)
        if incident.channel or incident.resolved:
            return nothing
        try:
            channel = await self._own_channel(incident.id)
        except SlackRefused as refused:
            return self._without_own(incident.id, refused.code)
        return lambda tx: self.responder.room_opened(tx, incident.id, channel)

    async def invite(self, job: Job) -> Record:
        """Invite people (actors) into the room; who cannot be invited is named in the timeline, and paged all the same."""
        incident = await self._incident(job)
        if incident.channel is None:
            return nothing  # when the room opens, everybody who was paged until then is invited
        users = {id_: actor for actor in job.payload["people"] if (id_ := self.people.slack_id(actor))}
        problems: dict[str, str] = {}
        for some in _in_parts(sorted(users), _INVITED_AT_ONCE):
            problems |= await self._invite(incident.channel, some)
        if not problems:
            return nothing
        named = ", ".join(f"{users[user]} ({code})" for user, code in sorted(problems.items()))
        what = phrase(N_("Not invited into the channel: {people}."), people=named)
        return lambda tx: self.responder.note(tx, incident.id, "not-invited", what)

    async def _incident(self, job: Job) -> Incident:
        async with self.store.begin() as tx:
            return await tx.incidents.get(job.payload["incident"])

    async def _own_channel(self, incident_id: str) -> str:
        """The id of a channel for this incident alone. Raises `SlackRefused` when Slack allows none."""
        taken: set[str] = set()
        while True:
            async with self.store.begin() as tx:
                incident = await self.responder.name_room(tx, incident_id, taken)
            if incident.channel:  # another job or process was faster
                return incident.channel
            name = incident.channel_name or ""
            try:
                made = await self.slack.call("conversations.create", name=name, is_private=self.config.slack.private)
            except SlackRefused as refused:
                if refused.code != "name_taken" or len(taken) >= _NAMES:
                    raise
            else:
                return str(made["channel"]["id"])
            if channel := await self._made_before(incident_id, name):
                return channel
            taken.add(name)

    async def _made_before(self, incident_id: str, name: str) -> str | None:
        """A channel of that name that we made and then lost sight of (a crash, a lost answer): it is this incident's.

        Archived ones are not among our channels: archiving puts bots out, and no bot can undo it.
        """
        me, cursor = await self.slack.me(), ""
        while True:
            page = await self.slack.call(
                "users.conversations", types="public_channel,private_channel", exclude_archived=True, limit=200,
                cursor=cursor or None,
            )  # fmt: skip
            for channel in page.get("channels", ()):
                if channel.get("name") == name and channel.get("creator") == me.user:
                    return await self._unless_of_another(incident_id, str(channel["id"]))
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                return None

    async def _unless_of_another(self, incident_id: str, channel: str) -> str | None:
        async with self.store.begin() as tx:
            user = await tx.incidents.in_channel(channel)
        return channel if user is None or user.id == incident_id else None

    def _without_own(self, incident_id: str, problem: str) -> Record:
        fallback = self.config.slack.fallback_channel
        if fallback is None or problem in NOT_LET_IN:
            return lambda tx: self.responder.room_failed(tx, incident_id, problem)
        return lambda tx: self.responder.room_opened(tx, incident_id, fallback, own=False, problem=problem)

    async def _invite(self, channel: str, users: Sequence[str]) -> Mapping[str, str]:
        """Why each of these could not be invited, by user. With `force` Slack invites the others all the same."""
        try:
            said = await self.slack.call("conversations.invite", channel=channel, users=",".join(users), force=True)
        except SlackRefused as refused:
            said = refused.answer
            if not said.get("errors"):
                said = {"errors": [{"user": user, "error": refused.code} for user in users]}
        problems = {str(one.get("user", "?")): str(one["error"]) for one in said.get("errors", ()) if "error" in one}
        return {user: code for user, code in problems.items() if code not in _THERE_ALREADY}


def _in_parts(users: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(users), most):
        yield users[start : start + most]
