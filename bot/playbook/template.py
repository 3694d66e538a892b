"""Templates in playbooks: Jinja2 expressions in a sandbox that can look and compare, and do nothing else.

A value that is one single expression keeps its type: `"{{ at }}"` gives a datetime, `"{{ table }}-copy"` a text. Only
expressions are allowed, no statements, no loops, no multiplication, no method calls: a template that a person wrote at
night can neither hang the bot nor fill its memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.sandbox import SandboxedEnvironment

from bot.errors import N_, Phrase, Told, phrase
from escalation.duration import parse_duration

MAX_LENGTH = 2_000
MAX_DEPTH = 25
FUNCTIONS = frozenset({"duration"})
FILTERS = frozenset({"default", "first", "int", "last", "length", "lower", "string", "trim", "upper"})

Name = tuple[str, ...]

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Call,
    nodes.Filter,
    nodes.Keyword,
    nodes.Add,
    nodes.Sub,
    nodes.Neg,
    nodes.Concat,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
)


class BadTemplate(Told):
    """A template that cannot be used as it is written, or not with these values.

    `missing` is the dotted name that was not there, empty when something else is wrong.
    """

    def __init__(self, what: Phrase, missing: str = "") -> None:
        super().__init__(what)
        self.missing = missing


class _Environment(SandboxedEnvironment):
    """Dots reach into mappings only, never into Python's own attributes."""

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, finalize=_as_text, autoescape=False)
        self.filters = {name: self.filters[name] for name in FILTERS}
        self.globals = {"duration": _duration}

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        known = isinstance(obj, Mapping) and argument in obj
        if not known and isinstance(obj, list | tuple) and isinstance(argument, int):
            known = -len(obj) <= argument < len(obj)
        return obj[argument] if known else self.undefined(obj=obj, name=argument)


def _as_text(value: Any) -> Any:
    """How a value reads in the middle of a text: `a, b` for a list, times as ISO 8601, durations in seconds."""
    if isinstance(value, list | tuple):
        return ", ".join(str(_as_text(item)) for item in value)
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value.total_seconds():g}s" if isinstance(value, timedelta) else value


def _duration(text: Any) -> timedelta:
    return text if isinstance(text, timedelta) else parse_duration(str(text))


_ENVIRONMENT = _Environment()


@dataclass(frozen=True)
class _Parsed:
    """`single` is set when the whole text is one expression, whose value then keeps its type."""

    root: nodes.Template
    single: nodes.Expr | None
    names: frozenset[Name]


def is_template(value: Any) -> bool:
    """Does the text, or any text inside a list or a mapping, have to be evaluated?"""
    return any("{{" in text or "{%" in text for text in _texts(value))


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """The pieces that the text is made of, each with Jinja2's name for its kind; joined they are the text again."""
    for _, kind, value in _ENVIRONMENT.lex(text):
        yield kind, value


def check(value: Any) -> None:
    """Raise `BadTemplate` when a text in `value` can never be evaluated: bad syntax, or more than an expression."""
    for text in _texts(value):
        _parse(text)


def references(value: Any) -> frozenset[Name]:
    """Every dotted name that the templates in `value` read, as tuples: `("steps", "restore", "table")`.

    Found without evaluating. A subscript with a constant is a name too: `steps['cut-over'].version`.
    """
    return frozenset(name for text in _texts(value) for name in _parse(text).names)


def single_name(text: str) -> Name | None:
    """The dotted name that the text is nothing but, such as `{{ steps.restore.table }}`."""
    single = _parse(text).single
    return _dotted(single) if single else None


def defaulted(value: Any) -> frozenset[Name]:
    """The names that may be missing wherever `value` reads them: each stands before `| default(...)`."""
    used = [found for text in _texts(value) for found in _uses(_parse(text).root)]
    return frozenset(name for name, excused in used if excused) - {name for name, excused in used if not excused}


def result_type(text: str) -> str | None:
    """What the text certainly gives, as inputs name it (`str`, `bool`, `list` …); None when only the values will tell."""
    parsed = _parse(text)
    if parsed.single is None:
        return "str"
    match parsed.single:
        case nodes.Const(value=value):
            return {bool: "bool", int: "int", float: "number", str: "str"}.get(type(value))
        case nodes.Filter(name=name):
            return _FILTERED.get(name)
    return _RESULTS.get(type(parsed.single))


_RESULTS: Mapping[type[nodes.Expr], str] = {
    nodes.Compare: "bool",
    nodes.Not: "bool",
    nodes.Concat: "str",
    nodes.List: "list",
    nodes.Tuple: "list",
}
_FILTERED = {"int": "int", "length": "int", "lower": "str", "string": "str", "trim": "str", "upper": "str"}


