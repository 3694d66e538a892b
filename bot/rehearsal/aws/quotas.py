"""Service Quotas that count: how many vCPUs Fargate may use in a region at once.

`aws.quotas.set("fargate", "L-3032A538", 10, region)` makes it tight. What moto knows of other services' quotas it answers
itself. Not emulated: requests for an increase.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto
from bot.rehearsal.aws.moto_app import ACCOUNT

FARGATE_VCPUS = ("fargate", "L-3032A538")


@dataclass(frozen=True)
class Known:
    """A quota of AWS: its name, AWS's default, what an account has that asked for more once, and where its use is told."""

    name: str
    default: float
    granted: float
    usage: Mapping[str, Any]


#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
QUOTAS: Mapping[tuple[str, str], Known] = {
    FARGATE_VCPUS: Known(
        "Fargate On-Demand vCPU resource count", 6, 4000,
        {
            "MetricNamespace": "AWS/Usage",
            "MetricName": "ResourceCount",
            "MetricDimensions": {
                "Class": "Standard/OnDemand", "Resource": "vCPU", "Service": "Fargate", "Type": "Resource",
            },
            "MetricStatisticRecommendation": "Maximum",
        },
    ),
}  # fmt: skip


class Quotas:
    def __init__(self) -> None:
        self._set: dict[tuple[str, str, str], float] = {}  # service, code, region

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("service-quotas", "GetServiceQuota"): self._get,
            ("service-quotas", "GetAWSDefaultServiceQuota"): self._default,
        }

    def set(self, service: str, code: str, value: float, region: str = "us-east-1") -> None:
        self._set[service, code, region] = value

    def value(self, quota: tuple[str, str], region: str) -> float:
        return self._set.get((*quota, region), QUOTAS[quota].granted)

    def forget(self) -> None:
        """Every quota is as an account has it."""
        self._set.clear()

    async def _get(self, call: Call, moto: Moto) -> Answer:
        quota = _named(call)
        return {"Quota": _shown(quota, call.region, self.value(quota, call.region))} if quota in QUOTAS else moto(call)

    async def _default(self, call: Call, moto: Moto) -> Answer:
        quota = _named(call)
        return {"Quota": _shown(quota, call.region, QUOTAS[quota].default)} if quota in QUOTAS else moto(call)


def _named(call: Call) -> tuple[str, str]:
    return call.parameters["ServiceCode"], call.parameters["QuotaCode"]


def _shown(quota: tuple[str, str], region: str, value: float) -> dict[str, Any]:
    service, code = quota
    return {
        "ServiceCode": service, "ServiceName": "AWS Fargate", "QuotaCode": code, "QuotaName": QUOTAS[quota].name,
        "QuotaArn": f"arn:aws:servicequotas:{region}:{ACCOUNT}:{service}/{code}", "Value": value, "Unit": "None",
        "Adjustable": True, "GlobalQuota": False, "UsageMetric": QUOTAS[quota].usage,
    }  # fmt: skip
