"""What the standby region must have before it can take over: services, images, healthy targets, room. Asked there alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.aws.ecs.service import healthy_targets, target_groups
from bot.aws.fargate import QUOTA
from bot.aws.quotas import room
from bot.aws.region.known import Known, running
from bot.aws.region.points import Point, green, grey, red
from bot.aws.region.services import batches, describe, targets
from bot.aws.region.sizes import wanted
from bot.aws.slices import Slice
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Attempt, Aws

_ECR = re.compile(
    r"^(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com(\.cn)?/(?P<name>[^:@]+)(?P<rest>.*)$"
)
_NAMED = 5

Found = Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any] | None]]


def look_up(aws: Aws, services: Sequence[str]) -> Found:
    """Each service that is there, with what autoscaling may do, by `cluster/service`."""
    found = {}
    for cluster, names in batches(services):
        limits = targets(aws, cluster, names)
        for name, service in describe(aws, cluster, names).items():
            found[f"{cluster}/{name}"] = (service, limits.get(name))
    return found


def credentials(aws: Aws) -> Point:
    """Signed by STS of this region: a session that depends on another one would end in the night."""
    account = aws.client("sts", aws.region).get_caller_identity()["Account"]
    return green(
        "credentials",
        phrase(N_("{region} accepts our credentials for account {account}."), region=aws.region, account=account),
    )


def services(aws: Aws, known: Known, home: str, wished: Sequence[str], found: Found) -> Iterator[Point]:
    """Active, and the same program as at home."""
    gone = [name for name in wished if name not in found or found[name][0]["status"] != "ACTIVE"]
    if gone:
        what = N_("not there, or not ACTIVE, in {region}: {services}.")
        yield red("services", phrase(what, region=aws.region, services=_named(gone)))
    other = [
        name
        for name in found
        if _family(known, home, name) not in {"", str(found[name][0]["taskDefinition"]).split("/")[-1].split(":")[0]}
    ]
    if other:
        what = N_("another task definition family than at home runs for {services}.")
        yield red("services", phrase(what, services=_named(other)))
    if not gone and not other:
        yield green(
            "services", phrase(N_("{count} services are ACTIVE in {region}."), count=len(found), region=aws.region)
        )
    if behind := [name for name in found if _differ(known, home, aws.region, name)]:
        what = N_("another release than at home: {services}. Deploy the same one when there is time.")
        yield grey("releases", phrase(what, services=_named(behind)))


def healthy(aws: Aws, found: Found, space: Slice) -> Point:
    """At least one healthy target for each service: what has never answered here will not begin tonight."""
    sick, asked = [], 0
    for name, (service, _) in found.items():
        if space.is_over():
            break
        asked += 1
        if service["runningCount"] < 1 or any(healthy_targets(aws, group) < 1 for group in target_groups(service)):
            sick.append(name)
        space.spend(len(target_groups(service)))
    if sick:
        return red(
            "targets",
            phrase(N_("nothing healthy in {region} of {services}."), region=aws.region, services=_named(sick)),
        )
    what = N_("each of {asked} services ({count} in all) has something healthy in {region}.")
    return green("targets", phrase(what, asked=asked, count=len(found), region=aws.region))


def images(aws: Aws, known: Known, found: Found, space: Slice) -> Point:
    """The images of what runs here are in a registry of this region; those of others are not looked at."""
    missing, asked, elsewhere = [], 0, []
    for name in found:
        seen = running(known, aws.region, name)
        for image in seen.value.images if seen else ():
            match = _ECR.match(image)
            if match and match["region"] != aws.region:
                elsewhere.append(image)
            elif match and not space.is_over():
                asked += 1
                space.spend()
                missing += [] if _is_there(aws, match) else [image]
    if elsewhere:
        what = N_("new tasks would pull from another region: {images}. Replicate the registry.")
        return red("images", phrase(what, images=_named(elsewhere)))
    if missing:
        return red(
            "images",
            phrase(N_("no longer in the registry of {region}: {images}."), region=aws.region, images=_named(missing)),
        )
    if not asked:
        return grey("images", phrase(N_("none of the images is in a registry of ours, so nobody has looked for them.")))
    return green(
        "images", phrase(N_("{count} images are in the registry of {region}."), count=asked, region=aws.region)
    )


def size(aws: Aws, attempt: Attempt, home: str, percent: int, wished: Sequence[str], found: Found) -> Iterator[Point]:
    """What there shall be, autoscaling's limits, and Fargate's quota."""
    goal = wanted(attempt.known, home, wished, percent)
    if missing := [name for name in wished if name not in goal]:
        what = N_("nobody has noted how many tasks run at home of {services}; see `lifeboat survey`.")
        yield red("sizes", phrase(what, services=_named(missing)))
    low = [name for name, (_, target) in found.items() if target and goal.get(name, 0) > target["MaxCapacity"]]
    if low:
        what = N_("autoscaling's maximum in {region} is too low for {services}.")
        yield red("limits", phrase(what, region=aws.region, services=_named(low)))
    units = sum(
        max(0, goal[name] - found[name][0]["desiredCount"]) * _units(attempt.known, aws.region, name)
        for name in goal
        if name in found
    )
    free = room(aws, *QUOTA, attempt.now) if units else None
    fields = {"needed": f"{units / 1024:g}", "free": "?" if free is None else f"{free:g}", "region": aws.region}
    what = N_("{needed} more vCPUs are needed in {region}, {free} are free.")
    if units and free is not None and free < units / 1024:
        yield red("quota", phrase(what, **fields))
    elif units:
        yield (green if free is not None else grey)("quota", phrase(what, **fields))


def _is_there(aws: Aws, match: re.Match[str]) -> bool:
    rest = match["rest"]
    wished = {"imageDigest": rest.rpartition("@")[2]} if "@" in rest else {"imageTag": rest.lstrip(":") or "latest"}
    asked = {"registryId": match["registry"], "repositoryName": match["name"], "imageIds": [wished]}
    try:
        return bool(aws.client("ecr").describe_images(**asked)["imageDetails"])
    except ActionFailed as error:
        if error.code not in {"ImageNotFoundException", "RepositoryNotFoundException"}:
            raise
        return False


def _family(known: Known, region: str, name: str) -> str:
    seen = running(known, region, name)
    return seen.value.task_definition.split(":")[0] if seen else ""


def _differ(known: Known, home: str, here: str, name: str) -> bool:
    """Whether the images are others, but for the registry that they are in."""
    both = [running(known, region, name) for region in (home, here)]
    if not all(both):
        return False
    first, second = ([image.rpartition("amazonaws.com/")[2] for image in seen.value.images] for seen in both if seen)
    return first != second


def _units(known: Known, region: str, name: str) -> int:
    seen = running(known, region, name)
    return seen.value.cpu if seen else 0


def _named(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" (+{rest})" if rest > 0 else "")
