"""IAM policy documents as values: statements, how large IAM counts them, and their division when they are too large."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The largest managed policy, in characters that are not blank.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
LARGEST = 6_144

Document = dict[str, Any]


@dataclass(frozen=True)
class Statement:
    """One statement before it is JSON; those with the same `scope` are one. `Effect` is Allow unless it says otherwise."""

    actions: frozenset[str]
    scope: tuple[str, ...] = ("*",)
    condition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    effect: str = "Allow"
    everything_but: bool = False

    def document(self) -> Document:
        actions, resources = sorted(self.actions), sorted(self.scope)
        resource = "NotResource" if self.everything_but else "Resource"
        return {
            "Sid": _sid(actions[0], more=len(actions) > 1),
            "Effect": self.effect,
            "Action": actions,
            resource: resources[0] if len(resources) == 1 else resources,
        } | ({"Condition": self.condition} if self.condition else {})


def size(document: Document) -> int:
    """The characters that IAM counts."""
    return len("".join(json.dumps(document, separators=(",", ":")).split()))


def text(document: Document) -> str:
    """The document as it is printed and committed."""
    return json.dumps(document, indent=2) + "\n"


def split(name: str, statements: list[Document]) -> Iterator[tuple[str, Document]]:
    """Documents that each fit; nothing for no statements. A statement that alone is too large is divided by its actions."""
    documents: list[Document] = []
    for statement in [part for one in statements for part in _halved(one)]:
        if documents and size(_document([*documents[-1]["Statement"], statement])) <= LARGEST:
            documents[-1]["Statement"].append(statement)
        else:
            documents.append(_document([statement]))
    if len(documents) <= 1:
        yield from ((name, document) for document in documents)
        return
    yield from ((f"{name}-{number}", document) for number, document in enumerate(documents, 1))


def _halved(statement: Document) -> Iterator[Document]:
    actions = statement["Action"]
    if size(_document([statement])) <= LARGEST or len(actions) == 1:
        yield statement
        return
    middle = len(actions) // 2
    for part in (actions[:middle], actions[middle:]):
        yield from _halved(statement | {"Sid": _sid(part[0], more=len(part) > 1), "Action": part})


def _document(statements: list[Document]) -> Document:
    return {"Version": "2012-10-17", "Statement": statements}


def _sid(action: str, *, more: bool) -> str:
    """`DynamodbBatchGetItemAndMore`: the first of its actions in a document that names each action once."""
    service, _, operation = action.partition(":")
    words = "".join(part.capitalize() for part in service.split("-")) + operation
    words = words.replace("*", "Anything")
    return words + ("AndMore" if more else "")