def evaluate(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value with every template in it replaced by what it says; lists and mappings are walked through.

    Raises `BadTemplate`, which names what is missing and what is known in its place.
    """
    if isinstance(value, str):
        return _evaluate(value, variables) if is_template(value) else value
    if isinstance(value, Mapping):
        return {key: evaluate(item, variables) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [evaluate(item, variables) for item in value]
    return value


def lookup(name: Sequence[str], variables: Mapping[str, Any]) -> Any:
    """What stands at a dotted name. Raises `BadTemplate` like a template that names it would."""
    value: Any = variables
    for depth, part in enumerate(name):
        if not isinstance(value, Mapping) or part not in value:
            raise _nothing_there(tuple(name), depth, value)
        value = value[part]
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


@lru_cache(maxsize=1024)
def _parse(text: str) -> _Parsed:
    if len(text) > MAX_LENGTH and is_template(text):
        raise BadTemplate(phrase(N_("A template may have at most {limit} characters."), limit=MAX_LENGTH))
    if not is_template(text):
        return _Parsed(nodes.Template([]), None, frozenset())
    try:
        root = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        reason = str(error).rstrip(".")
        raise BadTemplate(phrase(N_("{template} is not a template: {error}."), template=text, error=reason)) from error
    except RecursionError as error:
        raise BadTemplate(phrase(N_("The template is nested too deeply."))) from error
    _only_expressions(root)
    return _Parsed(root, _single(root), frozenset(_names(root)))


def _only_expressions(root: nodes.Template) -> None:
    level: list[nodes.Node] = [root]
    for _ in range(MAX_DEPTH):
        for node in level:
            _allowed(node)
        level = [child for node in level for child in node.iter_child_nodes()]
    if level:
        raise BadTemplate(phrase(N_("The template is nested too deeply.")))


def _allowed(node: nodes.Node) -> None:
    if isinstance(node, nodes.Call) and not (isinstance(node.node, nodes.Name) and node.node.name in FUNCTIONS):
        known = ", ".join(sorted(FUNCTIONS))
        raise BadTemplate(phrase(N_("A template may call only these functions: {known}."), known=known))
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        known = ", ".join(sorted(FILTERS))
        raise BadTemplate(phrase(N_("A template may use only these filters: {known}."), known=known))
    if not isinstance(node, _ALLOWED):
        kind = type(node).__name__
        raise BadTemplate(phrase(N_("A template may only be an expression, without {kind}."), kind=kind))


def _single(root: nodes.Template) -> nodes.Expr | None:
    output = root.body[0] if len(root.body) == 1 else None
    if isinstance(output, nodes.Output) and len(output.nodes) == 1:
        only = output.nodes[0]
        return None if isinstance(only, nodes.TemplateData) else only
    return None


def _uses(node: nodes.Node, *, excused: bool = False) -> Iterator[tuple[Name, bool]]:
    """Each use of a name, and whether a `default` filter stands directly behind it."""
    dotted = _dotted(node)
    if dotted:
        yield dotted, excused
        return
    for child in node.iter_child_nodes(exclude=("node",) if isinstance(node, nodes.Call) else None):
        behind = isinstance(node, nodes.Filter) and node.name == "default" and child is node.node
        yield from _uses(child, excused=behind)


def _names(node: nodes.Node) -> Iterator[Name]:
    """Names of the longest dotted paths, outermost first, so that `a.b.c` is not also `a.b` and `a`."""
    dotted = _dotted(node)
    if dotted:
        yield dotted
        return
    for child in node.iter_child_nodes(exclude=("node",) if isinstance(node, nodes.Call) else None):
        yield from _names(child)


def _dotted(node: nodes.Node) -> Name | None:
    match node:
        case nodes.Name():
            return (node.name,)
        case nodes.Getattr():
            above, part = _dotted(node.node), node.attr
        case nodes.Getitem(arg=nodes.Const(value=str() as part)):
            above = _dotted(node.node)
        case _:
            return None
    return (*above, part) if above else None


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Any:
    """A Jinja2 template; for a single expression one that only assigns it to `result`, which keeps its type."""
    parsed = _parse(text)
    if parsed.single is None:
        return _ENVIRONMENT.from_string(parsed.root)
    keep = nodes.Assign(nodes.Name("result", "store", lineno=1), parsed.single, lineno=1)
    root = nodes.Template([keep], lineno=1)
    root.set_environment(_ENVIRONMENT)
    return _ENVIRONMENT.from_string(root)


def _evaluate(text: str, variables: Mapping[str, Any]) -> Any:
    parsed, template = _parse(text), _compiled(text)
    try:
        if parsed.single is None:
            return template.render(variables)
        scope = template.new_context(dict(variables))
        for _ in template.root_render_func(scope):
            pass
        result = scope.vars["result"]
    except UndefinedError as error:
        raise _explained(text, parsed, variables) from error
    except (TypeError, ValueError, ArithmeticError) as error:
        reason = str(error).rstrip(".")
        raise BadTemplate(phrase(N_("{template} does not work: {error}."), template=text, error=reason)) from error
    if isinstance(result, Undefined):
        raise _explained(text, parsed, variables)
    return result


def _explained(text: str, parsed: _Parsed, variables: Mapping[str, Any]) -> BadTemplate:
    """The error of the first name that is not there; Jinja2's own message does not know the whole path."""
    for name in sorted(parsed.names):
        try:
            lookup(name, variables)
        except BadTemplate as error:
            return error
    return BadTemplate(phrase(N_("{template} names something that is not there."), template=text))


def _nothing_there(name: Name, depth: int, found: Any) -> BadTemplate:
    dotted, above = ".".join(name), ".".join(name[:depth])
    known = ", ".join(sorted(map(str, found))) if isinstance(found, Mapping) and found else "-"
    match name, depth:
        case ("alarm", *_), 1 if found is None:
            what = phrase(N_("{name} is not known: this incident has no alarm, a person declared it."), name=dotted)
        case ("service", *_), 1 if found is None:
            what = phrase(N_("{name} is not known: this incident names no service."), name=dotted)
        case ("steps", *_), 1:
            what = phrase(N_("{name} is not known: step {step} has not finished."), name=dotted, step=name[1])
        case _, 0:
            what = phrase(N_("{name} names nothing. Known: {known}."), name=dotted, known=known)
        case _:
            what = phrase(N_("{name} names nothing. Known in {above}: {known}."), name=dotted, above=above, known=known)
    return BadTemplate(what, missing=dotted)
