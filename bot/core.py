"""What `serve`, the CLI and the rehearsals share: configuration, people, playbooks, the store and the verbs, wired."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot import config as configuration
from bot.clock import SystemClock
from bot.config import Config
from bot.errors import BadFiles
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.responder import Responder
from bot.playbook.loading import among, files, parse
from bot.playbook.model import Playbook
from bot.settings import Settings
from bot.store.database import Database
from bot.store.inbox import DurableInbox
from bot.store.schema import upgrade
from bot.store.sql import Store
from escalation import loading
from escalation.document import read
from escalation.errors import BadFile
from escalation.loading import Directory

log = structlog.get_logger()


@dataclass(frozen=True)
class Core:
    """Open it with `open_core`, close it with `close`."""

    settings: Settings
    config: Config
    directory: Directory
    playbooks: Mapping[str, Playbook]
    clock: SystemClock
    database: Database
    store: Store
    inbox: DurableInbox
    responder: Responder
    runs: PlaybookRuns

    async def close(self) -> None:
        """Let go of the database."""
        await self.database.close()


def read_config(settings: Settings) -> tuple[Config, Directory]:
    """lifeboat.yaml and the three escalation files. Raises `BadFile`, `BadFiles`."""
    file = configuration.find(settings.config)
    config = configuration.load(file)
    directory = loading.load(config.escalation_folder or loading.EXAMPLE)
    configuration.check_names(file, config, directory)
    return config, directory


def usable_playbooks(config: Config) -> tuple[Mapping[str, Playbook], list[BadFile]]:
    """The playbooks that can be used, and the problems of the others: one broken file must not stop the pager."""
    found: dict[str, Playbook] = {}
    problems: list[BadFile] = []
    every = files(config.playbook_folders[0], config.playbook_folders[1:])
    find = among(every)
    for file in every:
        try:
            playbook = parse(read(file), find)
        except BadFile as error:
            problems.append(error)
        except BadFiles as error:
            problems += error.problems
        else:
            found.setdefault(playbook.name, playbook)
    return found, problems


def _usual(name: str) -> timedelta | None:
    from bot.aws import ACTIONS, CHECKS  # noqa: PLC0415  # half of what there is to import, and most commands need none

    found = ACTIONS.get(name) or CHECKS.get(name)
    return found.facts.takes if found else None


async def open_core(settings: Settings, clock: SystemClock | None = None, *, worker: bool = False) -> Core:
    """Everything wired, the tables up to date. `worker`: claim an embedded database for this process first."""
    config, directory = read_config(settings)
    playbooks, problems = usable_playbooks(config)
    for problem in problems:
        log.error("playbook.unusable", problem=str(problem))
    clock = clock or SystemClock()
    database = Database(settings.database_url, clock)
    try:
        if worker:
            database.lock_file()
        await upgrade(database)
    except BaseException:
        await database.close()
        raise
    store = Store(database)
    return Core(
        settings, config, directory, playbooks, clock, database, store, DurableInbox(store),
        Responder(config, directory, playbooks), PlaybookRuns(config, directory, playbooks, _usual),
    )  # fmt: skip
