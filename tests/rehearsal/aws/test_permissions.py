"""Denials, for IAM's simulator and for the call itself."""

import pytest
from botocore.exceptions import ClientError

from bot.aws.permissions import missing
from bot.aws.session import Session
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.permissions import ROLE_ARN

WEB = "arn:aws:ecs:us-east-1:123456789012:service/shop/web"


@pytest.fixture
def session(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The bot's own."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    return Session("us-east-1")


def decisions(aws: EmulatedAws, *actions: str, resources: tuple[str, ...] = ()) -> list[str]:
    asked = {"ResourceArns": list(resources)} if resources else {}
    answer = aws.client("iam").simulate_principal_policy(PolicySourceArn=ROLE_ARN, ActionNames=list(actions), **asked)
    return [one["EvalDecision"] for one in answer["EvaluationResults"]]


async def test_the_bot_may_do_everything_and_learns_so(aws: EmulatedAws, session: Session) -> None:
    assert missing(session, {"ecs:UpdateService": ("arn:{partition}:ecs:us-east-1:{account}:service/*",)}) == (
        frozenset(),
        None,
    )


async def test_what_is_denied_is_missing_in_the_simulation_and_refused_when_it_is_done(
    aws: EmulatedAws, session: Session
) -> None:
    aws.permissions.deny("ecs:UpdateService")
    assert missing(session, {"ecs:UpdateService": (), "ecs:StopTask": ()}) == (frozenset({"ecs:UpdateService"}), None)
    with pytest.raises(ClientError, match=r"AccessDeniedException.* is not authorized to perform: ecs:UpdateService"):
        aws.client("ecs").update_service(cluster="shop", service="web", desiredCount=1)
    aws.client("ecs").list_clusters()
    aws.permissions.allow("ecs:UpdateService")
    with pytest.raises(ClientError, match="ClusterNotFound"):
        aws.client("ecs").update_service(cluster="shop", service="web", desiredCount=1)


async def test_a_denial_may_be_about_one_resource(aws: EmulatedAws) -> None:
    aws.permissions.deny("ecs:*", WEB)
    assert decisions(aws, "ecs:UpdateService", resources=(WEB,)) == ["explicitDeny"]
    assert decisions(aws, "ecs:UpdateService", resources=(WEB[:-3] + "api",)) == ["allowed"]
    assert decisions(aws, "ecs:UpdateService", resources=(WEB[:-3] + "*",)) == ["explicitDeny"]
    assert decisions(aws, "elasticloadbalancing:ModifyRule", resources=(WEB,)) == ["allowed"]
    for region, service, code in (
        ("us-east-1", "web", "AccessDeniedException"),
        ("us-east-1", WEB, "AccessDeniedException"),
        ("us-east-1", "api", "ClusterNotFoundException"),
        ("us-west-2", "web", "ClusterNotFoundException"),
    ):
        with pytest.raises(ClientError, match=code):
            aws.client("ecs", region).update_service(cluster="shop", service=service, desiredCount=1)


async def test_each_of_several_resources_is_told(aws: EmulatedAws) -> None:
    aws.permissions.deny("ecs:UpdateService", WEB)
    resources = [WEB, WEB[:-3] + "api"]
    [result] = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=ROLE_ARN, ActionNames=["ecs:UpdateService"], ResourceArns=resources
    )["EvaluationResults"]
    each = [one["EvalResourceDecision"] for one in result["ResourceSpecificResults"]]
    assert (result["EvalDecision"], each) == ("explicitDeny", ["explicitDeny", "allowed"])


@pytest.mark.parametrize(
    ("action", "call"),
    [
        ("s3:ListBucket", lambda aws: aws.client("s3").list_objects_v2(Bucket="shop")),
        ("s3:DeleteObject", lambda aws: aws.client("s3").delete_objects(Bucket="shop", Delete={"Objects": []})),
        ("elasticloadbalancing:DescribeTargetHealth", lambda aws: aws.client("elbv2").describe_target_health(TargetGroupArn="g")),
        ("cloudwatch:PutMetricData", lambda aws: aws.client("cloudwatch").put_metric_data(Namespace="n", MetricData=[])),
        ("servicequotas:GetServiceQuota", lambda aws: aws.client("service-quotas").get_service_quota(ServiceCode="vpc", QuotaCode="q")),
    ],
)  # fmt: skip
async def test_iam_has_its_own_names_for_some_calls(aws: EmulatedAws, action: str, call: object) -> None:
    aws.permissions.deny(action)
    with pytest.raises(ClientError, match="AccessDenied"):
        call(aws)  # type: ignore[operator]  # it is one of the functions above


async def test_who_has_taken_on_a_role_is_that_one(aws: EmulatedAws) -> None:
    assert aws.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/lifeboat/rehearsal")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").simulate_principal_policy(PolicySourceArn=ROLE_ARN + "s", ActionNames=["ecs:StopTask"])
