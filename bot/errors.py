"""The one error tree. Every message says what was wrong, where, and what to do.

LifeboatError (escalation/errors.py)
├── BadFile, BadFiles         a YAML file that a person must mend
├── Missing                   something that a person must provide before this can run
├── NotFound                  a name or an id that does not exist
├── Refused                   a rule of ours says no; the message says which
├── Forged                    a delivery that nobody we trust sent
├── Unavailable               ours or a provider's fault: try again later
│   └── LeaseLost             another worker holds this job now: write nothing
├── DeliveryFailed            a page did not go out; `permanent` tells whether to try again
└── ActionFailed              a step in AWS did not work; `retry` tells whether trying again may help
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from escalation.errors import BadFile, BadFiles, LifeboatError
from escalation.phrase import N_, Phrase, phrase

__all__ = [
    "N_",
    "ActionFailed",
    "BadFile",
    "BadFiles",
    "DeliveryFailed",
    "Forged",
    "LeaseLost",
    "LifeboatError",
    "Missing",
    "NotFound",
    "Phrase",
    "Refused",
    "Unavailable",
    "phrase",
]


#: Kinds of failure that a step may be tried again after: AWS limits us, does not answer, is busy with another change of the
#: same thing, or the action did not work.
FailureKind = Literal["throttled", "unavailable", "conflict", "failed"]


class Told(LifeboatError):
    """An error whose whole message is given by the one who raises it, as a phrase."""

    def __init__(self, what: Phrase) -> None:
        super().__init__()
        self.phrase = what


class Missing(Told):
    """Something that a person must provide first."""


class NotFound(LifeboatError):
    """A name or an id that does not exist."""

    message = N_("There is no {kind} named {name}. Known: {known}.")
    kinds: ClassVar[Mapping[str, str]] = {
        "action": N_("action"),
        "incident": N_("incident"),
        "job": N_("buried job"),
        "override": N_("override"),
        "page": N_("page"),
        "playbook": N_("playbook"),
        "run": N_("run"),
        "service": N_("service"),
        "step": N_("step"),
    }

    def __init__(self, kind: str, name: str, known: str = "-") -> None:
        super().__init__(kind=phrase(self.kinds[kind]), name=name, known=known)


class Refused(Told):
    """A rule of ours says no."""


class Forged(Told):
    """A delivery that nobody we trust sent; answering 403 is right."""


class Unavailable(Told):
    """Our own fault, or a provider's, and for now: the caller tries again, after `retry_after` seconds when it is given."""

    def __init__(self, what: Phrase, *, retry_after: float | None = None) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class LeaseLost(Unavailable):
    """The lease of this job ran out and another worker has it: nothing may be written."""

    def __init__(self, job: str) -> None:
        super().__init__(phrase(N_("Another worker has taken over job {job}."), job=job))


class DeliveryFailed(Told):
    """A page did not go out. `permanent`: trying the same address again cannot help."""

    def __init__(self, what: Phrase, *, permanent: bool, retry_after: float | None = None) -> None:
        super().__init__(what)
        self.permanent = permanent
        self.retry_after = retry_after


class ActionFailed(Told):
    """A step did not work. `retry`: trying the same call again may help (throttling, 5xx). `code`: AWS's own, if any.

    `kind` is what a step's `retry.on` names: `throttled`, `unavailable`, `conflict`, or `failed`.
    """

    def __init__(self, what: Phrase, *, retry: bool = False, code: str = "", kind: FailureKind | None = None) -> None:
        super().__init__(what)
        self.retry = retry
        self.code = code
        self.kind: FailureKind = kind or ("unavailable" if retry else "failed")
