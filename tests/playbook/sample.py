"""The playbook of the design and small actions that stand for AWS: what the tests of this folder share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from bot.playbook.action import Facts, InputType, Params
from bot.playbook.context import AlarmFacts, Context, IncidentFacts, ServiceFacts
from bot.playbook.loading import parse
from bot.playbook.model import Playbook
from escalation.document import Document, read_text

NOW = datetime(2026, 11, 23, 3, 40, 30, tzinfo=UTC)

Table = Annotated[str, InputType("dynamodb.table")]


class OneTable(Params):
    table: Table
    at: datetime | None = None


class TwoTables(Params):
    left: Table
    right: Table


class Pointer(Params):
    name: str
    value: str
    retries: int = 3


class Declared:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts


def declared(name: str, kind: Any, params: type[Params], **more: Any) -> Declared:
    return Declared(Facts(name, kind, params, permissions=(), plane="control", **more))


ACTIONS: dict[str, Any] = {
    one.facts.name: one
    for one in (
        declared("table.restore", "action", OneTable, outputs={"table": "dynamodb.table"}, undone_by="table.delete"),
        declared("table.delete", "action", OneTable, undo="A deleted copy can be restored again."),
        declared("pointer.put", "action", Pointer, undo="Put the earlier value back.", outputs={"before": "str"}),
        declared("silent.change", "action", Pointer),
    )
}
CHECKS: dict[str, Any] = {
    one.facts.name: one
    for one in (
        declared("table.window", "check", OneTable, outputs={"latest": "time"}),
        declared("table.compare", "check", TwoTables),
    )
}

HEAD = """\
name: restore
title: {en: Restore a table, ko: 테이블 복원}
tier: 1
offer_when: {resource: dynamodb, tags: {class: critical}}
targets: {rto: 90m, rpo: 5m}
inputs:
  table: {type: dynamodb.table, from: alarm.dimensions.TableName}
  at: {type: time, default: "{{ incident.started_at - duration('1m') }}"}
approval: {people: 1, role: responder, expires: 10m}
steps:
"""

STEPS = """\
  - id: window
    check: table.window
    with: {table: "{{ table }}", at: "{{ at }}"}
  - id: restore
    action: table.restore
    with: {table: "{{ table }}", at: "{{ at }}"}
    deadline: 30m
    undo: {action: table.delete, with: {table: "{{ steps.restore.table }}"}}
  - id: compare
    needs: [restore]
    check: table.compare
    with: {left: "{{ table }}", right: "{{ steps.restore.table }}"}
  - id: tell
    needs: [restore]
    manual: {en: Tell the owners of the table., ko: 테이블 담당자에게 알리세요.}
  - id: cut-over
    needs: [compare, tell]
    ask: {en: Point the service at the copy?, ko: 복사본으로 전환할까요?}
    action: pointer.put
    with: {name: "{{ service.parameters.table }}", value: "{{ steps.restore.table }}"}
    irreversible: The service goes on with the copy.
"""


def document(text: str, name: str = "restore") -> Document:
    return read_text(text, Path(f"{name}.yaml"))


def playbook(text: str = HEAD + STEPS, name: str = "restore") -> Playbook:
    return parse(document(text, name))


def with_steps(steps: str) -> Playbook:
    return playbook(HEAD + steps)


def context(**changes: Any) -> Context:
    whole: dict[str, Any] = {
        "now": NOW,
        "region": "eu-west-1",
        "incident": IncidentFacts(id="inc-1", started_at=NOW.replace(minute=30)),
        "alarm": AlarmFacts(
            name="orders-errors", resource="dynamodb", metric="SystemErrors", dimensions={"TableName": "orders"}
        ),
        "service": ServiceFacts(name="shop", parameters={"table": "/shop/table"}, tags={"class": "critical"}),
    }
    return Context(**{**whole, **changes})
