"""The survey: what a failover must know of AWS is asked every few minutes, while all is well, and written to `known`.

Everything here is about which services are surveyed and when; what is asked is `bot/aws/survey.py`. A region that does not
answer leaves what is known of it as it is: it only grows older.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog

from bot.config import Config, Service
from bot.incident.hands import Pool
from bot.incident.ports import Store, Tx
from bot.playbook.action import Memo

log = structlog.get_logger()


@dataclass(frozen=True)
class Subject:
    """One service that has a standby region, as lifeboat.yaml describes it. `services` are written `cluster/service`."""

    name: str
    home: str
    standby: str
    services: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    database: str = ""
    routing_cluster: str = ""
    fence: str = ""


@dataclass(frozen=True)
class Answers:
    """What AWS said, by key, and what went wrong, by what was asked."""

    values: Mapping[str, Any]
    refused: Mapping[str, str] = field(default_factory=dict)


class Ask(Protocol):
    """`bot.aws.survey.ask`: blocking; never raises for what AWS refuses, and asks nothing of the regions `but`."""

    def __call__(
        self, subjects: tuple[Subject, ...], before: Mapping[str, Memo], now: datetime, but: Collection[str]
    ) -> Answers: ...


class Survey:
    """One survey of everything that is configured.

    While a run moves away from a region, nothing is asked there: not by the run, and not by us. `refused`: what AWS did not
    answer the last time, and why.
    """

    def __init__(self, store: Store, config: Config, ask: Ask, pool: Pool) -> None:
        self.store, self.ask, self.pool = store, ask, pool
        self.subjects = tuple(subjects(config))
        self.refused: Mapping[str, str] = {}

    async def once(self) -> Callable[[Tx], Awaitable[None]]:
        """Ask AWS; what it said is written by what this returns."""
        if not self.subjects:
            return _nothing
        async with self.store.begin() as tx:
            before, now = await tx.known.recall([""]), tx.now
            left = {failing for run in await tx.runs.unfinished() if (failing := run.context.get("failing"))}
        answers = await self.pool(lambda: self.ask(self.subjects, before, now, left))
        self.refused = answers.refused
        for asked, why in answers.refused.items():
            log.warning("survey.refused", asked=asked, why=why)
        return lambda tx: tx.known.note(answers.values)


def subjects(config: Config) -> Iterator[Subject]:
    """The services with a standby region."""
    for name, service in config.services.items():
        home, standby = _home(service), service.parameters.get("standby_region", "")
        if not (home and standby and home != standby):
            continue
        given = service.parameters
        yield Subject(
            name, home, standby, services=_listed(given, "ecs_services"), tables=_listed(given, "tables"),
            database=given.get("db_global", ""), routing_cluster=given.get("routing_cluster", ""),
            fence=given.get("fence", ""),
        )  # fmt: skip


def _home(service: Service) -> str:
    return service.parameters.get("home_region") or service.region


def _listed(parameters: Mapping[str, str], name: str) -> tuple[str, ...]:
    """`shop/web, shop/api`."""
    return tuple(one for part in parameters.get(name, "").split(",") if (one := part.strip()))


async def _nothing(_tx: Tx) -> None:
    """No service has a standby region."""
