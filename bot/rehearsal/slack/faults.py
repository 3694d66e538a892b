"""Breaking the local Slack on purpose.

`slack.faults.add(Fault(method="chat.postMessage", kind="lost_answer"))` breaks the next post, after it was stored;
`hold = slack.faults.hold("chat.postMessage", "after")` lets it wait there, until somebody has looked around.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from bot.rehearsal.slack.journal import Journal

CallFault = Literal["ratelimited", "server_error", "refused", "lost_request", "lost_answer", "slow"]
DeliveryFault = Literal["dropped_ack", "undelivered", "slow_delivery"]
SocketFault = Literal["silent_socket", "closed_socket"]
Kind = CallFault | DeliveryFault | SocketFault
When = Literal["before", "after"]

CALL_FAULTS: tuple[Kind, ...] = get_args(CallFault)
DELIVERY_FAULTS: tuple[Kind, ...] = get_args(DeliveryFault)
SOCKET_FAULTS: tuple[Kind, ...] = get_args(SocketFault)


@dataclass
class Fault:
    """Something that goes wrong `times` times (None: until it is removed).

    `method` is a pattern (`*`, `conversations.*`). For calls of the Web API it is the method. For deliveries to the
    app, and for sockets, it is what is delivered: an event's type, `slash_commands`, `block_actions`,
    `view_submission`, `view_closed`, `block_suggestion`.

    Calls:      ratelimited (429, `retry_after` s), server_error (`status`), refused (`ok: false`, `code`),
                lost_request (dropped before the effect), lost_answer (dropped after it), slow (`seconds` first)
    Deliveries: dropped_ack (the app did its work; Slack behaves as if it never answered), undelivered (the app never
                sees it), slow_delivery (`seconds` first)
    Sockets:    silent_socket (stays open, says and answers nothing more), closed_socket (dropped)
    """

    kind: Kind
    method: str = "*"
    times: int | None = 1
    retry_after: int = 1
    status: int = 503
    code: str = "service_unavailable"
    seconds: float = 0.0
    happened: int = field(default=0, init=False)

    def spent(self) -> bool:
        return self.times is not None and self.happened >= self.times


class Dropped(Exception):
    """A held call goes no further: its caller gets no answer."""


@dataclass(eq=False)
class Hold:
    """A call of the Web API that waits: `await hold.reached()`, kill something, then `release` or `drop` it."""

    method: str
    when: When
    where: Callable[[Mapping[str, Any]], bool]
    _reached: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _released: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _dropped: bool = field(default=False, init=False)

    async def reached(self, timeout: float = 10) -> None:  # noqa: ASYNC109  # a test that waits for ever tells nothing
        async with asyncio.timeout(timeout):
            await self._reached.wait()

    def release(self) -> None:
        self._released.set()

    def drop(self) -> None:
        """Held before its effect, the call has none; in either case its caller gets no answer."""
        self._dropped = True
        self._released.set()

    def takes(self, method: str, arguments: Mapping[str, Any], when: When) -> bool:
        return self.when == when and fnmatchcase(method, self.method) and self.where(arguments)

    async def wait(self) -> None:
        """Raises `Dropped`."""
        self._reached.set()
        await self._released.wait()
        if self._dropped:
            raise Dropped


class Faults:
    """The faults that are set now, and, in `happened`, each that struck, with what it struck."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._holds: list[Hold] = []
        self.happened: Journal[tuple[Fault, str]] = Journal()

    def add(self, fault: Fault) -> Fault:
        self.active.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        self.active = [other for other in self.active if other is not fault]

    def clear(self) -> None:
        self.active.clear()

    @contextmanager
    def during(self, fault: Fault) -> Iterator[Fault]:
        """`with slack.faults.during(Fault("refused", times=None)):` for as long as the block runs."""
        self.add(fault)
        try:
            yield fault
        finally:
            self.remove(fault)

    def hold(
        self, method: str, when: When = "before", where: Callable[[Mapping[str, Any]], bool] = lambda _arguments: True
    ) -> Hold:
        """Stop the next call of a method whose arguments fit, before its effect or between its effect and its answer."""
        held = Hold(method, when, where)
        self._holds.append(held)
        return held

    async def pause(self, method: str, arguments: Mapping[str, Any], when: When) -> None:
        """Wait at the hold that this call has reached, if there is one. Raises `Dropped`."""
        for hold in self._holds:
            if hold.takes(method, arguments, when):
                self._holds.remove(hold)
                await hold.wait()
                return

    def take(self, method: str, *kinds: Kind) -> Fault | None:
        """The oldest fault of these kinds that strikes `method` now; it counts as having happened."""
        for fault in self.active:
            if fault.kind in kinds and not fault.spent() and fnmatchcase(method, fault.method):
                fault.happened += 1
                self.happened.note((fault, method))
                if fault.spent():
                    self.remove(fault)
                return fault
        return None
