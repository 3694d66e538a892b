"""A list that can be waited on: what happened so far, and the next thing that fits as soon as it happens."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Entry = TypeVar("Entry")


class Journal(list[Entry]):
    """Entries in the order in which they began. Whoever adds or completes one calls `note`."""

    def __init__(self) -> None:
        super().__init__()
        self._noted = asyncio.Event()

    def note(self, entry: Entry | None = None) -> None:
        """Add an entry, or say that one which is there has changed."""
        if entry is not None:
            self.append(entry)
        self._noted.set()
        self._noted = asyncio.Event()

    async def first(self, fits: Callable[[Entry], bool], what: str, seconds: float) -> Entry:
        """The first entry that fits, now or as soon as it is there; AssertionError after so many real seconds."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for entry in self:
                        if fits(entry):
                            return entry
                    await self._noted.wait()
        except TimeoutError:
            there = "\n".join(str(entry) for entry in self[-20:]) or "nothing"
            raise AssertionError(f"no {what} after {seconds} s; there was\n{there}") from None
