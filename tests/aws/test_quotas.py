from datetime import timedelta
from typing import Any

import pytest

from bot.aws.quotas import room
from bot.aws.session import Session
from tests.aws.fakes import T0, Recorded, World, refused

USAGE = {
    "MetricNamespace": "AWS/Usage", "MetricName": "ResourceCount", "MetricStatisticRecommendation": "Maximum",
    "MetricDimensions": {"Service": "Fargate", "Resource": "vCPU", "Type": "Resource", "Class": "Standard/OnDemand"},
}  # fmt: skip


class Quotas(Recorded):
    api = "service-quotas"
    own: float | None = 10
    metric: Any = USAGE

    def fake_get_service_quota(self, **_: str) -> Any:
        if self.own is None:
            raise refused("NoSuchResourceException")
        return {"Quota": {"Value": self.own, "UsageMetric": self.metric}}

    def fake_get_aws_default_service_quota(self, **_: str) -> Any:
        return {"Quota": {"Value": 6.0, "UsageMetric": self.metric}}


class Watch(Recorded):
    api = "cloudwatch"

    def __init__(self, *used: float) -> None:
        super().__init__()
        self.used = used

    def fake_get_metric_statistics(self, **_: Any) -> Any:
        points = [{"Timestamp": T0 - timedelta(minutes=at), "Maximum": value} for at, value in enumerate(self.used)]
        return {"Datapoints": points[::-1]}


def asked(quotas: Quotas, watch: Watch) -> float | None:
    world = World(Session("us-east-1"), cloudwatch=watch, **{"service-quotas": quotas})
    return room(world, "fargate", "L-3032A538", T0)


def test_what_is_left_is_the_quota_less_the_latest_use() -> None:
    assert asked(Quotas(), Watch(4, 9, 1)) == 6


def test_a_quota_that_the_account_never_raised_is_awss_default() -> None:
    quotas = Quotas()
    quotas.own = None
    assert asked(quotas, Watch(4)) == 2


def test_more_used_than_allowed_leaves_nothing() -> None:
    assert asked(Quotas(), Watch(11)) == 0


@pytest.mark.parametrize("method", ["get_service_quota", "get_aws_default_service_quota"])
def test_a_quota_that_we_may_not_read_is_unknown(method: str) -> None:
    quotas = Quotas()
    quotas.own = None if "default" in method else 10
    quotas.fail_before[method] = refused("AccessDeniedException")
    assert asked(quotas, Watch(4)) is None


def test_a_use_that_nobody_measures_or_that_we_may_not_read_is_unknown() -> None:
    assert asked(Quotas(), Watch()) is None
    quotas = Quotas()
    quotas.metric = {}
    assert asked(quotas, Watch(4)) is None
    watch = Watch(4)
    watch.fail_before["get_metric_statistics"] = refused("AccessDenied")
    assert asked(Quotas(), watch) is None


def test_moto_knows_no_fargate_quota_which_is_unknown_too(session: Session) -> None:
    assert room(session, "fargate", "L-3032A538", T0) is None
