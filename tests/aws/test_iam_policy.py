"""What the policies allow, compared with what the playbooks' actions declare."""

import json
import re
import typing
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from bot import config as configuration
from bot.aws import ACTIONS, CHECKS
from bot.aws.choices import choices
from bot.aws.iam_document import LARGEST, Document, Statement, size, split, text
from bot.aws.iam_policy import MENUS, NEVER, Where, is_read, policies, uses, where
from bot.aws.session import Session
from bot.aws.survey import PERMISSIONS as SURVEYS
from bot.config import Config, Sources
from bot.core import usable_playbooks
from bot.errors import ActionFailed, NotFound, phrase
from bot.playbook.action import Check, Facts, Params
from bot.playbook.model import Playbook, ValueType

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "infrastructure" / "automation" / "iam"
TABLE: dict[str, Check] = {**ACTIONS, **CHECKS}
ACCOUNT = "123456789012"
#: IAM's prefix of a service where botocore names it otherwise.
NAMES = {"elasticloadbalancing": "elbv2", "servicequotas": "service-quotas"}


@pytest.fixture(scope="module")
def config() -> Config:
    return configuration.load(configuration.EXAMPLE)


@pytest.fixture(scope="module")
def shipped(config: Config) -> list[Playbook]:
    playbooks, problems = usable_playbooks(config)
    assert not problems
    return list(playbooks.values())


@pytest.fixture(scope="module")
def made(config: Config, shipped: list[Playbook]) -> Mapping[str, Document]:
    return policies(shipped, TABLE, config, where(config, ACCOUNT))


class Zone(Params):
    zone: str = "a"


