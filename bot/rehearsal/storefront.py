"""The shop as its customers meet it: requests that are served or not, writes that are acknowledged or not; also over HTTP.

    GET  /                    200 {"region", "zone", "table"}, or 503 {"region", "zone", "error"}
    GET  /?region=us-west-2   the shop in that region, whoever is sent there
    GET  /?name=pay.shop.test the shop where DNS sends those who ask for that name
    POST /orders              {"id": "order-7", "total": 12}: 201 when it is written, else 503

The same requests in the same state get the same answers: they take turns over the zones of the load balancer, and where
only a share of the requests can be served, so many of each hundred are.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from bot.errors import N_, Phrase, phrase
from bot.rehearsal.estate import tables
from bot.rehearsal.estate.estate import Estate
from bot.rehearsal.estate.names import OLD, PAY, WWW
from bot.rehearsal.standing import Standing, look

#: Steps of this size meet every part of an interval evenly, and never in a rhythm with the zones.
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Written:
    """A write that the shop has acknowledged."""

    at: datetime
    key: str
    total: int
    region: str
    table: str


class Storefront:
    """`name`: what its customers ask DNS for. `load`: by service, as a factor of the usual one."""

    def __init__(self, estate: Estate, name: str = WWW, port: int = 0) -> None:
        self.estate, self.name, self._port = estate, name, port
        self.load: Mapping[str, float] = {}
        self._turns = count()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/", self._get)
        app.router.add_post("/orders", self._post)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.estate.probe = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    def look(self, region: str = "", name: str = "") -> Standing:
        """How it stands now, for those who are sent to it, in a region, or under another name. It blocks for a moment."""
        return self.estate.aws.inside(lambda: look(self.estate, self.load, name or self.name, region))

    async def write(self, key: str, total: int, standing: Standing | None = None) -> Written | Phrase:
        """An order of a customer's: written and acknowledged, or why not."""
        standing = standing or self.look()
        _, refused = self._admit(standing)
        if refused:
            return refused
        if not standing.writer:
            return phrase(N_("{region} may not write: the fence is up"), region=standing.region)
        dynamodb = self.estate.site(standing.region).client("dynamodb")
        item = tables.order(key, total)
        try:
            await asyncio.to_thread(dynamodb.put_item, TableName=standing.table, Item=item)
        except (ClientError, BotoCoreError) as error:
            return phrase(N_("the order cannot be written: {error}"), error=str(error))
        return Written(self.estate.aws.clock.now(), key, total, standing.region, standing.table)

    def _admit(self, standing: Standing) -> tuple[str, Phrase | None]:
        """The zone that the next request in turn comes to, and why it is not served; None: it is."""
        turn, zones = next(self._turns), list((standing.zones or {}).items())
        zone, lit = zones[turn % len(zones)] if zones else ("", True)
        behind = standing.share * len(zones) / max(1, sum(answers for _, answers in zones)) if zones else standing.share
        if lit and (turn * _GOLDEN) % 1 < behind:
            return zone, None
        return zone, standing.why[0] if standing.why else phrase(N_("nobody answers"))

    async def _get(self, request: web.Request) -> web.Response:
        region, name = request.query.get("region", ""), request.query.get("name", "")
        if region and region not in {site.region for site in self.estate.sites}:
            return web.json_response({"error": f"there is no shop in {region}"}, status=404)
        if name not in {"", WWW, PAY, OLD}:
            return web.json_response({"error": f"there is no shop under {name}"}, status=404)
        standing = self.look(region, name)
        zone, refused = self._admit(standing)
        about = {"region": standing.region, "zone": zone}
        if refused:
            return web.json_response({**about, "error": str(refused)}, status=503)
        return web.json_response({**about, "table": standing.table})

    async def _post(self, request: web.Request) -> web.Response:
        try:
            given: Mapping[str, Any] = await request.json()
            key, total = str(given["id"]), int(given["total"])
        except (ValueError, KeyError, TypeError):
            return web.json_response({"error": 'Send {"id": "order-7", "total": 12}.'}, status=400)
        written = await self.write(key, total)
        if isinstance(written, Phrase):
            return web.json_response({"error": str(written)}, status=503)
        return web.json_response({"id": key, "region": written.region, "table": written.table}, status=201)
