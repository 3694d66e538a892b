"""What every action and check must be, whoever adds it. The list of them is bot/aws/__init__.py."""

import ast
import inspect
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from bot.aws import ACTIONS, CHECKS
from bot.aws.calls import method_name
from bot.aws.dynamodb.restoring import ON_NEW_TABLE
from bot.aws.dynamodb.scaling import FIELDS
from bot.aws.dynamodb.settings import SETTINGS
from bot.aws.iam_policy import is_read
from bot.aws.session import READS
from bot.playbook.action import Check, Facts, InputType
from bot.playbook.model import ValueType

ROOT = Path(__file__).parents[2]
EVERYTHING: dict[str, Check] = {**ACTIONS, **CHECKS}
#: They may be any call of AWS: what they need is told by `Facts.given`, once their parameters are known.
ANY_CALL = frozenset({"aws.call"})
#: They ask no API of AWS, so they need no permission. Each with the reason.
NO_CALL = frozenset({"http.answers"})  # it asks what customers ask
KNOWN_TYPES = frozenset(typing.get_args(ValueType))
PLAIN_TYPES = {str: "str", int: "int", float: "number", bool: "bool", datetime: "time", timedelta: "duration"}
Owner = ast.FunctionDef | ast.ClassDef | None
Place = tuple[ModuleType, ast.AST, Owner]
every_one = pytest.mark.parametrize("name", EVERYTHING)
every_action = pytest.mark.parametrize("name", ACTIONS)
every_known_one = pytest.mark.parametrize("name", sorted(EVERYTHING.keys() - ANY_CALL))
every_known_action = pytest.mark.parametrize("name", sorted(ACTIONS.keys() - ANY_CALL))

#: Permissions for what AWS does on our behalf: no call of ours is named so. Each with the reason.
INDIRECT = {
    # "IAM: plus on the target table": AWS writes the restored items with the caller's rights.
    **dict.fromkeys(
        ("dynamodb.restore_backup", "dynamodb.restore_pitr", "dynamodb.undelete_table"), frozenset(ON_NEW_TABLE)
    ),
    # A copy reads a version and writes its tags.
    "s3.rollback_prefix": {"s3:GetObjectVersion", "s3:PutObjectTagging"},
    # Enabling a destination lets DynamoDB write to the stream in the caller's name.
    "dynamodb.reapply_settings": {"kinesis:DescribeStream", "kinesis:PutRecord", "kinesis:PutRecords"},
    # Tags that a new thing is made with are a permission of their own.
    "rds.restore_cluster": {"rds:AddTagsToResource"},
    # ECS starts tasks as the roles of the task definition that it is given.
    "ecs.rollback_task_definition": {"iam:PassRole"},
    # DynamoDB writes the files in the caller's name.
    "dynamodb.export_for_diff": {"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"},
    # AWS Backup works in roles of its own, which it is given.
    **dict.fromkeys(
        ("backup.copy_recovery_point", "backup.restore_recovery_point", "backup.restore_test", "backup.start_backup"),
        frozenset({"iam:PassRole"}),
    ),
}

#: Calls that IAM names otherwise.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
NAMED_OTHERWISE = {
    "s3:CopyObject": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",  # we give it versions only
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",  # of a version, always
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
}

#: Actions whose module is not that of their service. Each with the reason.
ELSEWHERE = {"ssm.run_automation": "bot.aws.automation"}  # bot/aws/ssm.py is about parameters
#: Services that act on what belongs to another one, so that their permissions are scoped by its ARNs (too).
RESOURCES_OF = {
    "arc-zonal-shift": ("autoscaling", "elasticloadbalancing"),
    "backup": ("dynamodb",),  # where DynamoDB keeps a recovery point itself
    "route53-recovery-cluster": ("route53-recovery-control",),
}

#: Permissions that change something and that IAM cannot narrow to a resource. Each with the reason.
UNSCOPED: dict[str, str] = {
    "backup:PutRestoreValidationResult": "IAM has no name for a restore job, and a verdict changes nothing else",
    "route53:ChangeResourceRecordSets": "to hosted zones, whose ARNs name no account",
}


def facts(name: str) -> Facts:
    return EVERYTHING[name].facts


@every_one
def test_it_is_listed_under_its_own_name_in_the_module_of_its_service(name: str) -> None:
    service, _, function = name.partition(".")
    cls = type(EVERYTHING[name])
    assert facts(name).name == name
    if name in ANY_CALL:
        assert cls.__module__ == f"bot.aws.{function}"
        return
    module = ELSEWHERE.get(name, f"bot.aws.{service}")
    assert cls.__module__ == module or cls.__module__.startswith(f"{module}.")
    assert cls.__name__ == function.title().replace("_", "")


