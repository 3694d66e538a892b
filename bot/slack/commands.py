"""`/dr …`: each command is one line of a table, and one verb or one form."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.errors import N_, Refused, phrase
from bot.incident.incident import Incident
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.posted import SlackTx
from bot.incident.responder import Answer, Responder
from bot.incident.rota import Rota, roster
from bot.incident.switches import Switchboard
from bot.incident.view import offers
from bot.language import Words
from bot.slack import graph_file, playbook_list, status
from bot.slack.blocks import Block, code, escape, lines, worded
from bot.slack.buttons import PAGE
from bot.slack.command_words import HELP, UNKNOWN, Command, as_typed, parse
from bot.slack.desk import Desk, Say
from bot.slack.forms import Draw, Forms, Rest
from bot.slack.heard import Heard
from bot.slack.incident_buttons import ACKNOWLEDGE, ESCALATE, OFFER, RESOLVE
from bot.slack.meant import NoneOpen, SeveralOpen, meant, named, which, which_service
from bot.slack.override_words import understood
from bot.slack.status import overrides
from bot.slack.switched import how_long, switched
from bot.slack.verbs import VERBS, asks_for_service, given_by, playbook_for
from bot.slack.views import modal
from escalation.nearest import suggestion

NAME = "/dr"

_USAGE: Mapping[str, str] = {
    "declare": N_("`{command} declare [title]` opens an incident by hand and pages who is on call"),
    "status": N_("`{command} status [id]` says how things stand"),
    "ack": N_("`{command} ack [id]` acknowledges: escalation stops"),
    "escalate": N_("`{command} escalate [id]` pages the next level now"),
    "page": N_("`{command} page @somebody` pages a person now"),
    "oncall": N_("`{command} oncall` says who is on call"),
    "override": N_(
        "`{command} override primary [@somebody] 2h` changes who is on call: you, or somebody else; alone, it says what was changed"
    ),
    "restore": N_("`{command} restore [table]` restores a table to a point in time"),
    "evacuate": N_("`{command} evacuate [zone]` moves everything out of an availability zone"),
    "failover": N_("`{command} failover [region]` fails over to another region"),
    "failback": N_("`{command} failback [region]` goes back to the home region"),
    "playbook": N_("`{command} playbook [name]` opens a playbook; `{command} playbook [name] graph` shows its graph"),
    "resolve": N_("`{command} resolve [what solved it]` ends the incident"),
    "stop": N_("`{command} stop` stops everything that starts by itself; `{command} start` allows it again"),
    "freeze": N_(
        "`{command} freeze 2h [why]` lets nothing start by itself for so long; alone, it says how things stand"
    ),
}

#: What to use instead of what this version does not have yet.
_LATER: Mapping[str, str] = {
    "backup": N_("This version does not look after backups yet. AWS Backup's console shows them; to restore a table, use /dr restore."),
    "drill": N_("This version has no drills in Slack yet. `lifeboat demo` rehearses the whole story on your own machine."),
    "report": N_("This version writes no reports yet. /dr status shows an incident, and its channel ends with a summary."),
}  # fmt: skip


class Commands:
    """The handlers of `COMMANDS`, and of those that open forms."""

    def __init__(self, desk: Desk, forms: Forms, responder: Responder, runs: PlaybookRuns) -> None:
        self.desk, self.forms, self.responder, self.runs = desk, forms, responder, runs
        self.switches = Switchboard(runs.config, runs)
        self.rota = Rota(responder.directory)

    async def typed(self, heard: Heard, text: str) -> None:
        """Do what the line says and tell the one who typed it. Never raises."""
        command = parse(text)
        if (opener := OPENERS.get(command.name)) and (draw := opener(self, heard, command)):
            self.forms.show(heard, draw)
            return
        handler = COMMANDS.get(command.name, Commands.later)
        await self.desk.do(heard, lambda tx, by: handler(self, tx, heard, command, by))

    async def help(self, tx: SlackTx, _heard: Heard, _command: Command, _by: str) -> Say:
        found, people = await tx.incidents.listing(open_only=True), self.desk.people
        held = await self.switches.state(tx) if await tx.switches.all() else None
        return lambda _: worded(
            lines(_usage(_), escape(_.phrase(held)) if held else "", status.listing(found, people, _))
        )

    async def unknown(self, _tx: SlackTx, _heard: Heard, command: Command, _by: str) -> Say:
        return lambda _: worded(lines(_not_known(command, _), _usage(_)))

    async def later(self, _tx: SlackTx, _heard: Heard, command: Command, _by: str) -> Say:
        return phrase(_LATER[command.name])

    async def declare(self, tx: SlackTx, _heard: Heard, command: Command, by: str) -> Say:
        return (await self.responder.declare(tx, as_typed(command.rest), by)).said

    async def status(self, tx: SlackTx, heard: Heard, command: Command, _by: str) -> Say:
        here = await tx.incidents.in_channel(heard.channel) if heard.channel else None
        if not command.rest and not (here and here.own_channel):
            return await status.open_incidents(tx, self.desk.people)
        incident = await meant(tx, command.rest, heard.channel)
        return await status.status_of(tx, self.desk.people, self.runs, incident.id)

    async def ack(self, tx: SlackTx, heard: Heard, command: Command, by: str) -> Say:
        return await self._for(tx, heard, command.rest, ACKNOWLEDGE, lambda i: self.responder.acknowledge(tx, i.id, by))

    async def escalate(self, tx: SlackTx, heard: Heard, command: Command, by: str) -> Say:
        return await self._for(tx, heard, command.rest, ESCALATE, lambda i: self.responder.escalate(tx, i.id, by))

    async def page(self, tx: SlackTx, heard: Heard, command: Command, by: str) -> Say:
        people = self._people(command.rest)
        return await self._for(
            tx, heard, "", PAGE, lambda i: self.responder.page(tx, i.id, people, by), w=",".join(people)
        )

    async def oncall(self, tx: SlackTx, _heard: Heard, _command: Command, _by: str) -> Say:
        directory, people = await roster(tx, self.responder.directory), self.desk.people
        schedules = {name: [p.key for p in directory.on_call(name, tx.now)] for name in directory.schedules}
        return lambda _: status.on_call(schedules, people, _)

    async def override(self, tx: SlackTx, _heard: Heard, command: Command, by: str) -> Say:
        """Without words: what was changed by hand and is not over."""
        first, *rest = [*command.rest.split(), ""]
        if not first:
            made = [self.rota.described(one) for one in await tx.overrides.since(tx.now)]
            return lambda _: overrides(made, _)
        if first.casefold() in {"cancel", "취소"}:
            return (await self.rota.cancel(tx, as_typed(rest[0]).strip("`").casefold(), by)).said
        words = [first, *(word for word in rest if word)]
        asked = understood(words, self._person, lambda name: self.rota.directory.schedule(name).time_zone, tx.now)
        if asked.end is None and not asked.people:
            return (await self.rota.take(tx, asked.schedule, by)).said
        end = asked.end or await self.rota.end_of_shift(tx, asked.schedule)
        return (await self.rota.override(tx, asked.schedule, replace(asked, end=end).override(tx.now, by), by)).said

    async def playbook(self, tx: SlackTx, heard: Heard, command: Command, _by: str) -> Say:
        """Without a name: which there are; those that fit the incident first, with the reason. With `graph`: its graph."""
        if name := graph_file.asked(command.rest):
            return await graph_file.ask(tx, heard, name, self.runs)
        try:
            incident = await meant(tx, "", heard.channel)
        except (NoneOpen, SeveralOpen):
            return lambda _: playbook_list.message(None, [], self.runs.playbooks, _)
        fitting = [] if incident.resolved else await offers(tx, self.runs, incident)
        return lambda _: playbook_list.message(incident, fitting, self.runs.playbooks, _)

    async def resolve(self, tx: SlackTx, heard: Heard, command: Command, by: str) -> Say:
        first, _, rest = command.rest.partition(" ")
        given, text = (first, rest) if await named(tx, first) else ("", command.rest)
        return await self._for(
            tx, heard, given, RESOLVE, lambda i: self.responder.resolve(tx, i.id, by, as_typed(text))
        )

    async def stop(self, tx: SlackTx, _heard: Heard, _command: Command, by: str) -> Say:
        done = await self.switches.stop(tx, by)
        return lambda _: switched(done, _)

    async def start(self, tx: SlackTx, _heard: Heard, _command: Command, by: str) -> Say:
        done = await self.switches.start(tx, by)
        return lambda _: switched(done, _)

    async def freeze(self, tx: SlackTx, _heard: Heard, command: Command, by: str) -> Say:
        """Without a length: how things stand."""
        text = as_typed(command.rest)
        done = await (self.switches.freeze(tx, by, *how_long(text)) if text else self.switches.status(tx))
        return lambda _: switched(done, _)

    def open_declare(self, _heard: Heard, command: Command) -> Draw | None:
        return None if command.rest else self.forms.declare()

    def open_verb(self, heard: Heard, command: Command) -> Draw:
        """The form of the playbook that the command means."""

        async def draw(tx: SlackTx, _: Words) -> Block | Rest:
            config = self.forms.config
            parameters = [service.parameters for service in config.services.values()]
            playbook = playbook_for(command.name, config.commands, self.runs.playbooks, parameters)
            word = as_typed(command.rest).strip("`")
            return await self._form(tx, heard, playbook.name, given_by(command.name, playbook, word), _)

        return draw

    def open_playbook(self, heard: Heard, command: Command) -> Draw | None:
        name = as_typed(command.rest).strip("`").lower()

        async def draw(tx: SlackTx, _: Words) -> Block | Rest:
            self.runs.playbook(name)
            return await self._form(tx, heard, name, {}, _)

        return draw if name and not graph_file.asked(command.rest) else None

    async def _form(
        self, tx: SlackTx, heard: Heard, name: str, given: Mapping[str, str], _: Words
    ) -> Block | Rest:  # fmt: skip
        """A playbook's form for the incident that is meant; with no incident open it declares one too."""
        ids = {f"g:{name}": value for name, value in given.items()}
        try:
            incident = await meant(tx, "", heard.channel)
        except NoneOpen:
            services = self.forms.config.services if asks_for_service(self.runs.playbook(name)) else {}
            if len(services) > 1:
                return modal(_("Which service?"), which_service(services, _, p=name, **ids), _)
            return await self.forms.playbook("", name, given, next(iter(services), None))(tx, _)
        except SeveralOpen as several:
            return modal(_("Which incident?"), which(several.incidents, OFFER, _, p=name, **ids).blocks, _)
        return await self.forms.playbook(incident.id, name, given)(tx, _)

    async def _for(
        self, tx: SlackTx, heard: Heard, given: str, action_id: str,
        verb: Callable[[Incident], Awaitable[Answer]], **ids: str,
    ) -> Say:  # fmt: skip
        """Do it for the incident that is meant, or ask which one: its button then does the same."""
        try:
            incident = await meant(tx, given, heard.channel)
        except SeveralOpen as several:
            found = several.incidents
            return lambda _: which(found, action_id, _, **ids)
        return (await verb(incident)).said

    def _people(self, text: str) -> list[str]:
        """The keys of the people named. Raises `Refused` for none, and for one whom nobody can page."""
        if whole := self._find(text):
            return [whole]  # a name with blanks in it
        words = _PERSON.findall(text)
        if not words:
            raise Refused(phrase(N_("Say whom to page: /dr page @mina, or a name from people.yaml.")))
        return list(dict.fromkeys(self._person(word) for word in words))

    def _person(self, word: str) -> str:
        if found := self._find(word):
            return found
        what = N_("{name} is not in people.yaml, so Lifeboat does not know how to page them. {todo}")
        name = as_typed(word)
        raise Refused(phrase(what, name=name, todo=suggestion(name, self.responder.directory.people)))

    def _find(self, word: str) -> str | None:
        """The key of a person, from a mention, a key or a name."""
        directory = self.responder.directory
        if mention := _MENTION.fullmatch(word.strip()):
            person = directory.person_in_slack(mention[1])
            return person.key if person else None
        name = as_typed(word).removeprefix("@").casefold()
        for key, one in directory.people.items():
            if name in {key.casefold(), one.name.casefold()}:
                return key
        return None


