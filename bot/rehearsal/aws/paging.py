"""Lists in pages, as boto3's paginators ask for them: which members of a call and an answer are meant, botocore knows."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session

from bot.rehearsal.aws.call import AwsError, Call

#: What most services give without being asked for less, and at most.
PAGE = 100
_REFUSALS = {"backup": "InvalidParameterValueException", "ecs": "InvalidParameterException"}


def paged(call: Call, answer: Mapping[str, Any], most: int = PAGE) -> dict[str, Any]:
    """The page of the whole `answer` that the call asks for; `most`: how many AWS gives at once. Raises `AwsError`."""
    rules = _rules(call.service)[call.operation]
    name = _only(rules["result_key"])
    token, limit = call.parameters.get(_only(rules["input_token"])), call.parameters.get(rules["limit_key"])
    start = _start(token, len(answer[name]), _REFUSALS.get(call.service, "ValidationException"))
    end = start + min(int(limit or most), most)
    more = {_only(rules["output_token"]): str(end)} if end < len(answer[name]) else {}
    return {**answer, name: answer[name][start:end], **more}


def _start(token: Any, length: int, refusal: str) -> int:
    if token is None:
        return 0
    if not str(token).isdecimal() or int(token) >= length:
        raise AwsError(refusal, "The token is none that was given for this list.")
    return int(token)


def _only(names: str | list[str]) -> str:
    """Some operations give several lists; it is the first that is long."""
    return names if isinstance(names, str) else names[0]


@cache
def _rules(service: str) -> Mapping[str, Mapping[str, Any]]:
    loader = botocore.session.get_session().get_component("data_loader")
    rules: Mapping[str, Mapping[str, Any]] = loader.load_service_model(service, "paginators-1")["pagination"]
    return rules