def test_every_class_with_facts_is_listed() -> None:
    listed = {type(one) for one in EVERYTHING.values()}
    found = {
        cls
        for module in our_modules()
        for cls in vars(module).values()
        if inspect.isclass(cls) and cls.__module__ == module.__name__ and hasattr(cls, "facts")
    }
    assert found == listed


@every_one
def test_it_has_the_methods_of_its_kind(name: str) -> None:
    assert facts(name).kind == ("action" if name in ACTIONS else "check")
    for protocol_method in ("plan", "act", "look") if name in ACTIONS else ("look",):
        theirs = inspect.signature(getattr(type(EVERYTHING[name]), protocol_method))
        assert list(theirs.parameters) == ["self", "params", "aws", "attempt"]
    assert not vars(EVERYTHING[name]), "an action keeps no state: what it must remember is memory or output"


@every_known_one
def test_its_permissions_are_well_formed_and_written_once(name: str) -> None:
    permissions = facts(name).permissions
    assert bool(permissions) == (name not in NO_CALL)
    assert len(set(permissions)) == len(permissions)
    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z]+", permission) for permission in permissions)


@every_known_one
def test_its_permissions_are_exactly_what_it_calls(name: str) -> None:
    needed = {permission(service, operation) for service, operation in operations_of(type(EVERYTHING[name]))}
    assert needed | INDIRECT.get(name, set()) == set(facts(name).permissions)


@every_known_one
def test_its_calls_are_exactly_what_it_calls_and_each_is_permitted(name: str) -> None:
    found = {f"{service}:{operation}" for service, operation in operations_of(type(EVERYTHING[name]))}
    assert found == set(facts(name).calls)
    for call in facts(name).calls:
        service, _, operation = call.partition(":")
        assert operation in model(service).operation_names, call
        assert permission(service, operation) in facts(name).permissions, call


@every_action
def test_what_it_may_change_is_narrower_than_everything(name: str) -> None:
    changing = {one for one in facts(name).permissions if not is_read(one)} - UNSCOPED.keys()
    assert facts(name).resources.keys() <= set(facts(name).permissions)
    for one in changing:
        for pattern in facts(name).resources.get(one, ("*",)):
            # S3's ARNs name no account: there, at least the objects are told from the buckets.
            arn = r"arn:\{partition\}:(?:(?P<s3>s3):::\*/\*|([a-z0-9-]+):.*\{account\}:(.+))"
            of_s3, service, resource = re.fullmatch(arn, pattern).groups()  # type: ignore[union-attr]
            asked = one.partition(":")[0]
            if of_s3:
                assert asked == "s3"
                continue
            assert service in {asked, *RESOURCES_OF.get(asked, ())}
            assert resource != "*"


@every_known_one
def test_a_check_and_a_look_call_nothing_that_changes(name: str) -> None:
    reached = operations_from(type(EVERYTHING[name]), "look")
    assert bool(reached) == (name not in NO_CALL)
    assert [operation for _, operation in reached if not READS.match(operation)] == []


@every_known_action
def test_a_plan_calls_nothing_that_changes(name: str) -> None:
    reached = operations_from(type(EVERYTHING[name]), "plan", performed=False)
    assert [operation for _, operation in reached if not READS.match(operation)] == []


@every_action
def test_it_says_its_plane_what_it_changes_how_it_is_undone_and_recognised(name: str) -> None:
    said = facts(name)
    assert said.plane in {"data", "control", "global-control"}
    assert said.changes
    assert said.undo, "how it is undone, or why that is not needed"
    assert said.recognised_by
    assert said.undone_by is None or said.undone_by in ACTIONS


@every_one
def test_its_texts_are_in_the_catalogue(name: str) -> None:
    marked = {text for module in our_modules() for text in msgids(module)}
    said = facts(name)
    assert {said.changes, said.undo, said.recognised_by} - {""} <= marked


@every_known_one
def test_its_parameters_are_frozen_and_of_known_types(name: str) -> None:
    params = facts(name).params
    assert params.model_config.get("frozen")
    assert params.model_config.get("extra") == "forbid"
    for field, info in params.model_fields.items():
        assert type_of(info) in KNOWN_TYPES, field


@every_one
def test_its_outputs_are_of_known_types(name: str) -> None:
    assert set(facts(name).outputs.values()) <= KNOWN_TYPES


@every_one
def test_it_has_a_test(name: str) -> None:
    cls = type(EVERYTHING[name]).__name__
    tests = [path.read_text() for path in (ROOT / "tests" / "aws").glob("test_*.py")]
    assert any(re.search(rf"\b{cls}\(\)\.look\(", text) for text in tests)
    if name in ACTIONS:
        assert any(re.search(rf"\b{cls}\(\)\.act\(", text) for text in tests)
        assert any(re.search(rf"\b{cls}\(\)\.plan\(", text) for text in tests)


