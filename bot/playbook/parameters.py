"""Do the values under `with:` fit the action's parameters? Judged from the types alone, before anything is known."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from bot.errors import N_, BadFile, phrase
from bot.playbook.action import Facts, InputType, Params, Some
from bot.playbook.inputs import Reader, as_text, parse
from bot.playbook.model import Input
from bot.playbook.template import Name, is_template, result_type, single_name
from escalation.document import Document, Path_
from escalation.errors import BadValue
from escalation.nearest import nearest, suggestion
from escalation.refusal import Told, refusal

#: The value type of each Python type that parameters are written with.
_WORDS: Mapping[Any, str] = {
    str: "str",
    int: "int",
    float: "number",
    bool: "bool",
    datetime: "time",
    AwareDatetime: "time",
    timedelta: "duration",
}
#: The types whose values are lists of texts.
LISTS = frozenset({"list", "elb.load_balancers", "ecs.services", "dynamodb.tables", "autoscaling.groups"})
_TEXTLESS = (frozenset(_WORDS.values()) | LISTS) - {"str"}


def problems(document: Document, path: Path_, facts: Facts, given: Mapping[str, Any]) -> Iterator[BadFile]:
    """Unknown and missing parameters, and plain values of the wrong type."""
    known = fields(facts.params)
    for name, value in given.items():
        if name not in known:
            what = phrase(N_("{action} has no parameter {name}."), action=facts.name, name=name)
            yield document.problem((*path, name), what, suggestion(name, known), at_key=True)
        elif not is_template(value) and (wrong := _wrong(facts.params, name, value)):
            yield document.problem((*path, name), *wrong)
    misspelled = {nearest(name, known) for name in given if name not in known}
    missing = (name for name, field in known.items() if field.is_required() and name not in given)
    for name in sorted(name for name in missing if name not in misspelled):
        what = phrase(N_("{action} needs the parameter {name}."), action=facts.name, name=name)
        yield document.problem(path, what, phrase(N_("Add it under with.")))


def bad_template_type(
    document: Document, path: Path_, facts: Facts, value: Any, type_of: Callable[[Name], str | None]
) -> Iterator[BadFile]:
    """A template that is one single name whose declared type is not the parameter's."""
    field = fields(facts.params).get(str(path[-1]))
    name = single_name(value) if isinstance(value, str) else None
    has = type_of(name) if name else None
    wants = _declared(field) if field else None
    if name and has and wants and not fits(has, wants):
        yield misfit(document, path, ".".join(name), has, wants)


def misfit(document: Document, path: Path_, name: str, has: str, wants: str) -> BadFile:
    """A value of one type where another is needed."""
    what = phrase(N_("{name} is of type {has}, {wants} is needed."), name=name, has=has, wants=wants)
    return document.problem(path, what, phrase(N_("Use a value of that type.")))


def foreseen(value: Any, type_of: Callable[[Name], str | None]) -> Any:
    """The value with `Some` in place of every text that is a template: what can be told of it before the run."""
    if isinstance(value, Mapping):
        return {key: foreseen(item, type_of) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [foreseen(item, type_of) for item in value]
    if not isinstance(value, str) or not is_template(value):
        return value
    name = single_name(value)
    return Some((type_of(name) if name else result_type(value)) or "")


def bad_default(document: Document, path: Path_, wanted: Input) -> Iterator[BadFile]:
    """A default, or a choice, that the input's own type refuses."""
    default = wanted.default
    if default is not None and not is_template(default):
        text = as_text(default)
        if not _parses(wanted, text) or (wanted.choices and text not in wanted.choices):
            what = phrase(N_("{value} does not fit the input."), value=repr(text))
            yield document.problem((*path, "default"), what, phrase(N_("Correct it, or the type or the choices.")))
    for index, choice in enumerate(wanted.choices):
        if not _parses(wanted, choice):
            what = phrase(N_("{value} is not of type {type}."), value=repr(choice), type=wanted.type)
            yield document.problem((*path, "choices", index), what, phrase(N_("Correct it, or the type.")))


@cache
def fields(params: type[Params]) -> Mapping[str, FieldInfo]:
    """The parameters by the names that a playbook writes."""
    return {field.alias or name: field for name, field in params.model_fields.items()}


@cache
def _adapter(params: type[Params], name: str) -> TypeAdapter[Any]:
    field = fields(params)[name]
    annotation: Any = field.annotation
    return TypeAdapter(Annotated[annotation, *field.metadata] if field.metadata else annotation)


def _wrong(params: type[Params], name: str, value: Any) -> Told | None:
    try:
        _adapter(params, name).validate_python(value)
    except ValidationError as error:
        return refusal(error.errors(include_url=False)[0])
    return None


def _parses(wanted: Input, text: str) -> bool:
    try:
        parse(wanted.type, text, Reader(datetime.now(UTC)))
    except BadValue:
        return False
    return True


def _declared(field: FieldInfo) -> str | None:
    """The parameter's type in the words of playbook inputs, None for one that has no such word."""
    annotation, metadata = _without_none(field.annotation), field.metadata
    if get_origin(annotation) is Annotated:
        annotation, *inner = get_args(annotation)
        metadata = [*metadata, *inner]
    for mark in metadata:
        if isinstance(mark, InputType):
            return mark.name
    return _WORDS.get(annotation) if isinstance(annotation, type) else None


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in {Union, UnionType}:
        rest = [part for part in get_args(annotation) if part is not NoneType]
        return rest[0] if len(rest) == 1 else annotation
    return annotation


def fits(has: str, wants: str) -> bool:
    """Equal types fit, whole numbers are numbers, and a text of no special kind may name anything or be taken for it.

    So does a list of no special kind.
    """
    if has == wants or (has, wants) == ("int", "number"):
        return True
    if "list" in {has, wants}:
        return {has, wants} <= LISTS
    return "str" in {has, wants} and not {has, wants} & _TEXTLESS
