"""How the shop stands at this moment, seen from outside: what of its customers' requests is served, by whom, and why not all.

A request comes to the region that DNS names, to a node of its load balancer (each zone that has not been shifted away from
has one), to a healthy task anywhere in the region, and to the order that it is about. It is served when each of these is
there. So a dark zone costs a third of the requests, half of the tasks costs half when all are needed, and corrupt orders
cost what is corrupt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import N_, Phrase, phrase
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.estate.estate import Estate
from bot.rehearsal.estate.names import BALANCERS, CACHE, CARTS, CLUSTER, DATABASE, FENCE, POINTER, WEB
from bot.rehearsal.estate.objects import PICTURES
from bot.rehearsal.estate.services import NEEDED
from bot.rehearsal.estate.site import Site

#: Seconds after which a customer goes away.
PATIENCE = 2.0


@dataclass(frozen=True)
class Standing:
    """`share`: of the requests that are served, from 0 to 1. `zones`: whether the load balancer's node in each answers.

    `table` is the one that the shop uses, "" when nobody knows. `writer`: whether the region may write.
    """

    region: str
    share: float
    table: str = ""
    zones: Mapping[str, bool] | None = None
    writer: bool = True
    why: tuple[Phrase, ...] = ()

    @property
    def well(self) -> bool:
        return self.share == 1


@dataclass(frozen=True)
class Part:
    """What one thing that every request needs lets through."""

    share: float
    why: Phrase


def look(estate: Estate, load: Mapping[str, float], name: str, region: str = "") -> Standing:
    """On the emulator's thread. `load`: by service, as a factor of the usual one.

    `name`: what customers ask DNS for. `region`: the shop there instead, whoever is sent there.
    """
    where = region or region_of_customers(estate, name)
    site = estate.site(where)
    if estate.aws.outages.region_is_dark(where):
        return Standing(where, 0, why=(phrase(N_("{region} does not answer"), region=where),))
    if (seconds := estate.aws.outages.slowness(where)) >= PATIENCE:
        why = phrase(N_("{region} answers {seconds} s later than usual"), region=where, seconds=f"{seconds:g}")
        return Standing(where, 0, why=(why,))
    estate.aws.global_tables.settle()
    estate.aws.object_replication.settle()
    estate.aws.object_replication.settle()
    table = parameter(site, POINTER)
    zones = nodes(site, BALANCERS[WEB])
    parts = [
        *(_of_nodes(site, name) for name in BALANCERS.values()),
        *(_of_tasks(site, service, load.get(service, 1)) for service in NEEDED),
        _of_database(site),
        *([_of_cache(site), _of_items(site, CARTS)] if site.home else []),
        _of_items(site, table),
        _of_pictures(site),
    ]
    lacking = tuple({str(one.why): one.why for one in parts if one.share < 1}.values())
    return Standing(where, _together(parts), table, zones, parameter(site, FENCE) == where, lacking)


def region_of_customers(estate: Estate, name: str) -> str:
    """Where DNS sends whoever asks for that name now; home, where it answers nothing."""
    return estate.aws.names.resolve(name).region or estate.home.region


def nodes(site: Site, balancer: str) -> dict[str, bool]:
    """By zone id, for each zone that requests still go to: whether the load balancer's node in it answers."""
    found = site.aws.traffic.nodes(site.balancers[balancer], site.region, site.aws.clock.now())
    return {site.zones[zone]: node is not None for zone, node in found.items()}


def tasks_that_serve(site: Site, service: str) -> tuple[int, int]:
    """How many tasks the load balancer sends requests to, and how many of those answer them.

    It leaves out what it has found unhealthy; when nothing is healthy, it tries everything that runs.
    """
    site.aws.ecs.fleet(site.region).advance()
    now = site.aws.clock.now()
    running = [
        one for one in site.aws.ecs.rollouts[site.region, CLUSTER, service].tasks if one.status(now) == "RUNNING"
    ]
    tried = [one for one in running if one.ready(now)] or running
    return len(tried), sum(one.answers(now) and one.fate != "errors" for one in tried)


def parameter(site: Site, name: str) -> str:
    """The value of an SSM parameter; "" when there is none."""
    found = backend("ssm", site.region).get_parameter(name)
    return str(found.value) if found else ""


def items(site: Site, table: str) -> Mapping[str, float] | None:
    """The totals of a table's orders by key; None when there is no such table, or it is only being restored."""
    found = backend("dynamodb", site.region).tables.get(table)
    if found is None or site.aws.restores.creating(site.region, table):
        return None
    return {_text(item, "id"): float(_text(item, "total")) for item in found.items.values()}


def _of_nodes(site: Site, balancer: str) -> Part:
    answering = nodes(site, balancer)
    dark = ", ".join(zone for zone, answers in answering.items() if not answers)
    why = phrase(N_("{balancer} does not answer in {zones}"), balancer=balancer, zones=dark or "-")
    return Part(sum(answering.values()) / len(answering) if answering else 0, why)


def _of_tasks(site: Site, service: str, load: float) -> Part:
    """What is sent to a task that does not answer is lost, and so is what is too much for those that do."""
    tried, answering = tasks_that_serve(site, service)
    needed = NEEDED[service] * load
    why = phrase(
        N_("{service}: {answering} of {tried} tasks answer, and {needed} are needed"),
        service=service, answering=answering, tried=tried, needed=f"{needed:g}",
    )  # fmt: skip
    return Part(min(answering / tried, answering / needed, 1.0) if tried else 0, why)


def _of_database(site: Site) -> Part:
    answers = site.aws.databases.answers(DATABASE, site.region)
    return Part(float(answers), phrase(N_("database {name} takes no writes"), name=DATABASE))


def _of_cache(site: Site) -> Part:
    answers = site.aws.caches.answers(CACHE, site.region)
    return Part(float(answers), phrase(N_("cache {name} takes no writes"), name=CACHE))


def _of_items(site: Site, table: str) -> Part:
    found = items(site, table)
    if found is None:
        return Part(0, phrase(N_("there is no table {table} to read"), table=table or "-"))
    bad = sum(total < 0 for total in found.values())
    why = phrase(N_("{bad} of {count} items of {table} are corrupt"), bad=bad, count=len(found), table=table)
    return Part(1 - bad / len(found) if found else 0, why)


def _of_pictures(site: Site) -> Part:
    bucket = backend("s3", "aws").buckets.get(site.bucket)
    there = sum(_is_whole(bucket, key, body) for key, body in PICTURES.items()) if bucket else 0
    missing = len(PICTURES) - there
    why = phrase(N_("{missing} of {count} pictures are missing or wrong"), missing=missing, count=len(PICTURES))
    return Part(there / len(PICTURES), why)


def _is_whole(bucket: Any, key: str, body: bytes) -> bool:
    entry = bucket.keys.get(key)
    return entry is not None and getattr(entry, "value", None) == body


def _together(parts: list[Part]) -> float:
    """The nodes of all load balancers stand in the same zones: the worst of them counts, and then what is behind."""
    front, behind = parts[: len(BALANCERS)], parts[len(BALANCERS) :]
    share = min(one.share for one in front) * min(one.share for one in behind[: len(NEEDED)])
    for one in behind[len(NEEDED) :]:
        share *= one.share
    return share


def _text(item: Any, name: str) -> str:
    return str(item.attrs[name].value)
