"""`region.verify`: does the service work in its new region, for reading and for writing? Not asked of what moved it."""

import http.client
import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from bot.aws.http import Answers, Question, Url
from bot.aws.region.fence import read
from bot.aws.region.healthy_again import Names, alarms
from bot.aws.ssm import PARAMETERS, ParameterName
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, Working, check
from escalation.duration import Duration

_SECONDS = 6.0
_EVERY = timedelta(seconds=5)


class Works(Params):
    """`probe` must answer, and with `field` say that it is in `region`. `write_to`: takes `write` by POST and keeps it.

    `flag`: the fence, which must name the region. `alarms`: of that region, none of which may be in ALARM.
    """

    region: Annotated[str, InputType("region")]
    probe: Url
    field: str | None = None
    times: Annotated[int, Field(ge=1, le=100)] = 3
    flag: ParameterName | None = None
    write_to: Url | None = None
    write: Annotated[str, StringConstraints(max_length=4096)] = ""
    alarms: Names = ()
    within: Annotated[Duration, Field(le=timedelta(hours=1))] = timedelta(minutes=8)


@check(
    "region.verify",
    Works,
    permissions=("cloudwatch:DescribeAlarms", "ssm:GetParameter"),
    calls=("cloudwatch:DescribeAlarms", "ssm:GetParameter"),
    resources={"ssm:GetParameter": PARAMETERS},
    outputs={"written": "bool"},
    takes=timedelta(seconds=30),
)
class Verify:
    """Holds when the probe answers from the region several times in a row, a write is taken there, and no alarm is on."""

    facts: ClassVar[Facts]

    def look(self, params: Works, aws: Aws, attempt: Attempt) -> Progress:
        if problem := next(_problems(params, aws), None):
            return _not_yet(params, attempt, problem)
        question = Question(
            url=params.probe, field=params.field or "", equals=params.region if params.field else "", times=params.times,
            every=_EVERY, within=params.within,
        )  # fmt: skip
        looked = Answers().look(question, aws, attempt)
        if not isinstance(looked, Done):
            return looked
        if (refused := _written(params)) is not None:
            return _not_yet(params, attempt, refused)
        if params.write_to:
            what = N_("{region} answers, and takes writes. {said}")
        else:
            what = N_("{region} answers; whether it takes writes was not tried. {said}")
        return Done(phrase(what, region=params.region, said=looked.note), {"written": bool(params.write_to)})


def _problems(params: Works, aws: Aws) -> Iterator[Phrase]:
    if params.flag and (writer := read(aws, params.flag)["Value"]) != params.region:
        what = N_("{flag} says that {writer} writes, not {region}.")
        yield phrase(what, flag=params.flag, writer=writer, region=params.region)
    if params.alarms:
        on = [name for name, (state, _) in alarms(aws, params.alarms).items() if state == "ALARM"]
        if on:
            yield phrase(N_("In {region} alarms are on: {alarms}."), region=params.region, alarms=", ".join(on))


def _not_yet(params: Works, attempt: Attempt, problem: Phrase) -> Progress:
    """People's eyes need minutes: names are cached for a minute, and connections are kept for longer."""
    if attempt.now - attempt.started_at < params.within:
        return Working(problem, _EVERY)
    what = N_("{problem} It was looked at for {within}. Look at the service in {region}, then retry.")
    return Failed(phrase(what, problem=problem, within=params.within, region=params.region))


def _written(params: Works) -> Phrase | None:
    """Why a write was not taken; None: it was, or none was to be tried."""
    if params.write_to is None:
        return None
    try:
        status, said = _post(params.write_to, params.write)
    except (OSError, http.client.HTTPException) as error:
        return phrase(N_("A write could not be sent ({error})."), error=str(error) or type(error).__name__)
    if 200 <= status < 300:
        return None
    return phrase(N_("A write was answered with {status}: {said}"), status=status, said=said)


def _post(url: str, body: str) -> tuple[int, str]:
    parts = urlsplit(url)
    host, path = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, parts.port, timeout=_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
    try:
        headers = {"User-Agent": "Lifeboat", "Content-Type": "application/json", "Connection": "close"}
        connection.request("POST", path, body=body.encode(), headers=headers)
        response = connection.getresponse()
        return response.status, response.read1(200).decode("utf-8", "replace")
    finally:
        connection.close()
