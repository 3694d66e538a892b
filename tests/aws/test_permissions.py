from typing import Any

import pytest

from bot.aws.permissions import BATCH, missing
from bot.aws.session import Session
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.fakes import Recorded, World, refused
from tests.aws.rehearsed import Cloud

ROLE = "arn:aws:sts::123456789012:assumed-role/Lifeboat/i-0abc"
WITH_PATH = "arn:aws:iam::123456789012:role/bots/Lifeboat"


class Sts(Recorded):
    api = "sts"

    def __init__(self, arn: str) -> None:
        super().__init__()
        self.arn = arn

    def fake_get_caller_identity(self) -> Any:
        return {"Arn": self.arn, "Account": "123456789012", "UserId": "x"}


class Iam(Recorded):
    """The simulator, for one role or user; `page` results come at a time."""

    api = "iam"

    def __init__(self, arn: str, *denied: str, page: int = 100, context: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.arn, self.denied, self.page, self.context = arn, denied, page, context

    def fake_get_role(self, RoleName: str) -> Any:  # noqa: N803  # AWS's own name
        return {"Role": {"Arn": self.arn, "RoleName": RoleName}}

    def fake_simulate_principal_policy(self, **asked: Any) -> Any:
        if asked["PolicySourceArn"] != self.arn:
            raise refused("NoSuchEntity")
        results = [self.result(action, asked.get("ResourceArns", ["*"])) for action in asked["ActionNames"]]
        start = int(asked.get("Marker", 0))
        end = start + self.page
        more = {"IsTruncated": True, "Marker": str(end)} if end < len(results) else {"IsTruncated": False}
        return {"EvaluationResults": results[start:end], **more}

    def result(self, action: str, resources: list[str]) -> dict[str, Any]:
        no = action in self.denied
        decision = "implicitDeny" if no else "allowed"
        missing_values = list(self.context) if no else []
        return {
            "EvalActionName": action, "EvalResourceName": resources[0], "EvalDecision": decision,
            "MissingContextValues": missing_values,
        }  # fmt: skip


def world(iam: Iam, arn: str = ROLE) -> World:
    return World(Session("us-east-1"), sts=Sts(arn), iam=iam)


def test_what_the_role_may_not_do_is_missing() -> None:
    asked = {"ecs:UpdateService": (), "ecs:DescribeServices": ()}
    assert missing(world(Iam(WITH_PATH, "ecs:UpdateService")), asked) == (frozenset({"ecs:UpdateService"}), None)
    assert missing(world(Iam(WITH_PATH)), asked) == (frozenset(), None)


def test_the_path_of_a_role_is_asked_for_since_its_session_leaves_it_out() -> None:
    iam = Iam(WITH_PATH)
    missing(world(iam), {"ecs:UpdateService": ()})
    assert iam.calls[-1][1]["PolicySourceArn"] == WITH_PATH


def test_a_role_without_path_is_found_even_when_we_may_not_ask_for_it() -> None:
    iam = Iam("arn:aws:iam::123456789012:role/Lifeboat", "ecs:UpdateService")
    iam.fail_before["get_role"] = refused("AccessDenied")
    assert missing(world(iam), {"ecs:UpdateService": ()}) == (frozenset({"ecs:UpdateService"}), None)


def test_a_role_with_a_path_that_we_may_not_ask_for_is_unknown_and_never_missing() -> None:
    iam = Iam(WITH_PATH, "ecs:UpdateService")
    iam.fail_before["get_role"] = refused("AccessDenied")
    lacking, unknown = missing(world(iam), {"ecs:UpdateService": ()})
    assert lacking == frozenset()
    assert "IAM did not answer" in str(unknown)


def test_a_simulator_that_we_may_not_use_is_unknown_and_no_error() -> None:
    iam = Iam(WITH_PATH)
    iam.fail_before["simulate_principal_policy"] = refused("AccessDenied")
    lacking, unknown = missing(world(iam), {"ecs:UpdateService": ()})
    assert lacking == frozenset()
    assert "AccessDenied" in str(unknown)


@pytest.mark.parametrize("arn", ["arn:aws:iam::123456789012:root", "arn:aws:sts::123456789012:federated-user/mina"])
def test_credentials_that_cannot_be_simulated_say_so(arn: str) -> None:
    iam = Iam(arn)
    lacking, unknown = missing(world(iam, arn), {"ecs:UpdateService": ()})
    assert (lacking, iam.calls) == (frozenset(), [])
    assert "not checked" in str(unknown)


def test_a_user_is_asked_about_as_it_is() -> None:
    user = "arn:aws-cn:iam::123456789012:user/ops/mina"
    iam = Iam(user, "ecs:UpdateService")
    assert missing(world(iam, user), {"ecs:UpdateService": ()})[0] == frozenset({"ecs:UpdateService"})


def test_resources_are_those_of_our_account_and_asked_about_together() -> None:
    iam = Iam(WITH_PATH)
    pattern = "arn:{partition}:ecs:us-east-1:{account}:service/*"
    missing(world(iam), {"ecs:UpdateService": (pattern,), "ecs:DescribeServices": (), "ecs:StopTask": {pattern}})
    asked = [(call["ActionNames"], call.get("ResourceArns")) for name, call in iam.calls if name.startswith("simulate")]
    assert asked == [
        (["ecs:DescribeServices"], None),
        (["ecs:StopTask", "ecs:UpdateService"], ["arn:aws:ecs:us-east-1:123456789012:service/*"]),
    ]


@pytest.mark.parametrize(("count", "questions"), [(BATCH, 1), (BATCH + 1, 2)])
def test_many_are_asked_in_batches(count: int, questions: int) -> None:
    names = [f"ecs:Action{number:03d}" for number in range(count)]
    iam = Iam(WITH_PATH, names[-1])
    assert missing(world(iam), dict.fromkeys(names, ())) == (frozenset({names[-1]}), None)
    assert iam.count("simulate_principal_policy") == questions


def test_every_page_of_an_answer_is_read() -> None:
    names = [f"ecs:Action{number}" for number in range(5)]
    iam = Iam(WITH_PATH, names[4], page=2)
    assert missing(world(iam), dict.fromkeys(names, ()))[0] == frozenset({names[4]})
    assert iam.count("simulate_principal_policy") == 3


def test_a_no_on_one_of_several_resources_is_a_no() -> None:
    iam = Iam(WITH_PATH)
    each = [{"EvalResourceName": name, "EvalResourceDecision": decision}
            for name, decision in (("a", "allowed"), ("b", "explicitDeny"))]  # fmt: skip
    result = {"EvalActionName": "ecs:UpdateService", "EvalDecision": "allowed", "ResourceSpecificResults": each}
    iam.instead["simulate_principal_policy"] = lambda **_: {"EvaluationResults": [result]}
    assert missing(world(iam), {"ecs:UpdateService": ("a", "b")})[0] == frozenset({"ecs:UpdateService"})


def test_a_no_for_want_of_a_value_is_no_no() -> None:
    iam = Iam(WITH_PATH, "ecs:UpdateService", context=("aws:ResourceTag/dr-managed",))
    lacking, unknown = missing(world(iam), {"ecs:UpdateService": ()})
    assert lacking == frozenset()
    assert "ecs:UpdateService" in str(unknown)


def test_what_was_found_before_iam_fell_silent_is_kept() -> None:
    iam = Iam(WITH_PATH, "ecs:Action000")
    names = [f"ecs:Action{number:03d}" for number in range(BATCH + 1)]
    answers = iter([iam.fake_simulate_principal_policy])

    def once(**asked: Any) -> Any:
        for answer in answers:
            return answer(**asked)
        raise refused("Throttling", retry=True)

    iam.instead["simulate_principal_policy"] = once
    lacking, unknown = missing(world(iam), dict.fromkeys(names, ()))
    assert lacking == frozenset({"ecs:Action000"})
    assert unknown is not None


def test_where_nobody_simulates_policies_nothing_is_missing_and_it_says_so(session: Session) -> None:
    role = session.client("iam").create_role(RoleName="Lifeboat", Path="/bots/", AssumeRolePolicyDocument="{}")
    moto = World(session, sts=Sts("arn:aws:sts::123456789012:assumed-role/Lifeboat/x"))
    lacking, unknown = missing(moto, {"ecs:UpdateService": ()})
    assert role["Role"]["Arn"].endswith("role/bots/Lifeboat")
    assert lacking == frozenset()
    assert "IAM did not answer" in str(unknown)


def test_in_the_emulator_a_simulator_that_is_denied_is_unknown_and_no_error(emulated: EmulatedAws) -> None:
    emulated.faults.deny("iam")
    role = World(Session("us-east-1"), sts=Sts(ROLE), iam=Cloud(emulated).client("iam"))
    lacking, unknown = missing(role, {"ecs:UpdateService": ()})
    assert lacking == frozenset()
    assert "iam:SimulatePrincipalPolicy" in str(unknown)
    assert emulated.calls.of("iam")
