"""One call to AWS as the emulator sees it, and what a feature is.

A feature is one module with one class. It lists the operations it answers; everything else goes to moto untouched:

    class Feature:
        handlers = {("sns", "Subscribe"): self._subscribe, ...}

    async def _subscribe(call: Call, moto: Moto) -> Answer

`moto(call)` asks moto itself, with the call as it came or as `call.changed(...)` made it. A handler returns moto's
reply as it is, or the result as boto3 would show it, or raises `AwsError`. Handlers and moto all run on the emulator's
one thread: what happens between two `await`s is atomic, and nothing here needs a lock.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class Request:
    """The HTTP request; `target` is the path and query exactly as they came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True)
class Call:
    """`service` and `operation` are botocore's names; both may be "" for what nobody recognises."""

    request: Request
    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]

    def changed(self, **parameters: Any) -> "Call":
        """The same call with other parameters; only for services that speak JSON."""
        merged = {**self.parameters, **parameters}
        return replace(self, parameters=merged, request=replace(self.request, body=json.dumps(merged).encode()))


@dataclass(frozen=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status < 300


class AwsError(Exception):
    """An error as AWS answers it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


Answer = Reply | Mapping[str, Any]
Moto = Callable[[Call], Reply]
Handler = Callable[[Call, Moto], Awaitable[Answer]]


Wrap = Callable[[Handler], Handler]


class Feature(Protocol):
    """What the list in `emulator.py` holds."""

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]: ...


@runtime_checkable
class Layer(Feature, Protocol):
    """A feature that also stands in front of what others answer, such as replication in front of every write."""

    @property
    def wraps(self) -> Mapping[tuple[str, str], Wrap]: ...
