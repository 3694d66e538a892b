"""SSM Automation documents: what their steps are, and whether parameters fit what they declare."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Aws

Document = Mapping[str, Any]  # as DescribeDocument shows it
Content = Mapping[str, Any]  # the document itself, which AWS gives as JSON whatever it was written in

_MISSING = frozenset({"InvalidDocument", "InvalidDocumentVersion", "InvalidDocumentContent"})


@dataclass(frozen=True)
class Step:
    name: str
    action: str


def find_document(aws: Aws, name: str, version: str | None) -> tuple[Document, Content]:
    """`version` None: the document's default one. Raises `ActionFailed` when there is none such."""
    ssm = aws.client("ssm")
    which = {"Name": name, "DocumentVersion": version} if version else {"Name": name}
    try:
        document: Document = ssm.describe_document(**which)["Document"]
        content = ssm.get_document(**which, DocumentFormat="JSON")["Content"]
    except ActionFailed as error:
        if error.code not in _MISSING:
            raise
        what = N_(
            "There is no automation document {name} (version {version}) in {region}. Check the step's parameters."
        )
        said = phrase(what, name=name, version=version or "-", region=aws.region)
        raise ActionFailed(said, code=error.code) from error
    return document, json.loads(content)


def steps_of(content: Content) -> list[Step]:
    return [Step(one["name"], one["action"]) for one in content.get("mainSteps", ())]


def misfits(document: Document, content: Content, given: Mapping[str, Any]) -> Phrase | None:
    """Why AWS would refuse to run the document with these parameters; None: it would not, as far as can be told."""
    name, declared = document["Name"], content.get("parameters", {})
    if document["DocumentType"] != "Automation":
        what = N_("{document} is a document of type {type}, not Automation. Name an automation document.")
        return phrase(what, document=name, type=document["DocumentType"])
    if unknown := sorted(given.keys() - declared.keys()):
        what = N_("Document {document} has no parameter {names}. It has: {known}.")
        return phrase(what, document=name, names=", ".join(unknown), known=", ".join(sorted(declared)) or "-")
    if missing := sorted(key for key, one in declared.items() if "default" not in one and key not in given):
        what = N_("Document {document} needs the parameters {names}. Add them to the step's parameters.")
        return phrase(what, document=name, names=", ".join(missing))
    for key, value in given.items():
        if problem := _misfit(name, key, declared[key], value):
            return problem
    return None


def _misfit(document: str, key: str, declared: Mapping[str, Any], value: Any) -> Phrase | None:
    values = [value] if isinstance(value, str) else list(value)
    if len(values) != 1 and declared.get("type") not in {"StringList", "MapList"} and not _is_typed_list(declared):
        what = N_("Parameter {key} of document {document} takes one value, not {count}.")
        return phrase(what, key=key, document=document, count=len(values))
    allowed = declared.get("allowedValues")
    if allowed and (wrong := [one for one in values if one not in map(str, allowed)]):
        what = N_("Parameter {key} of document {document} cannot be {value}. It may be: {allowed}.")
        return phrase(what, key=key, document=document, value=wrong[0], allowed=", ".join(map(str, allowed)))
    return None


def _is_typed_list(declared: Mapping[str, Any]) -> bool:
    """`List<AWS::EC2::Instance::Id>` and its like."""
    return str(declared.get("type", "")).startswith("List<")
