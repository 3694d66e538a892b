"""The five endpoints of a routing control cluster: where they are, and asking one after another until one answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from zlib import crc32

from bot.aws.slices import Slice
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Attempt, Aws

#: How the keys begin under which the survey notes them: `routing:<ARN of the cluster>`.
KNOWN = "routing:"
#: The configuration of clusters is here and nowhere else, so no step of a playbook asks it.
_CONFIG_REGION = "us-west-2"

Found = TypeVar("Found")


@dataclass(frozen=True)
class Endpoint:
    region: str
    url: str


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


def endpoints_of(aws: Aws, cluster: str) -> list[dict[str, str]]:
    """What the survey notes under `routing:<cluster>`: each endpoint's `region` and `url`. Raises `ActionFailed`."""
    config = aws.client("route53-recovery-control-config", _CONFIG_REGION)
    described = config.describe_cluster(ClusterArn=cluster)["Cluster"]
    return [{"region": one["Region"], "url": one["Endpoint"]} for one in described.get("ClusterEndpoints", ())]


def endpoints_for(cluster: str, given: Iterable[str], attempt: Attempt) -> tuple[Endpoint, ...]:
    """Those that the step gives (`region=url`), else those that were noted, in an order of the attempt's own.

    The order spreads the load of many bots, and is the same after a crash. Raises `ActionFailed` when nobody knows any.
    """
    found = [Endpoint(*one.split("=", 1)) for one in given]
    if not found and (memo := attempt.known.get(f"{KNOWN}{cluster}")):
        found = [Endpoint(one["region"], one["url"]) for one in memo.value]
    if not found:
        what = N_(
            "The endpoints of {cluster} are not known, and looking them up would depend on one region. Give them in the "
            "step as region=url, or let the nightly survey note them."
        )
        raise ActionFailed(phrase(what, cluster=cluster), code="EndpointsUnknown")
    return tuple(sorted(found, key=lambda one: crc32(f"{attempt.token}:{one.region}".encode())))


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
