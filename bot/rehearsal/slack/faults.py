"""Breaking the local Slack on purpose.

`slack.faults.add(Fault(method="chat.postMessage", kind="lost_answer"))` breaks the next post, after it was stored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, get_args

from bot.rehearsal.slack.journal import Journal

CallFault = Literal["ratelimited", "server_error", "refused", "lost_request", "lost_answer", "slow"]
DeliveryFault = Literal["dropped_ack", "undelivered", "slow_delivery"]
SocketFault = Literal["silent_socket", "closed_socket"]
Kind = CallFault | DeliveryFault | SocketFault

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


class Faults:
    """The faults that are set now, and, in `happened`, each that struck, with what it struck."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
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
