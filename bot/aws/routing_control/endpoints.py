"""Where the five endpoints of a routing control cluster are."""

from collections.abc import Iterable

from bot.aws.several import Endpoint, shuffled
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Attempt, Aws

#: How the keys begin under which the survey notes them: `routing:<ARN of the cluster>`.
KNOWN = "routing:"
#: The configuration of clusters is here and nowhere else, so no step of a playbook asks it.
_CONFIG_REGION = "us-west-2"


def endpoints_of(aws: Aws, cluster: str) -> list[dict[str, str]]:
    """What the survey notes under `routing:<cluster>`: each endpoint's `region` and `url`. Raises `ActionFailed`."""
    config = aws.client("route53-recovery-control-config", _CONFIG_REGION)
    described = config.describe_cluster(ClusterArn=cluster)["Cluster"]
    return [{"region": one["Region"], "url": one["Endpoint"]} for one in described.get("ClusterEndpoints", ())]


def endpoints_for(cluster: str, given: Iterable[str], attempt: Attempt) -> tuple[Endpoint, ...]:
    """Those that the step gives (`region=url`), else those that were noted. Raises `ActionFailed` when nobody knows any."""
    found = [Endpoint(*one.split("=", 1)) for one in given]
    if not found and (memo := attempt.known.get(f"{KNOWN}{cluster}")):
        found = [Endpoint(one["region"], one["url"]) for one in memo.value]
    if not found:
        what = N_(
            "The endpoints of {cluster} are not known, and looking them up would depend on one region. Give them in the "
            "step as region=url, or let the nightly survey note them."
        )
        raise ActionFailed(phrase(what, cluster=cluster), code="EndpointsUnknown")
    return shuffled(found, attempt)
