import pytest

from bot.errors import ActionFailed
from bot.playbook.fence import Fence
from tests.support.actions import Cloud


def test_a_client_of_the_failing_region_cannot_be_had_by_any_way() -> None:
    with pytest.raises(ActionFailed, match="us-east-1 was not called"):
        Fence(Cloud(region="us-west-2"), "us-east-1").client("dynamodb", "us-east-1")
    with pytest.raises(ActionFailed, match="us-east-1 was not called"):
        Fence(Cloud(region="us-east-1"), "us-east-1").client("dynamodb")
    with pytest.raises(ActionFailed, match="us-east-1 was not called"):
        Fence(Cloud(region="us-west-2"), "us-east-1").client(
            "route53-recovery-cluster", "us-east-1", endpoint="http://x"
        )


def test_the_other_regions_are_reached() -> None:
    cloud = Cloud(region="us-west-2")
    fence = Fence(cloud, "us-east-1")
    assert fence.client("dynamodb") is cloud
    assert fence.client("dynamodb", "eu-west-1") is cloud
    assert fence.region == "us-west-2"
