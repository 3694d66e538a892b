"""What the survey noted is told with the moment at which AWS said so, and only to whoever asks for it."""

from datetime import timedelta

from bot.clock import SystemClock
from bot.store.sql import Store


async def test_what_aws_said_last_is_what_is_known_and_since_when(store: Store, clock: SystemClock) -> None:
    async with store.begin() as tx:
        first = tx.now
        await tx.known.note({"ecs:us-east-1:shop/web": {"tasks": 3}, "routing:shop": ["one"]})
    clock.advance(timedelta(hours=1))
    async with store.begin() as tx:
        await tx.known.note({"ecs:us-east-1:shop/web": {"tasks": 6}})
    async with store.begin() as tx:
        known = await tx.known.recall(["ecs:us-east-1:", "routing:"])
    assert known["ecs:us-east-1:shop/web"].value == {"tasks": 6}
    assert known["ecs:us-east-1:shop/web"].seen_at >= first + timedelta(hours=1)
    assert known["routing:shop"].seen_at == first


async def test_nobody_is_told_what_they_did_not_ask_for(store: Store) -> None:
    async with store.begin() as tx:
        await tx.known.note({"ecs:a": 1, "ecs_b": 2, "e%": 3})
        assert set(await tx.known.recall(["ecs:"])) == {"ecs:a"}
        assert set(await tx.known.recall(["ecs_"])) == {"ecs_b"}
        assert set(await tx.known.recall(["e%"])) == {"e%"}
        assert await tx.known.recall([]) == {}
