"""Asking one of several places that serve the same, until one answers: what is made to outlive any one region."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from zlib import crc32

from bot.aws.slices import Slice
from bot.errors import ActionFailed
from bot.playbook.action import Attempt, Aws

Found = TypeVar("Found")


@dataclass(frozen=True)
class Endpoint:
    """`url` "": the service's own in that region."""

    region: str
    url: str = ""


@dataclass(frozen=True)
class At:
    """`Aws` at one endpoint, whatever region is asked for."""

    aws: Aws
    endpoint: Endpoint

    @property
    def region(self) -> str:
        return self.endpoint.region

    def client(self, service: str, region: str | None = None, *, endpoint: str = "") -> Any:
        """Raises `ActionFailed` for an endpoint in the region that is failing."""
        return self.aws.client(service, region or self.endpoint.region, endpoint=endpoint or self.endpoint.url)


@dataclass(frozen=True)
class Answered(Generic[Found]):
    """`silent`: the endpoints that did not answer before this one, by region, and why."""

    endpoint: Endpoint
    found: Found
    silent: Mapping[str, str]


@dataclass(frozen=True)
class Silence:
    """None of those that were asked has answered; more may be left to ask."""

    silent: Mapping[str, str]


def shuffled(endpoints: Sequence[Endpoint], attempt: Attempt) -> tuple[Endpoint, ...]:
    """In an order of the attempt's own: it spreads the load of many bots, and is the same after a crash."""
    return tuple(sorted(endpoints, key=lambda one: crc32(f"{attempt.token}:{one.region}".encode())))


def first_answer(
    aws: Aws, endpoints: Sequence[Endpoint], silent: Mapping[str, str], ask: Callable[[At], Found]
) -> Answered[Found] | Silence:
    """Ask those that are not silent yet, one after another, for as long as fits into a lease.

    Raises `ActionFailed` for an answer that every endpoint would give, such as a refusal.
    """
    room, silent = Slice(), dict(silent)
    for endpoint in endpoints:
        if endpoint.region in silent:
            continue
        if room.is_over():
            break
        try:
            return Answered(endpoint, ask(At(aws, endpoint)), silent)
        except ActionFailed as error:
            if not is_silence(error):
                raise
            silent[endpoint.region] = error.code
    return Silence(silent)


def is_silence(error: ActionFailed) -> bool:
    """Another endpoint may answer. What may have been done there is a value that is set: setting it again does no harm."""
    return error.retry or error.code == "FailingRegion"


def told(silent: Mapping[str, str]) -> str:
    """`eu-west-1 (ConnectTimeoutError), …`."""
    return ", ".join(f"{region} ({code})" for region, code in sorted(silent.items())) or "-"
