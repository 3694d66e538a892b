"""Which release of a service was good before the one that runs, and whether it can still be run as it was.

ECS keeps each deployment of the last 90 days with its end, and the service revision that it brought: the task definition
and, by digest, the images that its containers ran.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.aws.ecs.service import Service, Which, primary_of
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Aws

#: What finding a release needs, besides `ecs:DescribeTaskDefinition`.
READS = (
    "ecr:DescribeImages",
    "ecs:DescribeServiceRevisions",
    "ecs:ListServiceDeployments",
)

#: ECS has given up on a deployment by itself, and goes or went back to what was before.
_BY_ECS = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"})
_PAGE = 100
_ECR = re.compile(
    r"^(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]+))?$"
)

Revision = Mapping[str, Any]  # as DescribeServiceRevisions shows it


@dataclass(frozen=True)
class Release:
    """`task_definition` is an ARN; `warnings`: what could not be looked at."""

    task_definition: str
    warnings: tuple[Phrase, ...] = ()


def last_good(params: Which, aws: Aws, service: Service) -> Release | Phrase:
    """The newest release that was deployed well and is older than the one that runs; else why there is none to go back to."""
    deployments = _deployments(params, aws)
    if deployments and deployments[0]["status"] in _BY_ECS:
        what = N_(
            "ECS has rolled {service} back by itself ({status}). Look at what it runs now before going further back."
        )
        return phrase(what, service=params.service, status=deployments[0]["status"])
    current = str(primary_of(service)["taskDefinition"])
    for revision in _revisions(aws, [one for one in deployments if one["status"] == "SUCCESSFUL"]):
        there = revision["taskDefinition"]
        if there != current and not is_newer(there, current):
            return _runnable(aws, service, revision)
    what = N_(
        "ECS remembers no release of {service} from before {current} that was deployed well (it keeps 90 days). Deploy one."
    )
    return phrase(what, service=params.service, current=name_of(current))


def named(params: Which, aws: Aws, service: Service, task_definition: str) -> Release | Phrase:
    """The release that somebody names, with its images as ECS remembers them if it ever ran here."""
    arn = str(_definition(aws, task_definition)["taskDefinitionArn"])
    ran = (one for one in _revisions(aws, _deployments(params, aws)) if one["taskDefinition"] == arn)
    return _runnable(aws, service, next(ran, {"taskDefinition": arn}))


def came_from(params: Which, aws: Aws, task_definition: str) -> str | None:
    """The release that the newest deployments replaced, if they are all of that task definition."""
    replaced = (one["taskDefinition"] for one in _revisions(aws, _deployments(params, aws)))
    return next((one for one in replaced if one != task_definition), None)


def is_newer(one: str, other: str) -> bool:
    """`web:7` is newer than `web:6`; of two families nobody can say."""
    (family, _, number), (its_family, _, its_number) = (name_of(arn).rpartition(":") for arn in (one, other))
    return family == its_family and int(number) > int(its_number)


def name_of(task_definition: str) -> str:
    """`web:7` of its ARN."""
    return str(task_definition).rpartition("/")[2]


def _deployments(params: Which, aws: Aws) -> list[Mapping[str, Any]]:
    """Newest first."""
    asked: dict[str, Any] = {"cluster": params.cluster, "service": params.service, "maxResults": _PAGE}
    found: list[Mapping[str, Any]] = []
    while True:
        answer = aws.client("ecs").list_service_deployments(**asked)
        found += answer["serviceDeployments"]
        if not answer.get("nextToken"):
            return sorted(found, key=lambda one: one["createdAt"], reverse=True)
        asked["nextToken"] = answer["nextToken"]


def _revisions(aws: Aws, deployments: Sequence[Mapping[str, Any]]) -> Iterator[Revision]:
    """What each deployment brought, in their order; ECS describes twenty at a time."""
    arns = [one["targetServiceRevisionArn"] for one in deployments]
    for start in range(0, len(arns), 20):
        part = arns[start : start + 20]
        answer = aws.client("ecs").describe_service_revisions(serviceRevisionArns=part)
        found = {one["serviceRevisionArn"]: one for one in answer["serviceRevisions"]}
        yield from (found[arn] for arn in part if arn in found)


def _runnable(aws: Aws, service: Service, revision: Revision) -> Release | Phrase:
    """Whether ECS would start it, and start the same as then."""
    definition = _definition(aws, revision["taskDefinition"])
    if definition["status"] != "ACTIVE":
        what = N_("{release} is {status}: ECS does not start it. Register it again, or deploy another release.")
        return phrase(what, release=name_of(revision["taskDefinition"]), status=definition["status"])
    warnings: list[Phrase] = []
    for image in revision.get("containerImages", ()):
        found = _ECR.match(image["image"])
        if found is None or not _is_ours(aws, service, found):
            what = N_("Whether {image} is still there was not looked up: its registry is not ours.")
            warnings.append(phrase(what, image=image["image"]))
        elif problem := _changed(aws, image, found):
            return problem
    return Release(str(definition["taskDefinitionArn"]), tuple(warnings))


def _definition(aws: Aws, task_definition: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = aws.client("ecs").describe_task_definition(taskDefinition=task_definition)
    definition: Mapping[str, Any] = found["taskDefinition"]
    return definition


def _is_ours(aws: Aws, service: Service, found: re.Match[str]) -> bool:
    """In the service's own account and region: another one may be failing, or may not let us ask."""
    return found["registry"] == service["serviceArn"].split(":")[4] and found["region"] == aws.region


def _changed(aws: Aws, image: Mapping[str, Any], found: re.Match[str]) -> Phrase | None:
    """The image is gone, or its tag means another one by now: then the old release would bring the new code."""
    wanted = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"] or "latest"}
    asked = {"registryId": found["registry"], "repositoryName": found["repository"], "imageIds": [wanted]}
    try:
        [there] = aws.client("ecr").describe_images(**asked)["imageDetails"]
    except ActionFailed as error:
        if error.code not in {"ImageNotFoundException", "RepositoryNotFoundException"}:
            raise
        what = N_(
            "The image {image} is no longer in ECR, so the release cannot start. Push it again, or deploy another."
        )
        return phrase(what, image=image["image"])
    if there["imageDigest"] != image.get("imageDigest", there["imageDigest"]):
        what = N_(
            "The tag of {image} has moved since: it meant {then}, and means {now}. Rolling back would not bring the old "
            "code. Point the tag back, or deploy by digest."
        )
        return phrase(what, image=image["image"], then=image["imageDigest"], now=there["imageDigest"])
    return None
