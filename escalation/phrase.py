"""A text that a person will read, before its reader's language is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def N_(message: str) -> str:  # noqa: N802  # gettext's own name for "translate later"
    """Mark a message for the catalogue without translating it yet."""
    return message


@dataclass(frozen=True)
class Phrase:
    """A catalogue entry and what fills its `{fields}`; a field may be a phrase itself.

    Build one with `phrase(N_("..."), ...)`; `str()` gives the English text, `bot.language.Words` the reader's.
    """

    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message.format(**self.fields)


def phrase(message: str, /, **fields: Any) -> Phrase:
    """A phrase whose message the extractor finds: always call it with `N_("...")`."""
    return Phrase(message, fields)
