"""A cluster that Lifeboat restored: how it is called, and how it is known again.

RDS does not tell what a cluster was restored from, or to which moment. So both are in tags that the restore itself sets.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.aws.rds.cluster import Described

LONGEST_NAME = 63
#: Room for the number that an instance's name ends with.
_NUMBERED = 3
_INCIDENT, _SOURCE, _MOMENT = "lifeboat:incident", "lifeboat:restored-from", "lifeboat:restored-to"
#: Every name that `restored_name` can give, and no other, as IAM calls it; and the same of its instances.
RESTORED = ("arn:{partition}:rds:{region}:{account}:cluster:*-lb-*",)
RESTORED_INSTANCES = ("arn:{partition}:rds:{region}:{account}:db:*-lb-*",)


@dataclass(frozen=True)
class Restoring:
    """The cluster `target` with the data of `source` as they were `at` that moment."""

    target: str
    source: str
    at: datetime
    incident: str

    @property
    def tags(self) -> dict[str, str]:
        return {_INCIDENT: self.incident, _SOURCE: self.source, _MOMENT: moment(self.at)}

    def is_it(self, described: Described) -> bool:
        """Whether a cluster of that name is this restore, and not somebody else's."""
        return self.tags.items() <= tags_of(described).items()


def restored_name(cluster: str, incident: str) -> str:
    """The one name under which an incident restores a cluster: `shop-db-lb-<incident>`, in letters that RDS allows.

    A name that would be too long is cut and gets a digest of the whole, so that two long names stay two names.
    """
    whole = re.sub(r"[^a-z0-9]+", "-", f"{cluster}-lb-{incident}".lower()).strip("-")
    room = LONGEST_NAME - _NUMBERED
    if len(whole) <= room:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{cluster.lower()[: room - len(digest) - 5].rstrip('-')}-lb-{digest}"


def instance_name(cluster: str, number: int) -> str:
    return f"{cluster}-{number}"


def tags_of(described: Described) -> Mapping[str, str]:
    return {one["Key"]: one.get("Value", "") for one in described.get("TagList", ())}


def restored_by(described: Described, incident: str) -> bool:
    """Whether this incident made it, and by a restore."""
    tags = tags_of(described)
    return tags.get(_INCIDENT) == incident and _SOURCE in tags


def moment(at: datetime) -> str:
    """AWS restores to whole seconds; rounded down, so that nothing after `at` comes back."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()
