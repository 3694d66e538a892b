"""What an effect returns to the worker: what to write in the transaction that removes its job."""

from collections.abc import Awaitable, Callable

from bot.incident.ports import Tx

Record = Callable[[Tx], Awaitable[None]]


async def nothing(_tx: Tx) -> None:
    """The record of an effect that leaves nothing to write."""
