"""What AWS has, for the menus of forms: asked with little patience, and kept for a minute.

A form never waits for AWS longer than a person does: without an answer in time its field is one to type in. The answer
that comes later fills the next menu. Nothing here decides anything, so nothing is lost with the process.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.playbook.model import ValueType

log = structlog.get_logger()

#: Asks AWS: the kind, the region, and what the form says so far (services are those of a cluster).
Look = Callable[[ValueType, str, Mapping[str, str]], Awaitable[Sequence[str]]]

#: The kinds that AWS can list, and the other kinds of the form that a list depends on.
KINDS: Mapping[ValueType, tuple[ValueType, ...]] = {
    "dynamodb.table": (), "zone": (), "region": (), "ecs.cluster": (), "ecs.service": ("ecs.cluster",), "ssm.parameter": (),
}  # fmt: skip

#: Slack gives a form three seconds; the rest is for the database and the way.
PATIENCE = 1.5
_FRESH = 60.0
#: More keys than this are the work of somebody who types nonsense.
_KEPT = 500

_Key = tuple[ValueType, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class _Kept:
    at: float
    names: Sequence[str]


class Choices:
    """`now` is a monotonic clock in seconds."""

    def __init__(self, look: Look, now: Callable[[], float] = time.monotonic, patience: float = PATIENCE) -> None:
        self.look, self.now, self.patience = look, now, patience
        self._kept: dict[_Key, _Kept] = {}
        self._asking: dict[_Key, asyncio.Task[Sequence[str] | None]] = {}

    async def of(self, kind: ValueType, region: str, given: Mapping[str, str] | None = None) -> Sequence[str] | None:
        """What there is of this kind, in order; None when AWS does not say so in time."""
        key = (kind, region, tuple(sorted((given or {}).items())))
        kept = self._kept.get(key)
        if kept and self.now() < kept.at + _FRESH:
            return kept.names
        if key not in self._asking:
            task = asyncio.create_task(self._ask(key), name="choices")
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        asking = self._asking[key]
        # Whoever asks next, and the cache, still want the answer for which this caller has no time.
        await asyncio.wait({asking}, timeout=self.patience)
        return asking.result() if asking.done() else None

    async def settled(self) -> None:
        """Return when every question has its answer."""
        while self._asking:
            await asyncio.wait(set(self._asking.values()))

    async def _ask(self, key: _Key) -> Sequence[str] | None:
        kind, region, given = key
        try:
            names = sorted(set(await self.look(kind, region, dict(given))))
        except Exception as error:  # noqa: BLE001  # whatever AWS answers, the form opens and its field can be typed in
            log.warning("choices.not_known", kind=kind, region=region, error=str(error))
            return None
        if not names:
            return names  # perhaps it was made this minute, or AWS did not say
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[key] = _Kept(self.now(), names)
        return names
