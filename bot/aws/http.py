"""`http.answers`: does the service answer, as its customers ask it? It is what a recovery is verified with.

It asks no API of AWS: neither the one that acted nor any other. Each question goes over a new connection to what the name
stands for at that moment, and several good answers in a row are needed, because one may come from what is going away.
"""

import http.client
import re
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import timedelta
from json import JSONDecodeError, loads
from typing import Annotated, ClassVar
from urllib.parse import SplitResult, urljoin, urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from bot.aws.expressions import search, why_bad
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, Working, check
from escalation.duration import Duration
from escalation.errors import BadValue

#: One question may take so long, redirects and all: a customer does not wait longer either.
_SECONDS = 6.0
_LARGEST = 64 * 1024
_REDIRECTS = 3
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+([/?]\S*)?")
#: An answer is quoted up to here.
_SHOWN = 80


def _jmespath(text: str) -> str:
    if problem := why_bad(text):
        raise BadValue(problem)
    return text


def _address(text: str) -> str:
    """No name and password in it: they would be stored with the run, and shown."""
    if not _ADDRESS.fullmatch(text):
        what = phrase(N_("must be the address of a web page, without a name and a password in it."))
        raise BadValue(what, phrase(N_("Write https://shop.example/health.")))
    return text


Url = Annotated[str, InputType("url"), StringConstraints(max_length=2048), AfterValidator(_address)]


class Question(Params):
    """`field` (JMESPath in a JSON answer) must be `equals`; the answer must say `contains`. `times`: in a row, one `every` so often.

    `within`: so long it may take until the answers are good.
    """

    url: Url
    field: Annotated[str, StringConstraints(max_length=200), AfterValidator(lambda text: text and _jmespath(text))] = ""
    equals: Annotated[str, StringConstraints(max_length=200)] = ""
    contains: Annotated[str, StringConstraints(max_length=200)] = ""
    times: Annotated[int, Field(ge=1, le=100)] = 3
    every: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(minutes=1))] = timedelta(seconds=5)
    within: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(hours=2))] = timedelta(minutes=5)


@dataclass(frozen=True)
class Answer:
    """`moved_to`: where it sends us, which is another host, so that nobody followed."""

    status: int
    body: str
    milliseconds: int
    moved_to: str = ""


@check(
    "http.answers",
    Question,
    permissions=(),  # AWS is not asked
    calls=(),
    outputs={"status": "int", "value": "str", "milliseconds": "int"},
    takes=timedelta(seconds=15),
)
class Answers:
    """Holds when the address has given so many good answers in a row."""

    facts: ClassVar[Facts]

    def look(self, params: Question, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # AWS is not asked
        try:
            answer = _ask(params.url)
        except (OSError, http.client.HTTPException) as error:
            return _not_good(params, attempt, _unreached(params, error))
        value = _value(params, answer)
        if problem := _problem(params, answer, value):
            return _not_good(params, attempt, problem)
        good = int(attempt.memory.get("good", 0)) + 1
        fields = {"url": _shown(params.url), "status": answer.status, "milliseconds": answer.milliseconds}
        if good >= params.times:
            what = N_("{url} answers {status} after {milliseconds} ms, {times} times in a row. {value}")
            note = phrase(what, times=good, value=value and f"{params.field}: {value}", **fields)
            return Done(note, {"status": answer.status, "value": value, "milliseconds": answer.milliseconds})
        what = N_("{url} answers {status} after {milliseconds} ms ({good} of {times} good answers)")
        note = phrase(what, good=good, times=params.times, **fields)
        return Working(note, params.every, {"good": good})


def _not_good(params: Question, attempt: Attempt, problem: Phrase) -> Progress:
    """The good answers are counted from the beginning again."""
    if attempt.now - attempt.started_at < params.within:
        return Working(problem, params.every, {"good": 0})
    what = N_("{problem} It was asked for {within}. Look at what stands behind this address, then retry.")
    return Failed(phrase(what, problem=problem, within=params.within))


def _unreached(params: Question, error: Exception) -> Phrase:
    what = N_("{url} does not answer ({error}).")
    return phrase(what, url=_shown(params.url), error=str(error) or type(error).__name__)


def _problem(params: Question, answer: Answer, value: str) -> Phrase | None:
    """Why it is no good answer."""
    fields = {"url": _shown(params.url), "status": answer.status}
    if answer.moved_to:
        what = N_("{url} sends us to another host ({host}), which is not asked. Give its own address.")
        return phrase(what, host=answer.moved_to, **fields)
    if not 200 <= answer.status < 300:
        return phrase(N_("{url} answers {status}: {body}"), body=_quoted(answer.body), **fields)
    if params.field and params.equals and value != params.equals:
        what = N_("{url} answers {status}, and its {field} is {value}, not {wanted}.")
        return phrase(what, field=params.field, value=value or "-", wanted=params.equals, **fields)
    if params.field and not value:
        return phrase(N_("{url} answers {status} without {field}."), field=params.field, **fields)
    if params.contains not in answer.body:
        return phrase(N_("{url} answers {status}, and does not say {wanted}."), wanted=params.contains, **fields)
    return None


def _value(params: Question, answer: Answer) -> str:
    """What `field` finds, as text: `true` and `12` as JSON writes them; "" where it finds nothing."""
    if not params.field:
        return ""
    try:
        found = search(params.field, loads(answer.body))
    except JSONDecodeError:
        return ""
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else _quoted(str(found))


def _ask(url: str) -> Answer:
    """Raises OSError and HTTPException for what is no answer of HTTP."""
    begun = time.monotonic()
    until = begun + _SECONDS
    for _ in range(_REDIRECTS + 1):
        status, body, location = _get(urlsplit(url), until)
        target = urljoin(url, location) if location else ""
        if not target or not 300 <= status < 400:
            break
        if not _is_same_place(urlsplit(url), urlsplit(target)):
            return Answer(status, body, _since(begun), moved_to=urlsplit(target).hostname or target)
        url = target
    return Answer(status, body, _since(begun))


def _get(url: SplitResult, until: float) -> tuple[int, str, str]:
    """Status, body and Location of one request over a connection of its own."""
    connection = _connection(url, _left(until))
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        headers = {"User-Agent": "Lifeboat", "Accept": "*/*", "Cache-Control": "no-cache", "Connection": "close"}
        connection.request("GET", path, headers=headers)
        sock = connection.sock  # the connection forgets it with the answer's head
        response = connection.getresponse()
        return response.status, _read(response, sock, until), response.headers.get("Location", "")
    finally:
        connection.close()


def _connection(url: SplitResult, seconds: float) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        return http.client.HTTPSConnection(host, url.port, timeout=seconds, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, url.port, timeout=seconds)


def _read(response: http.client.HTTPResponse, sock: socket.socket, until: float) -> str:
    """As much as is looked at, and for no longer than there is time: a server may send a byte a second."""
    found = b""
    while len(found) < _LARGEST:
        sock.settimeout(_left(until))
        part = response.read1(_LARGEST - len(found))
        if not part:
            break
        found += part
    return found.decode("utf-8", "replace")


def _left(until: float) -> float:
    """Seconds. Raises TimeoutError when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


def _is_same_place(url: SplitResult, target: SplitResult) -> bool:
    """The same host, and never from https to http."""
    schemes = {"https"} if url.scheme == "https" else {"http", "https"}
    return target.scheme in schemes and target.hostname == url.hostname


def _shown(url: str) -> str:
    """Without its query, in which a key may stand."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
