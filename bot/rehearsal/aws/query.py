"""Other calls in a caller's name, for services that speak query (RDS, ElastiCache): `Call.changed` speaks JSON alone."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from bot.rehearsal.aws.call import Call, Moto
from bot.rehearsal.aws.wire import model_of, result_of


def asking(call: Call, operation: str, **parameters: str | int) -> Call:
    """The same caller, in the same region, asks something else; flat parameters only."""
    version = model_of(call.service).api_version
    body = urlencode({"Action": operation, "Version": version, **parameters}).encode()
    return replace(call, operation=operation, parameters=parameters, request=replace(call.request, body=body))


def answer_of(moto: Moto, call: Call) -> dict[str, Any]:
    """What moto answers, as boto3 shows it. Raises `AwsError`."""
    return result_of(call, moto(call))
