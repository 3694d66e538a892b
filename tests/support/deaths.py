"""How a process dies at a moment: inside it at a statement or a commit, or held still from outside at a call it makes.

`arm` prepares the death before the story begins; what it returns waits for the moment and kills.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from tests.support.night import PATIENCE, Night


class Death(Protocol):
    def environment(self, folder: Path) -> Mapping[str, str]: ...

    def arm(self, night: Night) -> Awaitable[None]: ...


@dataclass(frozen=True)
class InDatabase:
    """At the first statement that shows `wrote` (a regular expression), or before or after the commit that follows."""

    when: Literal["statement", "before", "after"]
    wrote: str

    def environment(self, folder: Path) -> Mapping[str, str]:
        return {"KILL_WHEN": self.when, "KILL_WROTE": self.wrote, "KILL_ONCE": str(folder / "killed")}

    async def arm(self, night: Night) -> None:
        await night.bot.wait()


@dataclass(frozen=True)
class InAws:
    """At a call of AWS: `before` it has any effect, or `after` its effect and before its answer."""

    when: Literal["before", "after"]
    service: str
    operation: str

    def environment(self, folder: Path) -> Mapping[str, str]:
        return {}

    def arm(self, night: Night) -> Awaitable[None]:
        hold = night.stage.aws.hold(self.service, self.operation, when=self.when)

        async def strike() -> None:
            await hold.reached(PATIENCE)
            await night.dies()
            hold.drop()

        return strike()


@dataclass(frozen=True)
class InSlack:
    """At a call of Slack whose arguments contain `about`."""

    when: Literal["before", "after"]
    method: str
    about: str = ""

    def environment(self, folder: Path) -> Mapping[str, str]:
        return {}

    def arm(self, night: Night) -> Awaitable[None]:
        def fits(arguments: Mapping[str, Any]) -> bool:
            return self.about in json.dumps(arguments)

        hold = night.stage.slack.faults.hold(self.method, self.when, fits)

        async def strike() -> None:
            await hold.reached(PATIENCE)
            await night.dies()
            hold.drop()

        return strike()


@dataclass(frozen=True)
class When:
    """At a moment of its own: `strike` waits for it and kills."""

    strike: Callable[[Night], Awaitable[None]]

    def environment(self, folder: Path) -> Mapping[str, str]:
        return {}

    def arm(self, night: Night) -> Awaitable[None]:
        return self.strike(night)
