"""What our credentials may do: everything, except for what was denied. moto checks no permissions, and simulates none.

`deny("ecs:UpdateService")` makes IAM's simulator say no and the call itself be refused. Actions may have wildcards, as in a
policy. A resource is an ARN with wildcards; a call is about it when one of its parameters is that ARN, or ends as it does
(`web` of `service/shop/web`), in a region that fits. Not emulated: policies themselves, conditions, other principals.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.faults import denied
from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.wire import model_of, result_of

ROLE = "lifeboat"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/rehearsal"
_CALLER_ID = "AROAREHEARSALLIFEBOAT:rehearsal"
#: Where IAM calls a service otherwise than requests to it are signed.
_PREFIXES = {"monitoring": "cloudwatch"}
#: Where IAM calls an operation otherwise.
_NAMES = {
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:CopyObject": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
}


@dataclass(frozen=True)
class Denial:
    action: str
    resource: str

    def denies(self, action: str, resource: str) -> bool:
        """Whichever of both resources has the wildcards."""
        meets = fnmatchcase(resource, self.resource) or fnmatchcase(self.resource, resource)
        return fnmatchcase(action.lower(), self.action.lower()) and meets

    def refuses(self, call: Call, action: str) -> bool:
        if not fnmatchcase(action.lower(), self.action.lower()):
            return False
        return self.resource == "*" or (self._is_in(call.region) and any(map(self._is_about, _texts(call.parameters))))

    def _is_in(self, region: str) -> bool:
        parts = self.resource.split(":")
        return len(parts) < 4 or not parts[3] or fnmatchcase(region, parts[3])

    def _is_about(self, text: str) -> bool:
        return fnmatchcase(text, self.resource) or fnmatchcase(_tail(text), _tail(self.resource))


class Permissions:
    """Denials hold until `allow` or `forget`."""

    def __init__(self) -> None:
        self._denials: list[Denial] = []

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("iam", "SimulatePrincipalPolicy"): self._simulate,
            ("sts", "GetCallerIdentity"): self._caller,
        }

    def deny(self, action: str, resource: str = "*") -> None:
        self._denials.append(Denial(action, resource))

    def allow(self, action: str, resource: str = "*") -> None:
        """Take back exactly that denial."""
        self._denials = [one for one in self._denials if one != Denial(action, resource)]

    def forget(self) -> None:
        self._denials.clear()

    def apply(self, call: Call) -> None:
        """Raises what AWS answers to whoever may not do that."""
        if not self._denials or not call.operation:
            return
        action = _action(call)
        if any(one.refuses(call, action) for one in self._denials):
            what = f"User: {CALLER} is not authorized to perform: {action} with an explicit deny in an identity-based policy"
            raise denied(call.service, what)

    async def _simulate(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        if asked["PolicySourceArn"] != ROLE_ARN:
            raise AwsError("NoSuchEntity", f"{asked['PolicySourceArn']} cannot be found.", 404)
        resources = asked.get("ResourceArns") or ["*"]
        page = paged(call, {"EvaluationResults": [self._result(action, resources) for action in asked["ActionNames"]]})
        return {**page, "IsTruncated": "Marker" in page}

    async def _caller(self, call: Call, moto: Moto) -> Answer:
        """Who has taken on another role is that one; everybody else is the bot."""
        reply = moto(call)
        if not reply.ok or ":assumed-role/" in str(result_of(call, reply)["Arn"]):
            return reply
        return {"Account": ACCOUNT, "Arn": CALLER, "UserId": _CALLER_ID}

    def _result(self, action: str, resources: Iterable[str]) -> dict[str, Any]:
        decisions = {resource: self._decision(action, resource) for resource in resources}
        worst = "explicitDeny" if "explicitDeny" in decisions.values() else "allowed"
        each = [
            {"EvalResourceName": resource, "EvalResourceDecision": decision, "MatchedStatements": []}
            for resource, decision in decisions.items()
        ]
        return {
            "EvalActionName": action, "EvalResourceName": next(iter(decisions)), "EvalDecision": worst,
            "MatchedStatements": [], "MissingContextValues": [],
            **({"ResourceSpecificResults": each} if len(each) > 1 else {}),
        }  # fmt: skip

    def _decision(self, action: str, resource: str) -> str:
        return "explicitDeny" if any(one.denies(action, resource) for one in self._denials) else "allowed"


def _action(call: Call) -> str:
    prefix = str(model_of(call.service).signing_name)
    name = f"{_PREFIXES.get(prefix, prefix)}:{call.operation}"
    return _NAMES.get(name, name)


def _tail(arn: str) -> str:
    return arn.rpartition(":")[2].rpartition("/")[2]


def _texts(value: Any) -> Iterator[str]:
    """Every text in the parameters of a call."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
