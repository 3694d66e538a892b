"""The root of the one error tree, and the errors of `escalation` itself.

The root lives here because `escalation` imports nothing of `bot`; `bot/errors.py` grows the rest of the tree from it.

    LifeboatError
    ├── BadFile            a YAML file that a person must mend: file, line, column, field
    ├── BadFiles           several of them, reported together
    ├── BadValue           one value that cannot be meant, before it is known where it stands
    └── UnknownName        a person, schedule or policy that no file defines
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from escalation.phrase import N_, Phrase


class LifeboatError(Exception):
    """Something went wrong that a person must read about.

    `phrase` is what the edges translate for their reader; `str(error)` is the same in English.
    """

    message: ClassVar[str] = N_("Something went wrong.")

    def __init__(self, **fields: Any) -> None:
        self.phrase = Phrase(self.message, fields)
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.phrase)


class BadFile(LifeboatError):
    """A file that a person wrote cannot be used: says what is wrong, where, and what to do."""

    message = N_("{file}:{line}:{column}: {field}: {what} {todo}")

    def __init__(
        self, file: Path | str, line: int, column: int, field: str, what: Phrase | str, todo: Phrase | str = ""
    ) -> None:
        self.file, self.line, self.column, self.field, self.what, self.todo = str(file), line, column, field, what, todo
        super().__init__(file=str(file), line=line, column=column, field=field or "-", what=what, todo=todo)

    def __str__(self) -> str:
        return super().__str__().rstrip()


class BadFiles(LifeboatError):
    """Every problem that was found, so that one reading mends them all."""

    message = N_("Problems found: {count}\n{listing}")

    def __init__(self, problems: Sequence[BadFile]) -> None:
        self.problems = tuple(problems)
        fields = {f"problem{number}": problem for number, problem in enumerate(self.problems)}
        listing = Phrase("\n".join(f"{{{name}}}" for name in fields), fields)  # each is translated for its reader
        super().__init__(count=len(self.problems), listing=listing)


class BadValue(LifeboatError, ValueError):
    """A value cannot be used. Raised in a pydantic validator, `document` adds the file, the line and the column."""

    message = N_("{what} {todo}")

    def __init__(self, what: Phrase, todo: Phrase | str = "") -> None:
        self.what, self.todo = what, todo
        super().__init__(what=what, todo=todo)

    def __str__(self) -> str:
        return super().__str__().rstrip()


class UnknownName(LifeboatError):
    """Somebody asked for a person, schedule or policy by a name that no file defines."""

    message = N_("{file} has no {name}. {todo}")

    def __init__(self, file: str, name: str, todo: Phrase) -> None:
        super().__init__(file=file, name=name, todo=todo)
