"""Route 53's health checks, and what they have seen: routing controls, an object in S3, an endpoint, an alarm, each other.

What a check says at an instant is what was so its interval times its threshold before: a pure function of the clock. moto
keeps health checks, but loses which routing control or alarm they are about. Endpoints other than S3's are seen as long as
the region that their host names is not dark; `sees` may say it better. Not emulated: latency graphs, the regions of the
checkers, LastKnownStatus, and the past of an alarm.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto, Wrap
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.routing_controls import RoutingControls
from bot.rehearsal.aws.spells import Spells

_REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.")
_IN_PATH = re.compile(r"s3[.-][a-z0-9-]+\.amazonaws\.com$")
_IN_HOST = re.compile(r"(?P<bucket>[a-z0-9.-]+)\.s3[.-][a-z0-9.-]+\.amazonaws\.com$")
_ALWAYS = datetime.min.replace(tzinfo=UTC)
#: Seconds from a routing control's change until its health check follows.
_CONTROL_SECONDS = 2.0
_WRITES = ("PutObject", "CopyObject", "DeleteObject", "DeleteObjects")
_DEFAULTS = {"RequestInterval": 30, "FailureThreshold": 3}

Watched = tuple[str, str, bytes]  # bucket, key, and what must stand in it


@dataclass
class HealthCheck:
    id: str
    reference: str
    config: dict[str, Any]
    version: int = 1

    def shown(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            "CallerReference": self.reference,
            "HealthCheckConfig": self.config,
            "HealthCheckVersion": self.version,
        }


@dataclass
class NameHealth:
    """`sees`: whether the checkers reached a host at an instant. `forget` takes all checks away."""

    clock: Clock
    controls: RoutingControls
    outages: Outages
    sees: Callable[[str, datetime], bool] = lambda _host, _at: True
    _checks: dict[str, HealthCheck] = field(default_factory=dict)
    _there: dict[Watched, Spells] = field(default_factory=dict)  # when the object was there

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateHealthCheck": self._create,
            "GetHealthCheck": self._get,
            "UpdateHealthCheck": self._update,
            "DeleteHealthCheck": self._delete,
            "ListHealthChecks": self._list,
            "GetHealthCheckStatus": self._status,
        }
        return {("route53", name): handler for name, handler in by_name.items()}

    @property
    def wraps(self) -> Mapping[tuple[str, str], Wrap]:
        return {("s3", name): self._noticed for name in _WRITES}

    def forget(self) -> None:
        self._checks.clear()
        self._there.clear()

    def is_healthy(self, id_: str, at: datetime) -> bool:
        """As Route 53 takes it: a disabled check sees nothing any more and counts as healthy; then it is inverted."""
        check = self._checks.get(id_)
        if check is None:
            return True  # Route 53 refuses such a record; moto does not
        seen = bool(check.config.get("Disabled")) or self._seen(check, at)
        return seen != bool(check.config.get("Inverted"))

    def reaches(self, host: str, at: datetime) -> bool:
        region = region_of(host)
        return not (region and self.outages.region_is_dark(region, at)) and self.sees(host, at)

    def _seen(self, check: HealthCheck, at: datetime) -> bool:
        """Before it is inverted."""
        config = check.config
        match config["Type"]:
            case "RECOVERY_CONTROL":
                control = self.controls.control(config["RoutingControlArn"])
                return control is not None and control.spells.at(at - self.clock.scaled(_CONTROL_SECONDS))
            case "CLOUDWATCH_METRIC":
                return self._alarm_is_well(config)
            case "CALCULATED":
                healthy = sum(self.is_healthy(child, at) for child in config.get("ChildHealthChecks", ()))
                return healthy >= int(config.get("HealthThreshold", 1))
        return self._endpoint_answers(config, at - self._delay(config))

    def _delay(self, config: Mapping[str, Any]) -> timedelta:
        told = {**_DEFAULTS, **config}
        return self.clock.scaled(told["RequestInterval"] * told["FailureThreshold"])

    def _endpoint_answers(self, config: Mapping[str, Any], at: datetime) -> bool:
        host = str(config.get("FullyQualifiedDomainName") or config.get("IPAddress") or "")
        if not self.reaches(host, at):
            return False
        watched = _watched(config)
        return watched is None or self._there[watched].at(at)

    def _alarm_is_well(self, config: Mapping[str, Any]) -> bool:
        about = config["AlarmIdentifier"]
        alarm = backend("cloudwatch", about["Region"]).alarms.get(about["Name"])
        if alarm is None or alarm.state_value == "INSUFFICIENT_DATA":
            return str(config.get("InsufficientDataHealthStatus", "Healthy")) == "Healthy"
        return str(alarm.state_value) == "OK"

    def _noticed(self, handler: Handler) -> Handler:
        """In front of every write to S3: when what is watched came and went."""

        async def write(call: Call, moto: Moto) -> Answer:
            answer = await handler(call, moto)
            now = self.clock.now()
            for watched, there in self._there.items():
                (there.begin if _is_there(watched) else there.end)(now)
            return answer

        return write

    def _watch(self, config: Mapping[str, Any]) -> None:
        """As far as anybody knows, what is there now always was."""
        watched = _watched(config)
        if watched is not None and watched not in self._there:
            self._there[watched] = Spells()
            if _is_there(watched):
                self._there[watched].begin(_ALWAYS)

    async def _create(self, call: Call, _moto: Moto) -> Answer:
        reference, config = call.parameters["CallerReference"], dict(call.parameters["HealthCheckConfig"])
        for check in self._checks.values():
            if check.reference == reference and check.config != config:
                raise AwsError("HealthCheckAlreadyExists", "The caller reference was used for another check.", 409)
            if check.reference == reference:
                return {"HealthCheck": check.shown(), "Location": _location(check)}
        check = HealthCheck(str(uuid4()), reference, config)
        self._checks[check.id] = check
        self._watch(config)
        return {"HealthCheck": check.shown(), "Location": _location(check)}

    async def _get(self, call: Call, _moto: Moto) -> Answer:
        return {"HealthCheck": self._check(call).shown()}

    async def _update(self, call: Call, _moto: Moto) -> Answer:
        check = self._check(call)
        rest = {"HealthCheckId", "HealthCheckVersion", "ResetElements"}
        check.config |= {name: value for name, value in call.parameters.items() if name not in rest}
        check.version += 1
        self._watch(check.config)
        return {"HealthCheck": check.shown()}

    async def _delete(self, call: Call, _moto: Moto) -> Answer:
        del self._checks[self._check(call).id]
        return {}

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        shown = [check.shown() for check in self._checks.values()]
        marker, most = str(call.parameters.get("Marker", "")), int(call.parameters.get("MaxItems", 100))
        ids = [one["Id"] for one in shown]
        start = ids.index(marker) if marker in ids else 0
        page, rest = shown[start : start + most], shown[start + most :]
        more = {"NextMarker": rest[0]["Id"]} if rest else {}
        return {"HealthChecks": page, "Marker": marker, "IsTruncated": bool(rest), "MaxItems": str(most), **more}

    async def _status(self, call: Call, _moto: Moto) -> Answer:
        check, now = self._check(call), self.clock.now()
        told = "Success: HTTP Status Code 200, OK" if self._seen(check, now) else "Failure: HTTP Status Code 404"
        report = {"Status": told, "CheckedTime": now}
        regions = ("us-east-1", "eu-west-1", "ap-southeast-1")
        return {
            "HealthCheckObservations": [
                {"Region": region, "IPAddress": f"192.0.2.{number}", "StatusReport": report}
                for number, region in enumerate(regions, 1)
            ]
        }

    def _check(self, call: Call) -> HealthCheck:
        id_ = call.parameters["HealthCheckId"]
        if id_ not in self._checks:
            raise AwsError("NoSuchHealthCheck", f"There is no health check {id_}.", 404)
        return self._checks[id_]


def region_of(host: str) -> str:
    """The region that a host's name tells; "" where it tells none."""
    found = _REGION.search(host)
    return found[1] if found else ""


def _location(check: HealthCheck) -> str:
    return f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check.id}"


def _watched(config: Mapping[str, Any]) -> Watched | None:
    """The object in S3 that the check asks for, by either form of address; None: it asks for something else."""
    host, path = str(config.get("FullyQualifiedDomainName", "")), str(config.get("ResourcePath", "/")).lstrip("/")
    text = str(config.get("SearchString") or "").encode()
    if _IN_PATH.match(host):
        bucket, _, key = path.partition("/")
        return bucket, key, text
    if found := _IN_HOST.match(host):
        return found["bucket"], path, text
    return None


def _is_there(watched: Watched) -> bool:
    bucket, key, text = watched
    found = backend("s3", "aws").buckets.get(bucket)
    entries = found.keys.getlist(key, []) if found is not None else []
    return bool(entries) and hasattr(entries[-1], "etag") and text in entries[-1].value