_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_PERSON = re.compile(r"<@[^>]+>|[^,\s<]+")


def _usage(_: Words) -> str:
    return lines(*(f"• {_(usage, command=NAME)}" for usage in _USAGE.values()))


def _not_known(command: Command, _: Words) -> str:
    typed = code(command.word)
    if command.nearest:
        return _("I do not know {word}. Did you mean {nearest}?", word=typed, nearest=code(f"{NAME} {command.nearest}"))
    return _("I do not know {word}.", word=typed)


Handler = Callable[[Commands, SlackTx, Heard, Command, str], Awaitable[Say]]
Opener = Callable[[Commands, Heard, Command], Draw | None]

#: What each command does, in one transaction; what is not here, this version does not have.
COMMANDS: Mapping[str, Handler] = {
    HELP: Commands.help,
    UNKNOWN: Commands.unknown,
    "declare": Commands.declare,
    "status": Commands.status,
    "ack": Commands.ack,
    "escalate": Commands.escalate,
    "page": Commands.page,
    "oncall": Commands.oncall,
    "playbook": Commands.playbook,
    "resolve": Commands.resolve,
    "stop": Commands.stop,
    "start": Commands.start,
    "freeze": Commands.freeze,
    "override": Commands.override,
}
#: Commands that open a form; None: this time it does not need one.
OPENERS: Mapping[str, Opener] = {
    "declare": Commands.open_declare,
    **dict.fromkeys(VERBS, Commands.open_verb),
    "playbook": Commands.open_playbook,
}
