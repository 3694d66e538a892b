"""A person at the local Slack: does and sees what a human does in the page, for tests, drills and the headless demo."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.rehearsal.slack import browsing, clicks, commands, forms, visible
from bot.rehearsal.slack.changes import Change
from bot.rehearsal.slack.desk import Desk, NotPossible, Outcome
from bot.rehearsal.slack.state import FIELDS, Control, controls
from bot.rehearsal.slack.workspace import Channel, Json, Message, User, View

PATIENCE = 5.0
_RECENT = 12


class Person:
    """`channel` is an id, a name (`ops` or `#ops`), or `@name` for the direct messages with somebody.

    What they do returns an `Outcome`; its `told` are the notices and ephemeral messages that came meanwhile. What
    they cannot do, because they do not see it, is an AssertionError that shows what they do see.
    """

    def __init__(self, desk: Desk, user: str) -> None:
        self._desk, self._world = desk, desk.world
        self.user: User = self._find_user(user)

    @property
    def id(self) -> str:
        return self.user.id

    # What they do.

    async def command(self, command: str, text: str = "", *, channel: str) -> Outcome:
        line = f"{command} {text}".strip()
        return await self._doing(lambda: commands.run(self._desk, self.id, self.channel(channel).id, line))

    async def click(self, label: str, *, channel: str | None = None, app: str | None = None) -> Outcome:
        """Press a button by its text or action_id: in the open modal, in the newest message that shows it, or in `app`'s home."""
        place, control = self._control(label, channel, app)
        return await self._doing(lambda: self._use(place, control, {}))

    async def select(self, label: str, value: Any, *, channel: str | None = None, app: str | None = None) -> Outcome:
        """Choose in a menu or picker, found by its label, placeholder or action_id; an option by its text or value."""
        place, control = self._control(label, channel, app)
        given = await self._given(place, control, value)
        return await self._doing(lambda: self._use(place, control, given))

    async def fill(self, fields: Mapping[str, Any]) -> None:
        """Enter values in the open modal, by label, block_id or action_id."""
        for name, value in fields.items():
            place, control = self._control(name, None, None)
            given = await self._given(place, control, value)
            if control.dispatches:
                await self._use(place, control, given)
            else:
                clicks.enter(self._desk, self.id, place, control.block_id, control.action_id, given)

    async def submit(self) -> Outcome:
        view = self._open_modal()
        return await self._doing(lambda: forms.submit(self._desk, self.id, view.id, {}))

    async def close(self, *, everything: bool = False) -> Outcome:
        view = self._open_modal()
        return await self._doing(lambda: forms.close(self._desk, self.id, view.id, everything=everything))

    async def post(self, text: str, *, channel: str) -> Outcome:
        return await self._doing(
            lambda: _now(lambda: browsing.post(self._desk, self.id, self.channel(channel).id, text))
        )

    async def open_home(self, app: str) -> Outcome:
        return await self._doing(lambda: _now(lambda: browsing.open_home(self._desk, self.id, self._app(app))))

    async def join(self, channel: str) -> Outcome:
        return await self._doing(lambda: _now(lambda: browsing.join(self._desk, self.id, self.channel(channel).id)))

    # What they see.

    @property
    def modal(self) -> View | None:
        """The topmost modal that is open."""
        stack = self._world.modals.get(self.id)
        return stack[-1] if stack else None

    def channel(self, name: str) -> Channel:
        """A conversation that they can see; `@name` opens the direct messages when there were none."""
        if name.startswith("@"):
            return browsing.open_direct(self._desk, self.id, self._find_user(name[1:]).id)
        found = self._world.channels.get(name) or self._world.channel_named(name)
        if found is None or not found.seen_by(self.id):
            names = ", ".join(f"#{c.name}" for c in self._channels() if not c.is_direct)
            raise AssertionError(f"{self.user.name} sees no channel {name}; she sees {names or 'none'}")
        return found

    def messages(self, channel: str) -> list[Message]:
        """What the conversation shows them, oldest first."""
        return self.channel(channel).shown_to(self.id)

    def direct_messages(self) -> list[Message]:
        """What others wrote to them in direct messages, oldest first."""
        found = [m for c in self._channels() if c.is_im for m in c.shown_to(self.id) if m.user != self.id]
        return sorted(found, key=lambda message: message.ts)

    def reads(self, message: Message) -> str:
        """A message as they read it."""
        return visible.of_message(self._world, message)

    def message(self, text: str, *, channel: str | None = None) -> Message:
        """The newest message that shows the text."""
        for _, message in self._newest(channel):
            if text in self.reads(message):
                return message
        raise AssertionError(f"{self.user.name} sees no message with {text!r}\n{self.screen(channel)}")

    def sees(self, text: str, *, channel: str | None = None) -> bool:
        """Whether the text stands anywhere in the channel; without one, anywhere at all: modals and home tabs too."""
        if any(text in self.reads(message) for _, message in self._newest(channel)):
            return True
        return channel is None and any(text in visible.of_view(self._world, view) for view in self._views())

    def screen(self, channel: str | None = None) -> str:
        """All that they see, as text."""
        lines = []
        for place in [self.channel(channel)] if channel else self._channels():
            lines.append(f"--- {self._title(place)}")
            lines += [self._line(message) for message in place.shown_to(self.id)[-_RECENT:]]
        for view in self._views():
            lines += [f"--- {view.type}", visible.of_view(self._world, view)]
        return "\n".join(lines)

    # What they wait for.

    async def waits_for(self, text: str, *, channel: str | None = None, timeout: float = PATIENCE) -> str:  # noqa: ASYNC109  # part of what a test says
        """Return what shows the text, as they read it, once it is there; AssertionError after so many real seconds."""
        await self.waits_until(lambda: self._may_see(text, channel), f"{text!r}", channel=channel, timeout=timeout)
        shown = [self.reads(message) for _, message in self._newest(channel)]
        shown += [visible.of_view(self._world, view) for view in self._views()]
        return next(reading for reading in shown if text in reading)

    async def waits_until(
        self,
        holds: Callable[[], bool],
        what: str = "what she waits for",
        *,
        channel: str | None = None,
        timeout: float = PATIENCE,  # noqa: ASYNC109  # part of what a test says
    ) -> None:
        """Return once `holds()` is true; it is asked again whenever something in the workspace changes."""
        with self._world.changes.subscribed() as queue:
            try:
                async with asyncio.timeout(timeout):
                    while not holds():
                        await queue.get()
            except TimeoutError:
                seen = self.screen(channel if channel and self._knows(channel) else None)
                raise AssertionError(f"{self.user.name} does not see {what} after {timeout} s\n{seen}") from None

    # How they do it.

    async def _doing(self, act: Callable[[], Any]) -> Outcome:
        with self._world.changes.subscribed() as queue:
            try:
                outcome: Outcome = await act()
            except NotPossible as why:
                raise AssertionError(f"{self.user.name} cannot do that: {why}\n{self.screen()}") from why
            told = tuple(str(c.text) for c in _drained(queue) if c.user == self.id and self._is_told(c))
        return Outcome(outcome.ok, outcome.notice, outcome.errors, told)

    def _is_told(self, change: Change) -> bool:
        return change.type in {"notice", "ephemeral"}

    async def _use(self, place: clicks.Place, control: Control, given: Json) -> Outcome:
        return await clicks.click(self._desk, self.id, place, control.block_id, control.action_id, given)

    async def _given(self, place: clicks.Place, control: Control, value: Any) -> Json:
        if control.kind not in FIELDS:
            raise AssertionError(f"a {control.kind} takes no value")
        name, _ = FIELDS[control.kind]
        if name in {"selected_option", "selected_options"}:
            value = await self._options(place, control, value)
        elif name in {"selected_user", "selected_users"}:
            value = [self._find_user(v).id for v in value] if isinstance(value, list) else self._find_user(value).id
        elif name in {"selected_channel", "selected_conversation"}:
            value = self.channel(value).id
        elif name == "value" and value is not None:
            value = str(value)
        return {name: value}

    async def _options(self, place: clicks.Place, control: Control, wanted: Any) -> Any:
        known = control.options()
        if control.kind in {"external_select", "multi_external_select"}:
            typed = str(wanted)
            known = await clicks.options(self._desk, self.id, place, control.block_id, control.action_id, typed)
        if isinstance(wanted, list | tuple):
            return [_option(known, one) for one in wanted]
        return _option(known, wanted)

    def _control(self, name: str, channel: str | None, app: str | None) -> tuple[clicks.Place, Control]:
        for place in self._places(channel, app):
            fitting = [c for c in controls(place.blocks) if name in (visible.label(c), c.action_id, c.block_id)]
            if fitting:
                return place, fitting[0]
        raise AssertionError(f"{self.user.name} sees nothing called {name!r} to use\n{self.screen(channel)}")

    def _places(self, channel: str | None, app: str | None) -> Iterator[clicks.Place]:
        if app is not None:
            if view := self._world.homes.get((self.id, self._app(app))):
                yield clicks.InView(view)
            return
        if channel is None and self.modal:
            yield clicks.InView(self.modal)
            return
        for place, message in self._newest(channel):
            yield clicks.InMessage(place, message)

    def _newest(self, channel: str | None) -> list[tuple[Channel, Message]]:
        places = [self.channel(channel)] if channel else self._channels()
        found = [(place, message) for place in places for message in place.shown_to(self.id)]
        return sorted(found, key=lambda pair: pair[1].ts, reverse=True)

    def _channels(self) -> list[Channel]:
        return list(self._world.visible_channels(self.id))

    def _views(self) -> list[View]:
        homes = [view for (user, _), view in self._world.homes.items() if user == self.id]
        return [*self._world.modals.get(self.id, []), *homes]

    def _open_modal(self) -> View:
        if self.modal is None:
            raise AssertionError(f"{self.user.name} has no modal open\n{self.screen()}")
        return self.modal

    def _knows(self, channel: str) -> bool:
        found = self._world.channels.get(channel) or self._world.channel_named(channel)
        return channel.startswith("@") or (found is not None and found.seen_by(self.id))

    def _may_see(self, text: str, channel: str | None) -> bool:
        return (channel is None or self._knows(channel)) and self.sees(text, channel=channel)

    def _find_user(self, name: str) -> User:
        for user in self._world.users.values():
            if name.removeprefix("@") in (user.id, user.name, user.real_name):
                return user
        raise AssertionError(f"nobody here is called {name}")

    def _app(self, name: str) -> str:
        for app in self._world.apps.values():
            if name in (app.id, app.name):
                return app.id
        raise AssertionError(f"no app is called {name}")

    def _title(self, channel: Channel) -> str:
        if channel.is_im:
            other = next((m for m in channel.members if m != self.id), self.id)
            return f"@{self._world.users[other].name}"
        return f"#{channel.name}" + (" (archived)" if channel.is_archived else "")

    def _line(self, message: Message) -> str:
        author = self._world.users.get(message.user)
        only = " (only visible to you)" if message.only_for else ""
        return f"{author.name if author else message.user}{only}: {self.reads(message)}"


async def _now(act: Callable[[], Outcome]) -> Outcome:
    return act()


def _option(known: list[Json], wanted: Any) -> Json:
    for option in known:
        if wanted in (option.get("value"), option["text"]["text"]):
            return option
    raise AssertionError(f"there is no option {wanted!r}; there are {[option['text']['text'] for option in known]}")


def _drained(queue: asyncio.Queue[Change]) -> Iterator[Change]:
    while not queue.empty():
        yield queue.get_nowait()
