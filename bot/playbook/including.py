"""A playbook made of others: a step `playbook: restore-table` becomes the steps of that playbook.

It happens in the file's values, before anything else looks at them, so that what is linted, planned, drawn and stored is a
plain playbook. A step `restore` of the playbook that `id: table` includes is called `table-restore`. Its inputs get what
`with` says; those that `with` leaves out become inputs of the whole, asked for once however many parts need them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.errors import N_, BadFile, BadFiles, phrase
from bot.playbook.renaming import NotAnExpression, Renaming, expression
from escalation.document import Document, Path_
from escalation.nearest import suggestion

#: The document of the playbook with that name; None when there is none.
Find = Callable[[str], Document | None]

_FIELDS = frozenset({"id", "playbook", "with", "needs", "when"})
Values = Mapping[str, Any]


def nowhere(_name: str) -> Document | None:
    """There are no other playbooks."""
    return None


def include(document: Document, find: Find, within: tuple[str, ...] = ()) -> Document:
    """The document with the steps of the playbooks that it includes; itself when it includes none.

    `within`: the playbooks that are being put together already. Raises `BadFiles`.
    """
    values = document.values
    if not isinstance(values, dict) or not isinstance(values.get("steps"), list):
        return document
    if not any(_is_part(step) for step in values["steps"]):
        return document
    whole = _Whole(document, find, (*within, str(values.get("name"))))
    for number, step in enumerate(values["steps"]):
        whole.add(number, step)
    if whole.problems:
        raise BadFiles(whole.problems)
    return whole.document()


def _is_part(step: Any) -> bool:
    return isinstance(step, dict) and "playbook" in step


@dataclass
class _Part:
    """A playbook that is included: what is written about it, its own values, and where."""

    written: Values
    values: Values
    path: Path_

    @property
    def id(self) -> str:
        return str(self.written["id"])

    @property
    def given(self) -> Values:
        found: Values = self.written.get("with") or {}
        return found

    @property
    def inputs(self) -> Mapping[str, Values]:
        found: Mapping[str, Values] = self.values.get("inputs") or {}
        return found


class _Whole:
    """The playbook as it grows. `ends` are the last steps of each part: what needs the part needs those."""

    def __init__(self, document: Document, find: Find, names: tuple[str, ...]) -> None:
        self.source, self.find, self.names = document, find, names
        self.steps: list[Any] = []
        self.inputs: dict[str, Any] = dict(document.values.get("inputs") or {})
        self.excludes: list[Any] = list(document.values.get("excludes") or [])
        self.ends: dict[str, list[str]] = {}
        self.problems: list[BadFile] = []
        self._before: list[str] = []  # what a step needs that does not say so
        self._moved: dict[Any, int] = {}  # the playbook's own steps: from which number to which
        self._parts: dict[Path_, tuple[int, int]] = {}

    def add(self, number: int, step: Any) -> None:
        """The next step as it is written, or the steps of a part."""
        if _is_part(step):
            if part := self._part(number, step):
                self._include(part)
            return
        self._moved[number] = len(self.steps)
        self.steps.append(self._own(step))
        self._before = [str(step["id"])] if isinstance(step, dict) and "id" in step else []

    def document(self) -> Document:
        """The whole, in which a problem of a part's step stands where the part is included."""
        values = {**self.source.values, "steps": self.steps, "inputs": self.inputs, "excludes": self.excludes}
        places = {**self._renumbered(self.source.places), **self._parts}
        return replace(self.source, values=values, places=places, keys=self._renumbered(self.source.keys))

    def _renumbered(self, places: Mapping[Path_, tuple[int, int]]) -> dict[Path_, tuple[int, int]]:
        of_steps = {path: at for path, at in places.items() if path[:1] == ("steps",) and len(path) > 1}
        others = {path: at for path, at in places.items() if path not in of_steps}
        own = {path: at for path, at in of_steps.items() if path[1] in self._moved}
        return {**others, **{("steps", self._moved[path[1]], *path[2:]): at for path, at in own.items()}}

    def _own(self, step: Any) -> Any:
        """A step of the playbook itself: what it needs may be a part, and so may the one before it."""
        if not isinstance(step, dict) or not self.ends:
            return step
        needs = step.get("needs")
        return {**step, "needs": list(self._before) if needs is None else self._resolved(needs)}

    def _resolved(self, needs: Any) -> Any:
        if not isinstance(needs, list):
            return needs
        return [one for need in needs for one in (self.ends.get(need) or [need])]

    def _part(self, number: int, step: Values) -> _Part | None:
        path: Path_ = ("steps", number)
        name = step["playbook"]
        if name in self.names:
            circle = " → ".join((*self.names[self.names.index(name) :], name))
            self._problem(
                (*path, "playbook"), phrase(N_("these playbooks are made of each other: {names}."), names=circle)
            )
            return None
        found = self.find(name) if isinstance(name, str) else None
        if found is None or not isinstance(found.values, dict):
            what = phrase(N_("there is no playbook named {name}."), name=str(name))
            self._problem(
                (*path, "playbook"), what, phrase(N_("Its file must lie beside this one, or be a shipped one."))
            )
            return None
        part = _Part(step, include(found, self.find, self.names).values, path)
        wrong = list(self._wrong(part))
        self.problems += wrong
        return None if wrong else part

    def _problem(self, path: Path_, what: Any, todo: Any = "") -> None:
        self.problems.append(self.source.problem(path, what, todo))

    def _wrong(self, part: _Part) -> Iterator[BadFile]:
        """What keeps the part from being one."""
        source, own = self.source, self.source.values
        for field in part.written.keys() - _FIELDS:
            what = phrase(N_("does nothing where a playbook is included."))
            todo = phrase(N_("Remove it. Known: {known}."), known=", ".join(sorted(_FIELDS)))
            yield source.problem((*part.path, field), what, todo, at_key=True)
        if not isinstance(part.written.get("id"), str):
            yield source.problem(part.path, phrase(N_("{name} is missing."), name="id"))
        for name in part.given.keys() - part.inputs.keys():
            what = phrase(N_("{playbook} has no input named {name}."), playbook=part.written["playbook"], name=name)
            yield source.problem((*part.path, "with", name), what, suggestion(name, part.inputs), at_key=True)
        if part.values.get("regions") is not None:
            what = phrase(
                N_("{playbook} moves a region, and cannot be a part of another."), playbook=part.written["playbook"]
            )
            yield source.problem((*part.path, "playbook"), what, phrase(N_("Start it by itself.")))
        elif _number(part.values.get("tier")) > _number(own.get("tier")):
            what = phrase(
                N_("{playbook} is of tier {tier}."), playbook=part.written["playbook"], tier=part.values["tier"]
            )
            yield source.problem((*part.path, "playbook"), what, phrase(N_("Give the whole the same tier.")))
        if _approvers(part.values) > _approvers(own):
            what = phrase(
                N_("{playbook} must be approved by {count}."),
                playbook=part.written["playbook"],
                count=_approvers(part.values),
            )
            yield source.problem((*part.path, "playbook"), what, phrase(N_("Have as many people approve the whole.")))

    def _given(self, part: _Part) -> Mapping[str, str] | None:
        """What each input stands for; None when one of them cannot be given."""
        found: dict[str, str] = {}
        for name, value in part.given.items():
            try:
                found[name] = expression(value)
            except NotAnExpression as error:
                todo = phrase(N_("Give it a text, a number or a list; or leave it out, and it is asked for."))
                self._problem((*part.path, "with", name), error.phrase, todo)
        return found if found.keys() == part.given.keys() else None

    def _include(self, part: _Part) -> None:
        given = self._given(part)
        if given is None:
            return
        renaming = Renaming(part.id, given)
        for name, wanted in part.inputs.items():
            if name not in given:
                self.inputs.setdefault(name, renaming.of(wanted))
        self.excludes += [one for one in part.values.get("excludes") or [] if one not in self.excludes]
        needs = part.written.get("needs")
        made = list(_steps(part, renaming, self._before if needs is None else self._resolved(needs)))
        for step in made:
            self._parts["steps", len(self.steps)] = self.source.place(part.path)
            self.steps.append(step)
        needed = {need for step in made for need in step["needs"]}
        self.ends[part.id] = self._before = [step["id"] for step in made if step["id"] not in needed]


def _steps(part: _Part, renaming: Renaming, before: list[str]) -> Iterator[dict[str, Any]]:
    """The part's steps under their new names; those that nothing comes before need what the part needs."""
    previous: list[str] = []
    for written in part.values.get("steps") or []:
        needs = written.get("needs")
        own = previous if needs is None else [renaming.step(need) for need in needs]
        step = {**renaming.of_step(written), "id": renaming.step(written["id"]), "needs": own or list(before)}
        if "when" in part.written:
            step["when"] = _both(part.written["when"], step.get("when"))
        previous = [step["id"]]
        yield step


def _both(whole: Any, own: Any) -> Any:
    """A step of a part runs when the part does, and its own condition holds."""
    if own is None:
        return whole
    one, other = expression(whole), expression(own)
    return f"{{{{ ({one}) and ({other}) }}}}"


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _approvers(values: Values) -> int:
    approval = values.get("approval")
    return _number(approval.get("people", 1)) if isinstance(approval, dict) else 0