def test_every_operation_that_is_named_exists_and_takes_these_parameters() -> None:
    seen = 0
    for module in our_modules():
        for service, operation, parameters in named_calls(module):
            members = model(service).operation_model(operation).input_shape.members
            assert set(parameters) <= set(members), f"{module.__name__}: {operation}"
            assert method_name(operation) == xform_name(operation)
            seen += 1
    for operation, fields in FIELDS.items():  # auto scaling names its operations in a table
        members = model("application-autoscaling").operation_model(operation).input_shape.members
        assert {*fields, "ServiceNamespace", "ResourceId"} <= set(members)
    assert seen >= 10


def test_boto3_names_of_operations_are_ours_for_every_service_that_we_use() -> None:
    for service in ("dynamodb", "ecs", "ssm", "application-autoscaling", "elbv2", "rds", "arc-zonal-shift"):
        for operation in model(service).operation_names:
            assert method_name(operation) == xform_name(operation)


def test_boto3_is_imported_by_the_session_and_botocore_by_the_models_besides() -> None:
    for path in (ROOT / "bot").rglob("*.py"):
        inside = path.relative_to(ROOT / "bot")
        if str(inside) == "aws/models.py":
            imported = re.findall(r"^\s*(?:import|from) ((?:boto3|botocore)\S*)", path.read_text(), re.MULTILINE)
            assert set(imported) == {"botocore.loaders", "botocore.model"}, "descriptions only: no session, no client"
        elif inside.parts[0] != "rehearsal" and str(inside) != "aws/session.py":
            assert not re.search(r"^\s*(import|from) (boto3|botocore)\b", path.read_text(), re.MULTILINE), inside


# How the rules above read the code: which functions of ours a class reaches, and which operations these name.


def our_modules() -> list[ModuleType]:
    return [module for name, module in sorted(sys.modules.items()) if name.startswith("bot.aws.")]


def type_of(info: Any) -> str:
    """A field's type as playbooks name it."""
    named = [part.name for part in info.metadata if isinstance(part, InputType)]
    if named:
        return str(named[0])
    annotation = info.annotation
    if typing.get_origin(annotation) is Mapping:  # names and texts that only AWS knows, such as a document's parameters
        return "str"
    if typing.get_args(annotation):  # `Annotated[str, InputType(...)] | None`
        (annotation,) = (part for part in typing.get_args(annotation) if part is not type(None))
        named = [p.name for p in getattr(annotation, "__metadata__", ()) if isinstance(p, InputType)]
        if named:
            return str(named[0])
    # pydantic's AwareDatetime is a class of its own that stands for a datetime
    return PLAIN_TYPES.get(annotation, "time" if annotation.__name__ == "AwareDatetime" else "unknown")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(Path(str(sys.modules[module].__file__)).read_text())


