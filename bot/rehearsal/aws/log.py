"""What was called: evidence for tests and drills ("nothing was asked of the region that is down")."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from bot.rehearsal.aws.call import Call
from bot.rehearsal.aws.wire import model_of

HIDDEN = "(hidden)"


@dataclass(frozen=True)
class Logged:
    """`status` None: the caller got no answer. `error` is AWS's code. `agent` is what the caller calls itself."""

    at: datetime
    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]
    status: int | None
    error: str = ""
    agent: str = ""


class CallLog(list[Logged]):
    """All calls, oldest first, in the order in which they ended."""

    def of(self, service: str, operation: str = "", region: str = "") -> list[Logged]:
        return [
            call
            for call in self
            if call.service == service and operation in {"", call.operation} and region in {"", call.region}
        ]

    def add(self, call: Call, at: datetime, status: int | None, error: str = "") -> None:
        shown = _shown(call)
        agent = call.request.header("user-agent")
        self.append(Logged(at, call.service, call.operation, call.region, shown, status, error, agent))


def _shown(call: Call) -> Mapping[str, Any]:
    """The parameters without what AWS's own model marks as sensitive."""
    if not call.operation or not call.parameters:
        return {}
    shape = model_of(call.service).operation_model(call.operation).input_shape
    shown: Mapping[str, Any] = _without_secrets(call.parameters, shape)
    return shown


def _without_secrets(value: Any, shape: Shape | None) -> Any:
    if shape is not None and shape.metadata.get("sensitive"):
        return HIDDEN
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {key: _without_secrets(part, shape.members.get(key)) for key, part in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_without_secrets(part, shape.member) for part in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: _without_secrets(part, shape.value) for key, part in value.items()}
    return value