class Declared:
    def __init__(self, name: str, *permissions: str, resources: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.facts = Facts(name, "action", Zone, permissions, "control", resources=resources or {})

    def look(self, params: Any, aws: Any, attempt: Any) -> Any:
        raise NotImplementedError


#: ARNs of a service that looks like any other.
HERE = ("arn:{partition}:ecs:{region}:{account}:service/*",)
SMALL: dict[str, Check] = {
    "ecs.scale": Declared(
        "ecs.scale", "ecs:DescribeServices", "ecs:UpdateService", resources={"ecs:UpdateService": HERE}
    ),
    "ecs.shrink": Declared("ecs.shrink", "ecs:DeleteService", resources={"ecs:DeleteService": HERE}),
    "arc.shift": Declared("arc.shift", "arc-zonal-shift:StartZonalShift", "ecs:UpdateService"),
}


def playbook(tier: int, *actions: str, undo: str | None = None) -> Playbook:
    steps: list[dict[str, Any]] = [{"id": f"s{at}", "action": action} for at, action in enumerate(actions)]
    if undo:
        steps[0]["undo"] = {"action": undo}
    values = {"name": "one", "title": {"en": "One", "ko": "하나"}, "tier": tier, "targets": {"rto": "5m", "rpo": "0s"}}
    return Playbook.model_validate(values | {"steps": steps})


def small(*playbooks: Playbook, place: Where | None = None) -> Mapping[str, Document]:
    bare = Config()
    return policies(playbooks, SMALL, bare, place or where(bare, ACCOUNT))


def statements(*documents: Document) -> Iterator[Document]:
    for document in documents:
        yield from document["Statement"]


def actions(documents: Mapping[str, Document], name: str) -> set[str]:
    parts = [document for key, document in documents.items() if re.fullmatch(rf"{name}(-\d+)?", key)]
    return {action for one in statements(*parts) for action in one["Action"]}


def test_the_committed_policies_are_those_of_the_shipped_playbooks(made: Mapping[str, Document]) -> None:
    committed = {path.stem: path.read_text(encoding="utf-8") for path in COMMITTED.glob("*.json")}
    again = (
        f"rm {COMMITTED.relative_to(ROOT)}/*.json; LIFEBOAT_CONFIG=bot/lifeboat.example.yaml "
        f"lifeboat iam-policy --account {ACCOUNT} --output {COMMITTED.relative_to(ROOT)}"
    )
    assert committed == {name: text(document) for name, document in made.items()}, again


def test_every_permission_of_a_shipped_playbook_is_in_exactly_its_tier(
    made: Mapping[str, Document], shipped: list[Playbook]
) -> None:
    for tier, name in (((1, 2), "tier-1-2"), ((3,), "tier-3")):
        declared = {
            permission
            for one in shipped if one.tier in tier
            for facts in uses(one, TABLE)
            for permission in facts.permissions
        }  # fmt: skip
        changes = {one for one in declared if not is_read(one)}
        assert actions(made, name) == changes
        assert declared - changes <= actions(made, "read")
        assert not changes & actions(made, "read")


def test_an_undo_counts_as_much_as_its_step() -> None:
    assert actions(small(playbook(1, "ecs.scale", undo="ecs.shrink")), "tier-1-2") == {
        "ecs:DeleteService",
        "ecs:UpdateService",
    }


def test_tier_3_is_a_policy_of_its_own_with_the_trust_of_its_role() -> None:
    made = small(playbook(1, "ecs.scale"), playbook(3, "arc.shift"))
    assert actions(made, "tier-1-2") == {"ecs:UpdateService"}
    assert actions(made, "tier-3") == {"arc-zonal-shift:StartZonalShift", "ecs:UpdateService"}
    [trust] = statements(made["tier-3-trust"])
    assert trust["Condition"] == {"StringLike": {"sts:SourceIdentity": "lifeboat-run-*"}}
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:role/lifeboat"}
    assert "tier-3-trust" not in small(playbook(1, "ecs.scale"))


def test_a_playbook_with_an_action_that_does_not_exist_gets_no_policy() -> None:
    with pytest.raises(NotFound, match=r"ecs\.grow"):
        small(playbook(1, "ecs.grow"))


def test_no_policy_allows_a_wildcard_action(made: Mapping[str, Document]) -> None:
    for one in statements(*made.values()):
        if one["Effect"] == "Allow":
            assert not [action for action in one["Action"] if "*" in action or "?" in action]


def test_nothing_may_be_changed_on_everything(made: Mapping[str, Document]) -> None:
    for name, document in made.items():
        if name in {"tier-1-2", "tier-3"}:
            assert all(one["Resource"] != "*" for one in statements(document))


def test_the_policies_are_within_iams_grammar(made: Mapping[str, Document]) -> None:
    for document in made.values():
        assert document["Version"] == "2012-10-17"
        written = list(statements(document))
        assert written
        sids = [one["Sid"] for one in written]
        assert len(set(sids)) == len(sids)
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
        bodies = [json.dumps({**one, "Sid": ""}) for one in written]
        assert len(set(bodies)) == len(bodies)
        for one in written:
            assert one["Effect"] in {"Allow", "Deny"}
            assert one["Action"]
            assert one["Action"] == sorted(set(one["Action"]))
            # A trust policy says who may take the role: its resource is the role that it belongs to.
            assert ["Principal" in one, "Resource" in one, "NotResource" in one].count(True) == 1
            scope = one.get("Resource", one.get("NotResource", "*"))
            for arn in [scope] if isinstance(scope, str) else scope:
                assert arn == "*" or re.fullmatch(r"arn:aws:[a-z0-9-]+:[a-z0-9*-]*:(\d{12}|\*)?:.+", arn)


def test_every_action_that_is_allowed_or_denied_exists(made: Mapping[str, Document]) -> None:
    named = {action for one in statements(*made.values()) for action in one["Action"]}
    for action in named:
        service, _, operation = action.partition(":")
        known = operations(NAMES.get(service, service))
        assert operation == "*" or operation in EXTRA or [one for one in known if fnmatchcase(one, operation)], action


#: IAM actions without an operation of their name.
EXTRA = {
    "SetSourceIdentity",
    "PassRole",
    "PartiQLDelete",
    "DeleteTableReplica",
    "DeleteBucket*",
    "DeleteObjectVersion",
    "DeleteObjectVersion*",
    "GetObjectVersion",
    "GetObjectVersionTagging",
    "ListAllMyBuckets",
    "ListBucket",
    "ListBucketVersions",
    # Operations of DynamoDB's streams, which IAM counts among DynamoDB's.
    "DescribeStream",
    "GetRecords",
    "GetShardIterator",
}


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def operations(service: str) -> frozenset[str]:
    return frozenset(model(service).operation_names)


def test_iam_takes_the_policies(made: Mapping[str, Document], session: Session) -> None:
    iam = session.client("iam")
    documents = {**made, **small(playbook(1, "ecs.scale"), playbook(3, "arc.shift"))}
    for name, document in documents.items():
        if name == "tier-3-trust":
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
        else:
            iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
    iam.create_policy(PolicyName="tagged", PolicyDocument=json.dumps(_tagged()["tier-1-2"]))


def test_the_queues_topics_and_sweeps_of_the_configuration_are_the_only_ones() -> None:
    sources = Sources(
        topics=(f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms",),
        queues=("https://sqs.eu-west-1.amazonaws.com/111122223333/alarms", "http://127.0.0.1:4566/123456789012/q"),
        sweep_regions=("us-east-1",),
    )
    config = Config(region="us-west-2", sources=sources)
    made = policies([], SMALL, config, where(config, ACCOUNT, role="lifeboat-bot"))
    by_action = {one["Action"][0]: one for one in statements(made["read"])}
    assert by_action["sqs:DeleteMessage"]["Resource"] == [
        "arn:aws:sqs:eu-west-1:111122223333:alarms",
        "arn:aws:sqs:us-west-2:123456789012:q",
    ]
    assert by_action["sns:ConfirmSubscription"]["Resource"] == f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"
    swept = by_action["cloudwatch:DescribeAlarms"]["Condition"]["StringEquals"]
    assert swept == {"aws:RequestedRegion": ["us-east-1"]}
    assert by_action["iam:GetRole"]["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/lifeboat-bot"
    assert actions({"read": policies([], SMALL, Config(), where(Config(), ACCOUNT))["read"]}, "read").isdisjoint(
        {"sqs:ReceiveMessage", "sns:ConfirmSubscription", "cloudwatch:DescribeAlarms"}
    )


class Asked:
    """An AWS that notes what it is asked, and answers nothing but the name of a cluster."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def client(self, service: str, region: str | None = None) -> Any:
        aws, names = self, {xform_name(one): one for one in operations(service)}

        class Client:
            def __getattr__(self, method: str) -> Any:
                asked = f"{model(service).signing_name}:{names[method]}"
                aws.asked.add(
                    "s3:ListAllMyBuckets" if asked == "s3:ListBuckets" else asked
                )  # IAM has its own name for it
                if method == "list_clusters":
                    return lambda **_: {"clusterArns": ["cluster/shop"]}
                raise ActionFailed(phrase("no"))

        return Client()


def test_forms_may_ask_for_their_menus_and_for_no_others(made: Mapping[str, Document]) -> None:
    for kind in typing.get_args(ValueType):
        aws = Asked()
        choices(kind, aws, {"cluster": "shop"})
        assert aws.asked == set(MENUS.get(kind, ()))
    bare = small(playbook(1, "ecs.scale"))
    assert "ecs:ListClusters" not in actions(bare, "read")
    assert "ecs:ListClusters" in actions(made, "read")


def test_regions_and_partition_are_written_into_the_arns() -> None:
    config = Config.model_validate({"region": "cn-north-1", "services": {"orders": {"region": "cn-northwest-1"}}})
    made = policies([playbook(1, "ecs.scale")], SMALL, config, where(config, ACCOUNT))
    [one] = statements(made["tier-1-2"])
    assert one["Resource"] == [
        f"arn:aws-cn:ecs:cn-north-1:{ACCOUNT}:service/*",
        f"arn:aws-cn:ecs:cn-northwest-1:{ACCOUNT}:service/*",
    ]
    given = policies([playbook(1, "ecs.scale")], SMALL, config, where(config, ACCOUNT, ["cn-north-1"]))
    [one] = statements(given["tier-1-2"])
    assert one["Resource"] == f"arn:aws-cn:ecs:cn-north-1:{ACCOUNT}:service/*"


def _tagged() -> Mapping[str, Document]:
    return small(playbook(1, "ecs.scale"), place=where(Config(), ACCOUNT, tag=("dr-managed", "true")))


def test_a_tag_is_asked_of_what_is_changed_and_of_nothing_that_is_read() -> None:
    [change] = statements(_tagged()["tier-1-2"])
    assert change["Condition"] == {"StringEquals": {"aws:ResourceTag/dr-managed": "true"}}
    assert "ResourceTag" not in json.dumps(_tagged()["read"])


def test_what_is_never_done_is_denied_but_where_an_action_declares_it() -> None:
    denied = {tuple(one["Action"]): one for one in statements(small(playbook(1, "ecs.shrink"))["deny"])}
    exception = denied[("ecs:Delete*",)]
    assert exception["NotResource"] == f"arn:aws:ecs:us-east-1:{ACCOUNT}:service/*"
    [rest] = [one for actions, one in denied.items() if actions != ("ecs:Delete*",)]
    assert rest["Resource"] == "*"
    assert set(rest["Action"]) == set(NEVER) - {"ecs:Delete*"}
    [whole] = statements(small(playbook(1, "ecs.scale"))["deny"])
    assert set(whole["Action"]) == set(NEVER)


def test_no_denial_takes_back_what_a_tier_is_allowed(made: Mapping[str, Document]) -> None:
    for allowed in statements(*(one for name, one in made.items() if name not in {"deny", "tier-3-trust"})):
        scope = allowed.get("Resource", "*")
        for denied in statements(made["deny"]):
            hit = [a for a in allowed["Action"] if any(fnmatchcase(a, pattern) for pattern in denied["Action"])]
            spared = denied.get("NotResource", [])
            wanted = {scope} if isinstance(scope, str) else set(scope)
            assert not hit or wanted <= ({spared} if isinstance(spared, str) else set(spared)), hit


def test_the_wider_of_two_scopes_swallows_the_narrower() -> None:
    wide, narrow = (
        "arn:{partition}:ecs:{region}:{account}:service/*",
        "arn:{partition}:ecs:{region}:{account}:service/a-*",
    )
    table: dict[str, Check] = {
        "ecs.a": Declared("ecs.a", "ecs:UpdateService", resources={"ecs:UpdateService": (narrow,)}),
        "ecs.b": Declared("ecs.b", "ecs:UpdateService", resources={"ecs:UpdateService": (wide,)}),
    }
    made = policies([playbook(1, "ecs.a", "ecs.b")], table, Config(), where(Config(), ACCOUNT))
    [one] = statements(made["tier-1-2"])
    assert one["Resource"] == f"arn:aws:ecs:us-east-1:{ACCOUNT}:service/*"


def test_the_order_of_playbooks_does_not_show(config: Config, shipped: list[Playbook]) -> None:
    forward = policies(shipped, TABLE, config, where(config, ACCOUNT))
    backward = policies(shipped[::-1], TABLE, config, where(config, ACCOUNT))
    assert json.dumps(forward) == json.dumps(backward)


def _sized(length: int) -> list[Document]:
    """Two statements that make a document of exactly that many characters."""
    one = Statement(frozenset({"ecs:A"})).document()
    rest = length - size(
        {"Version": "2012-10-17", "Statement": [one, Statement(frozenset({"ecs:B"}), ("",)).document()]}
    )
    return [one, Statement(frozenset({"ecs:B"}), ("x" * rest,)).document()]


def test_a_policy_that_iam_would_not_take_becomes_two() -> None:
    [(name, whole)] = split("read", _sized(LARGEST))
    assert (name, size(whole)) == ("read", LARGEST)
    parts = dict(split("read", _sized(LARGEST + 1)))
    assert list(parts) == ["read-1", "read-2"]


def test_a_single_statement_that_is_too_large_is_divided_by_its_actions() -> None:
    names = frozenset(f"ecs:Describe{'X' * 40}{number}" for number in range(200))
    parts = dict(split("read", [Statement(names).document()]))
    assert len(parts) > 1
    assert all(size(document) <= LARGEST for document in parts.values())
    assert {action for one in statements(*parts.values()) for action in one["Action"]} == names


def test_blanks_do_not_count() -> None:
    assert size({"Version": "1", "Statement": []}) == len('{"Version":"1","Statement":[]}')


def test_a_role_is_passed_to_tasks_alone_and_the_restore_role_to_aws_backup_alone(
    made: Mapping[str, Document],
) -> None:
    passing = {one["Sid"]: one for one in statements(*made.values()) if "iam:PassRole" in one["Action"]}
    assert {sid: (one["Resource"], one["Condition"]["StringEquals"]) for sid, one in passing.items()} == {
        "IamPassRoleToBackup": (
            f"arn:aws:iam::{ACCOUNT}:role/lifeboat-restore*",
            {"iam:PassedToService": "backup.amazonaws.com"},
        ),
        "IamPassRoleToEcs": (
            f"arn:aws:iam::{ACCOUNT}:role/*",
            {"iam:PassedToService": "ecs-tasks.amazonaws.com"},
        ),
    }


def test_a_read_is_known_by_its_name() -> None:
    assert is_read("dynamodb:DescribeTable")
    assert is_read("iam:SimulatePrincipalPolicy")
    assert not is_read("dynamodb:UpdateTable")
    assert not is_read("ssm:GetawayParameter")


def test_the_survey_may_look_in_both_regions_of_a_service_with_a_standby() -> None:
    both = {"home_region": "eu-west-1", "standby_region": "eu-central-1"}
    config = Config.model_validate({"services": {"shop": {"parameters": both}}})
    made = policies([], SMALL, config, where(config, ACCOUNT))
    [found] = [one for one in statements(made["read"]) if "ecs:DescribeServices" in one["Action"]]
    assert found["Condition"]["StringEquals"]["aws:RequestedRegion"] == ["eu-central-1", "eu-west-1"]
    assert set(found["Action"]) == set(SURVEYS)
    assert "ecs:DescribeServices" not in actions(small(), "read")