def msgids(module: ModuleType) -> Iterator[str]:
    for node in ast.walk(tree(module.__name__)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_":
            yield ast.literal_eval(node.args[0])


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def permission(service: str, operation: str) -> str:
    prefix = model(service).signing_name
    name = f"{'cloudwatch' if prefix == 'monitoring' else prefix}:{operation}"
    return NAMED_OTHERWISE.get(name, name)


def named_calls(module: ModuleType) -> Iterator[tuple[str, str, list[str]]]:
    """Every `Call("service", "Operation", {...})`, with the parameters as far as they are written out there."""
    for function in ast.walk(tree(module.__name__)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            match node:
                case ast.Call(
                    func=ast.Name(id="Call"), args=[ast.Constant(value=service), ast.Constant(value=operation), *rest]
                ):
                    yield service, operation, [key for part in rest for key in literal_keys(part, function)]


def literal_keys(node: ast.AST, function: ast.FunctionDef) -> Iterator[str]:
    """The keys of `{...}`, of `where | {...}`, and of a local name that stands for one of these."""
    match node:
        case ast.Dict(keys=keys):
            yield from (key.value for key in keys if isinstance(key, ast.Constant))
        case ast.BinOp(left=left, right=right):
            yield from literal_keys(left, function)
            yield from literal_keys(right, function)
        case ast.Name(id=name):
            for inner in ast.walk(function):
                match inner:
                    case ast.Assign(targets=[ast.Name(id=local)], value=value) if local == name:
                        yield from literal_keys(value, function)
                    case ast.AnnAssign(target=ast.Name(id=local), value=ast.AST() as value) if local == name:
                        yield from literal_keys(value, function)


def operations_of(cls: type) -> set[tuple[str, str]]:
    methods = ("plan", "act", "look") if cls.facts.kind == "action" else ("look",)  # type: ignore[attr-defined]
    methods += ("renew",) if hasattr(cls, "renew") else ()
    return {operation for method in methods for operation in operations_from(cls, method)}


def operations_from(cls: type, method: str, *, performed: bool = True) -> set[tuple[str, str]]:
    """(service, operation) of everything that is called from `cls.method`, through any function and class of ours.

    `performed` False leaves out what is only described (`Call(...)`), which is all that a plan does with changes.
    """
    module = sys.modules[cls.__module__]
    owner = definitions(module.__name__)[cls.__name__]
    start = next(one for one in methods(owner) if one.name == method)
    found: set[tuple[str, str]] = set()
    seen: set[int] = set()
    todo: list[Place] = [(module, start, owner)]
    while todo:
        where, node, inside = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        found |= set(called(node))
        if performed:
            found |= set(described(node, where))
        elif any(isinstance(inner, ast.Name) and inner.id == "perform" for inner in ast.walk(node)):
            found.add(("bot.aws.calls", "perform"))
        todo += reached(where, node, inside)
    return found


@cache
def definitions(module: str) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """The functions and classes at the top of a module, by name."""
    return {node.name: node for node in tree(module).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def called(node: ast.AST) -> Iterator[tuple[str, str]]:
    """`aws.client("ssm").get_parameter(...)`, also through a local name: `scaling = aws.client("…")`."""
    clients: dict[str, str] = {}
    for inner in ast.walk(node):
        match inner:
            case ast.Assign(targets=[ast.Name(id=local)], value=value) if service := client_of(value):
                clients[local] = service
    for inner in ast.walk(node):
        match inner:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=local), attr=attr)) if local in clients:
                yield clients[local], operation_of(clients[local], attr)
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if service := client_of(value):
                yield service, operation_of(service, attr)


def client_of(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(attr="client"), args=[ast.Constant(value=service), *_]):
            return str(service)
    return None


def operation_of(service: str, method: str) -> str:
    return next(o for o in model(service).operation_names if xform_name(o) == method)


def described(node: ast.AST, module: ModuleType) -> Iterator[tuple[str, str]]:
    """What `Call(...)` names; where the operation is a variable, every key of the module's FIELDS."""
    for inner in ast.walk(node):
        match inner:
            case ast.Call(
                func=ast.Name(id="Call"), args=[ast.Constant(value=service), ast.Constant(value=operation), *_]
            ):
                yield service, operation
            case ast.Call(func=ast.Name(id="Call"), args=[ast.Constant(value=service), ast.Name(), *_]):
                yield from ((service, operation) for operation in vars(module)["FIELDS"])


def reached(module: ModuleType, node: ast.AST, owner: Owner) -> Iterator[Place]:
    """The functions and methods of ours that a piece of code names."""
    for inner in ast.walk(node):
        match inner:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr) if owner:
                yield from ((module, one, owner) for one in methods(owner) if one.name == attr)
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if isinstance(vars(module).get(name), ModuleType):
                yield from function(vars(module)[name], attr)
            case ast.Attribute(attr=attr):
                yield from of_settings(attr)
            case ast.Name(id=name):
                value = vars(module).get(name)
                yield from function(sys.modules.get(getattr(value, "__module__", None) or ""), name)


def function(module: ModuleType | None, name: str) -> Iterator[Place]:
    if module is not None and module.__name__.startswith("bot.aws."):
        node = definitions(module.__name__).get(name)
        if isinstance(node, ast.FunctionDef):
            yield module, node, None


def of_settings(method: str) -> Iterator[Place]:
    """`setting.read` is that of every setting: the one place where we call a method of what a table lists."""
    for setting in SETTINGS:
        owner = definitions(type(setting).__module__)[type(setting).__name__]
        module = sys.modules[type(setting).__module__]
        yield from ((module, one, owner) for one in methods(owner) if one.name == method)


def methods(cls: ast.FunctionDef | ast.ClassDef) -> list[ast.FunctionDef]:
    return [node for node in cls.body if isinstance(node, ast.FunctionDef)]


def test_the_reader_of_the_code_finds_what_is_called() -> None:
    """The rules above are worth as much as this: it sees calls through functions, modules, tables and local names."""
    found = operations_of(type(ACTIONS["dynamodb.reapply_settings"]))
    assert ("dynamodb", "DescribeTimeToLive") in found  # a setting, listed in another module
    assert ("application-autoscaling", "PutScalingPolicy") in found  # a table of operations
    assert ("application-autoscaling", "DescribeScalingPolicies") in found  # a local name for the client
    assert ("dynamodb", "UpdateTimeToLive") not in operations_from(type(ACTIONS["dynamodb.reapply_settings"]), "look")
