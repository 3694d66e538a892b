"""The commands that mean a playbook: which one, and what the word after the command fills in. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.errors import N_, Refused, phrase
from bot.playbook.model import Playbook, ValueType

VerbName = Literal["restore", "evacuate", "failover", "failback"]


@dataclass(frozen=True)
class Verb:
    """`names`: the playbooks that it means, the first one that is installed. `takes`: the kind of the word after it."""

    names: tuple[str, ...]
    takes: ValueType


_SERVICE = "service.parameters."

VERBS: Mapping[str, Verb] = {
    "restore": Verb(("restore-table",), "dynamodb.table"),
    "evacuate": Verb(("evacuate-zone",), "zone"),
    "failover": Verb(("region-failover", "switch-region"), "region"),
    "failback": Verb(("region-failback", "switch-region-back"), "region"),
}


def playbook_for(
    verb: str, own: Mapping[str, str], playbooks: Mapping[str, Playbook],
    services: Collection[Mapping[str, str]] = (),
) -> Playbook:  # fmt: skip
    """The playbook that the command means: lifeboat.yaml's own (`commands:`), else the first of the usual names.

    Of the usual ones, the first goes for which some service has all parameters (`services`): a service with a Region switch
    plan and no fence is moved by its plan. Raises `Refused`, which says what is missing.
    """
    names = (own[verb],) if verb in own else VERBS[verb].names
    found = [playbooks[name] for name in names if name in playbooks]
    if found:
        return next((one for one in found if any(_takes_from(one) <= given.keys() for given in services)), found[0])
    what = N_(
        "There is no playbook for /dr {verb}: none is named {names}. Name one of yours under `commands:` in "
        "lifeboat.yaml, such as `{verb}: my-playbook`. /dr playbook lists those that there are."
    )
    raise Refused(phrase(what, verb=verb, names=", ".join(names)))


def _takes_from(playbook: Playbook) -> set[str]:
    """The parameters that a service must have, or somebody would have to type them."""
    wanted = (one for one in playbook.inputs.values() if one.required and one.default is None and one.source)
    return {one.source.removeprefix(_SERVICE) for one in wanted if one.source and one.source.startswith(_SERVICE)}


def given_by(verb: str, playbook: Playbook, word: str) -> dict[str, str]:
    """The input that the word after the command fills in; nothing without a word.

    It is the input of the verb's kind: for a region the one in which the playbook acts, else the first of that kind.
    Raises `Refused` when the playbook has none.
    """
    if not word:
        return {}
    kind = VERBS[verb].takes
    fitting = [name for name, wanted in playbook.inputs.items() if wanted.type == kind]
    acts_in = _input_of(playbook.regions.acting) if playbook.regions else ""
    for name in (acts_in, *fitting):
        if name in fitting:
            return {name: word}
    what = N_("Playbook {name} does not ask for such a thing as {word}. Write /dr {verb} alone.")
    raise Refused(phrase(what, name=playbook.name, word=word, verb=verb))


_INPUT = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")


def _input_of(template: str) -> str:
    """The input that a template is, if it is one and nothing else."""
    found = _INPUT.fullmatch(template.strip())
    return found[1] if found else ""


def asks_for_service(playbook: Playbook) -> bool:
    """Whether a template of the playbook names the incident's service: without one it could not be planned."""
    return "service." in playbook.model_dump_json(include={"inputs", "steps", "regions"})


def region_of(playbook: Playbook, values: Mapping[str, object], home: str) -> str:
    """Where the playbook's choices are looked up: the region in which it acts, as far as the form says it, else `home`.

    A failover's form must not wait for the region that is failing.
    """
    if playbook.regions is None:
        return home
    acting = playbook.regions.acting
    name = _input_of(acting)
    if name:
        return str(values.get(name) or home)
    return home if "{" in acting else acting
