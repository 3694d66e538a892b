"""S3 Multi-Region Access Points and the dials that say which of their regions get requests. moto has no dials.

Dials are turned and read in five regions only, and a turn takes effect two minutes later, which is the longest that AWS
names. An access point is there as soon as it is asked for. Not emulated: requests through it, and its policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.faults import Cut
from bot.rehearsal.aws.moto_app import ACCOUNT, backend

CONTROL_REGIONS = ("us-east-1", "us-west-2", "ap-southeast-2", "ap-northeast-1", "eu-west-1")
#: Access points themselves are made and described here.
HOME = "us-west-2"
_SECONDS = 120.0

Dials = Mapping[str, int]  # by region: 0 or 100


@dataclass
class AccessPoint:
    """`turns`: when which dials took effect, oldest first; the last may be to come."""

    name: str
    alias: str
    made_at: datetime
    buckets: Mapping[str, str]  # by region
    turns: list[tuple[datetime, Dials]] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:s3::{ACCOUNT}:accesspoint/{self.alias}"


class AccessPoints:
    """`active` is where requests go."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, AccessPoint] = {}  # by ARN

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateMultiRegionAccessPoint": self._create,
            "GetMultiRegionAccessPoint": self._get,
            "GetMultiRegionAccessPointRoutes": self._routes,
            "SubmitMultiRegionAccessPointRoutes": self._submit,
        }
        return {("s3control", name): handler for name, handler in by_name.items()}

    def active(self, arn: str, at: datetime | None = None) -> frozenset[str]:
        """The regions that requests to the access point go to at an instant."""
        moment = at or self._clock.now()
        _, dials = max((turn for turn in self._known[arn].turns if turn[0] <= moment), key=lambda turn: turn[0])
        return frozenset(region for region, dial in dials.items() if dial)

    async def _create(self, call: Call, _moto: Moto) -> Answer:
        _only_in(call, (HOME,))
        asked, now = call.parameters["Details"], self._clock.now()
        buckets = {_region_of(one["Bucket"]): str(one["Bucket"]) for one in asked["Regions"]}
        made = AccessPoint(asked["Name"], f"{uuid4().hex[:13]}.mrap", now, buckets)
        made.turns.append((now, dict.fromkeys(buckets, 100)))
        self._known[made.arn] = made
        token = f"arn:aws:s3:{HOME}:{ACCOUNT}:async-request/mrap/create/{uuid4().hex}"
        return {"RequestTokenARN": token}

    async def _get(self, call: Call, _moto: Moto) -> Answer:
        _only_in(call, (HOME,))
        for one in self._known.values():
            if one.name == call.parameters["Name"]:
                regions = [{"Bucket": bucket, "Region": region} for region, bucket in one.buckets.items()]
                about = {"Name": one.name, "Alias": one.alias, "CreatedAt": one.made_at, "Status": "READY"}
                return {"AccessPoint": {**about, "Regions": regions}}
        raise AwsError("NotFoundException", "The specified Multi-Region Access Point does not exist.", 404)

    async def _routes(self, call: Call, _moto: Moto) -> Answer:
        found = self._found(call)
        routes = [
            {"Bucket": found.buckets[region], "Region": region, "TrafficDialPercentage": dial}
            for region, dial in found.turns[-1][1].items()
        ]
        return {"Mrap": found.arn, "Routes": routes}

    async def _submit(self, call: Call, _moto: Moto) -> Answer:
        found = self._found(call)
        regions = {bucket: region for region, bucket in found.buckets.items()}
        wanted = {
            str(one.get("Region") or regions.get(one["Bucket"])): int(one["TrafficDialPercentage"])
            for one in call.parameters["RouteUpdates"]
        }
        if wanted.keys() - found.buckets.keys() or set(wanted.values()) - {0, 100}:
            raise AwsError("InvalidRequestException", "A route names no region of the access point, or no state.")
        dials = {**found.turns[-1][1], **wanted}
        if not any(dials.values()):
            raise AwsError("InvalidRequestException", "At least one region must be active at all times.")
        found.turns.append((self._clock.now() + self._clock.scaled(_SECONDS), dials))
        return {}

    def _found(self, call: Call) -> AccessPoint:
        _only_in(call, CONTROL_REGIONS)
        if call.parameters["Mrap"] not in self._known:
            raise AwsError("NotFoundException", "The specified Multi-Region Access Point does not exist.", 404)
        return self._known[call.parameters["Mrap"]]


def _only_in(call: Call, regions: tuple[str, ...]) -> None:
    if call.region not in regions:
        raise Cut  # no such endpoint


def _region_of(bucket: str) -> str:
    found = backend("s3", "aws").buckets.get(bucket)
    if found is None:
        raise AwsError("NotFoundException", f"There is no bucket {bucket}.", 404)
    return str(found.region_name)
