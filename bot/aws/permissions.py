"""Which permissions our credentials lack, by IAM's own policy simulator. It only looks, and it never stops a plan.

The simulator knows identity policies, boundaries and service control policies. It knows no policies of the resources
themselves: what only a table's or a bucket's policy allows counts as missing. Where a condition needs a value that we
cannot give, its no is not taken for one.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Aws

#: IAM actions in one question; the answer comes in pages of a hundred anyway.
BATCH = 50

_ASSUMED_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")
_IDENTITY = re.compile(r"arn:(?P<partition>[\w-]+):iam::(?P<account>\d+):(?:user|role)/.+")


@dataclass(frozen=True)
class _Principal:
    arn: str
    partition: str
    account: str

    def filled_in(self, patterns: Collection[str]) -> tuple[str, ...]:
        """ARN patterns of `Facts.resources` for our account; none means any resource."""
        filled = (one.replace("{partition}", self.partition).replace("{account}", self.account) for one in patterns)
        return tuple(sorted(filled))


def missing(session: Aws, permissions: Mapping[str, Collection[str]]) -> tuple[frozenset[str], Phrase | None]:
    """The IAM actions that our credentials lack, and why that is not known of all of them; None: it is.

    `permissions` maps each IAM action to the resources that it is needed on, `()` for any.
    """
    lacking: set[str] = set()
    unsure: set[str] = set()
    try:
        principal = _principal(session)
        if principal is None:
            return frozenset(), phrase(N_("Permissions were not checked: our credentials are no IAM user and no role."))
        for resources, actions in _batches(principal, permissions):
            for result in _simulate(session, principal, actions, resources):
                if not _allowed(result):
                    (unsure if result.get("MissingContextValues") else lacking).add(result["EvalActionName"])
    except ActionFailed as error:
        what = N_("Permissions were not (all) checked; IAM did not answer: {reason}")
        return frozenset(lacking), phrase(what, reason=error.phrase)
    if unsure:
        what = N_("IAM cannot say whether these are allowed, since that depends on conditions: {names}.")
        return frozenset(lacking), phrase(what, names=", ".join(sorted(unsure)))
    return frozenset(lacking), None


def _principal(session: Aws) -> _Principal | None:
    """The user or the role behind our credentials; None for others, such as the account's root user."""
    caller = str(session.client("sts").get_caller_identity()["Arn"])
    if assumed := _ASSUMED_ROLE.fullmatch(caller):
        plain = f"arn:{assumed['partition']}:iam::{assumed['account']}:role/{assumed['role']}"
        return _Principal(_role_arn(session, assumed["role"]) or plain, assumed["partition"], assumed["account"])
    if identity := _IDENTITY.fullmatch(caller):
        return _Principal(caller, identity["partition"], identity["account"])
    return None


def _role_arn(session: Aws, role: str) -> str | None:
    """The role's own ARN, for that of a session leaves the role's path out; None when we may not ask.

    A role's name is unique in its account: without the path, the simulator finds this role or none, never another one.
    """
    try:
        return str(session.client("iam").get_role(RoleName=role)["Role"]["Arn"])
    except ActionFailed:
        return None


def _batches(
    principal: _Principal, permissions: Mapping[str, Collection[str]]
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """What is needed on the same resources is asked together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for action, patterns in sorted(permissions.items()):
        together.setdefault(principal.filled_in(patterns), []).append(action)
    for resources, actions in together.items():
        for start in range(0, len(actions), BATCH):
            yield resources, actions[start : start + BATCH]


def _simulate(
    session: Aws, principal: _Principal, actions: list[str], resources: tuple[str, ...]
) -> Iterator[Mapping[str, Any]]:
    region = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyType": "string", "ContextKeyValues": [session.region]}
    question = {"PolicySourceArn": principal.arn, "ActionNames": actions, "ContextEntries": [region]}
    if resources:
        question["ResourceArns"] = list(resources)
    page: Mapping[str, Any] = {}
    while True:
        answer = session.client("iam").simulate_principal_policy(**question, **page)
        yield from answer["EvaluationResults"]
        if not answer.get("IsTruncated"):
            return
        page = {"Marker": answer["Marker"]}


def _allowed(result: Mapping[str, Any]) -> bool:
    """On every resource that was asked about."""
    each = (one["EvalResourceDecision"] for one in result.get("ResourceSpecificResults", ()))
    return all(decision == "allowed" for decision in (result["EvalDecision"], *each))
