"""The shop over HTTP, as a probe and as customers ask it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.rehearsal.estate import Estate, names
from bot.rehearsal.storefront import Storefront


class Customer:
    """Asks over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def get(self, query: str = "") -> tuple[int, Any]:
        async with self.session.get(self.url + query) as answer:
            return answer.status, await answer.json()

    async def order(self, body: Any) -> tuple[int, Any]:
        async with self.session.post(f"{self.url}orders", json=body) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def customer(estate: Estate) -> AsyncIterator[Customer]:
    async with Storefront(estate), aiohttp.ClientSession() as session:
        yield Customer(session, estate.probe)
    estate.aws.inside(estate.aws.outages.forget)
    estate.aws.clock.move(timedelta(minutes=5))


async def test_it_says_who_answered(customer: Customer, estate: Estate) -> None:
    status, said = await customer.get()
    assert (status, said["region"], said["table"]) == (200, names.HOME, names.ORDERS)
    assert said["zone"] in estate.home.zones.values()


async def test_requests_take_turns_over_the_zones(customer: Customer, estate: Estate) -> None:
    zones = Counter([(await customer.get())[1]["zone"] for _ in range(9)])
    assert zones == dict.fromkeys(estate.home.zones.values(), 3)


async def test_one_region_can_be_asked_whoever_is_sent_there(customer: Customer) -> None:
    status, said = await customer.get("?region=us-west-2")
    assert (status, said["region"]) == (503, names.STANDBY)
    assert said["error"]


@pytest.mark.parametrize("name", [names.WWW, names.PAY, names.OLD])
async def test_it_can_be_asked_under_each_of_its_names(customer: Customer, name: str) -> None:
    assert (await customer.get(f"?name={name}"))[0] == 200


@pytest.mark.parametrize("query", ["?region=eu-west-1", "?name=shop.example"])
async def test_where_there_is_no_shop_nobody_answers(customer: Customer, query: str) -> None:
    assert (await customer.get(query))[0] == 404


async def test_in_a_dark_zone_exactly_every_third_request_fails(customer: Customer, estate: Estate) -> None:
    dark = list(estate.home.zones.values())[1]  # the database writes in the first one
    estate.aws.outages.darken_zone(dark)
    estate.aws.clock.move(timedelta(minutes=2))
    answers = [await customer.get() for _ in range(30)]
    assert Counter(status for status, _ in answers) == {200: 20, 503: 10}
    assert {said["zone"] for status, said in answers if status == 503} == {dark}


async def test_an_order_is_confirmed_once_it_is_written(customer: Customer, estate: Estate) -> None:
    status, said = await customer.order({"id": "order-http", "total": 12})
    assert (status, said["table"]) == (201, names.ORDERS)
    table = estate.home.client("dynamodb")
    found = await asyncio.to_thread(table.get_item, TableName=names.ORDERS, Key={"id": {"S": "order-http"}})
    assert found["Item"]["total"] == {"N": "12"}


@pytest.mark.parametrize("body", [{}, {"id": "x"}, {"id": "x", "total": "much"}, [], "order"])
async def test_what_is_no_order_is_refused(customer: Customer, body: Any) -> None:
    assert (await customer.order(body))[0] == 400


async def test_a_dark_region_confirms_nothing(customer: Customer, estate: Estate) -> None:
    estate.aws.outages.darken_region(names.HOME)
    status, said = await customer.order({"id": "order-dark", "total": 1})
    assert (status, said["error"]) == (503, "us-east-1 does not answer")
