"""Customers remember what they were told, and find out what became of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from bot.errors import Phrase, phrase
from bot.rehearsal.standing import Standing
from bot.rehearsal.storefront import Written
from bot.rehearsal.writer import Writer

NIGHT = datetime(2026, 11, 23, 3, tzinfo=UTC)


@dataclass
class Shop:
    """A shop whose region and tables a test changes as it likes."""

    region: str = "us-east-1"
    refuses: bool = False
    now: datetime = NIGHT
    kept: dict[str, dict[str, float]] = field(default_factory=lambda: {"us-east-1": {}, "us-west-2": {}})

    @property
    def estate(self) -> Any:
        return SimpleNamespace(aws=SimpleNamespace(clock=SimpleNamespace(now=lambda: self.now)))

    def look(self) -> Standing:
        return Standing(self.region, 1.0, "orders")

    async def write(self, key: str, total: int, _standing: Standing) -> Written | Phrase:
        if self.refuses:
            return phrase("no")
        self.kept[self.region][key] = total
        return Written(self.now, key, total, self.region, "orders")


class Customers(Writer):
    """Of a shop that has its items at hand."""

    shop: Shop

    def _items(self, region: str, table: str) -> dict[str, float]:
        return self.shop.kept[region]


def customers() -> tuple[Customers, Shop]:
    shop = Shop()
    found = Customers(shop)  # type: ignore[arg-type]  # it does what a storefront does
    found.shop = shop
    return found, shop


async def come(writer: Customers, count: int) -> None:
    for _ in range(count):
        await writer.tick()
        writer.shop.now += timedelta(seconds=5)


async def test_nothing_is_lost_where_everything_is_kept() -> None:
    writer, _ = customers()
    await come(writer, 20)
    assert len(writer.acknowledged) == 20
    assert (writer.lost(), writer.conflicts) == ([], [])


async def test_what_was_refused_is_not_lost() -> None:
    writer, shop = customers()
    shop.refuses = True
    await come(writer, 4)
    assert writer.acknowledged == writer.lost() == []
    assert [sample.well for sample in writer.samples] == [False] * 4
    assert writer.samples[0].served == 0.5


async def test_what_is_gone_is_lost() -> None:
    writer, shop = customers()
    await come(writer, 6)
    del shop.kept["us-east-1"]["live-000002"]
    assert [one.key for one in writer.lost()] == ["live-000002"]


async def test_of_a_shared_order_each_version_after_the_one_that_is_there_is_lost() -> None:
    writer, shop = customers()
    await come(writer, 18)  # three shared orders, three versions of each
    history = [one for one in writer.acknowledged if one.key == "shared-0"]
    shop.kept["us-east-1"]["shared-0"] = history[0].total
    assert writer.lost() == history[1:]


async def test_a_corrupt_order_is_lost() -> None:
    writer, shop = customers()
    await come(writer, 1)
    shop.kept["us-east-1"]["live-000000"] = -1
    assert writer.lost() == writer.acknowledged


async def test_whoever_writes_elsewhere_without_having_seen_the_last_version_is_in_conflict() -> None:
    writer, shop = customers()
    await come(writer, 6)
    shop.region = "us-west-2"
    await come(writer, 6)
    assert {one.key for one in writer.conflicts} == {"shared-0", "shared-1", "shared-2"}
    assert all((one.unseen.region, one.later.region) == ("us-east-1", "us-west-2") for one in writer.conflicts)


async def test_whoever_has_seen_the_last_version_is_not() -> None:
    writer, shop = customers()
    await come(writer, 6)
    shop.kept["us-west-2"] = dict(shop.kept["us-east-1"])
    shop.region = "us-west-2"
    await come(writer, 6)
    assert (writer.conflicts, writer.lost()) == ([], [])
