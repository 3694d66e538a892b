"""What the rules for automatic runs read, on both engines."""

from datetime import timedelta

from bot.incident.run import ENDED
from bot.store.sql import Store
from tests.slack import views
from tests.support.core import Core, alarm


async def test_alarms_that_are_on_are_found_over_the_open_incidents_of_a_service(core: Core) -> None:
    core.responder.config = core.config.model_validate(
        {"services": {"orders": {"match": [{"alarm": "orders-*"}]}, "carts": {"match": [{"alarm": "carts-*"}]}}}
    )
    await core.raise_alarm(alarm("orders-a"), alarm("orders-b"), alarm("orders-c"), alarm("carts-a"), alarm("nobodys"))
    await core.raise_alarm(alarm("orders-b", state="ok"))
    async with core.store.begin() as tx:
        for incident in await tx.incidents.listing(open_only=True):
            if incident.title == "orders-c":
                await core.responder.resolve(tx, incident.id, "mina")

    async def raised(*services: str | None) -> list[str]:
        async with core.store.begin() as tx:
            return [record.latest.name for record in await tx.incidents.raised_in(services)]

    assert await raised("orders") == ["orders-a"]
    assert await raised("orders", "carts") == ["carts-a", "orders-a"]
    assert await raised(None) == ["nobodys"]
    assert await raised(None, "carts") == ["carts-a", "nobodys"]
    assert await raised() == []


async def test_runs_that_are_not_over_are_found_oldest_first(store: Store) -> None:
    async with store.begin() as tx:
        statuses = ["planning", "planned", "announced", "running", "needs_person", "undoing", *sorted(ENDED)]
        for number, status in enumerate(statuses):
            requested = views.NOW + timedelta(seconds=len(statuses) - number)
            run = views.run(status=status).model_copy(update={"id": f"r{number}", "requested_at": requested})
            await tx.runs.add(run, views.run_view(run).steps)
        found = await tx.runs.unfinished()
    assert [run.status for run in found] == ["undoing", "needs_person", "running", "announced", "planned", "planning"]
