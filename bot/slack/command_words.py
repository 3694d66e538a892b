"""What somebody typed after /dr, understood: which command, and the rest of the line. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from escalation.nearest import nearest

HELP, UNKNOWN = "help", "unknown"

#: The words for each command, the first one as help shows it.
WORDS: Mapping[str, tuple[str, ...]] = {
    HELP: ("help", "?", "도움말", "도움"),
    "declare": ("declare", "open", "new", "선언", "신고"),
    "status": ("status", "list", "상태", "현황"),
    "ack": ("ack", "acknowledge", "확인", "응답"),
    "escalate": ("escalate", "에스컬레이션", "상향"),
    "page": ("page", "call", "호출"),
    "oncall": ("oncall", "on-call", "당직"),
    "playbook": ("playbook", "run", "플레이북"),
    "restore": ("restore", "복원", "복구"),
    "resolve": ("resolve", "close", "해결", "종료"),
    "stop": ("stop", "halt", "중지", "정지"),
    "start": ("start", "시작", "재개"),
    "freeze": ("freeze", "동결", "점검"),
    "override": ("override", "교대"),
    "evacuate": ("evacuate", "대피"),
    "failover": ("failover", "장애조치", "페일오버"),
    "failback": ("failback", "원복", "페일백"),
    "backup": ("backup", "백업"),
    "drill": ("drill", "훈련"),
    "report": ("report", "보고서", "보고"),
}
_COMMANDS: Mapping[str, str] = {word: name for name, words in WORDS.items() for word in words}

_ESCAPED = re.compile(r"<([@#!])([A-Z0-9^a-z]+)(?:\|([^>]*))?>|<([^>|]+)(?:\|([^>]*))?>")


@dataclass(frozen=True)
class Command:
    """`name` is a key of `WORDS`, or `UNKNOWN` with the `word` that was typed and the `nearest` one that we know."""

    name: str
    rest: str = ""
    word: str = ""
    nearest: str | None = None


def parse(text: str) -> Command:
    """Never fails: whatever was typed is a command, help, or unknown."""
    typed, rest = [*text.split(maxsplit=1), "", ""][:2]
    word = unicodedata.normalize("NFKC", typed).strip().casefold().removeprefix("/")
    if not word:
        return Command(HELP)
    if name := _COMMANDS.get(word):
        return Command(name, rest.strip(), typed)
    meant = nearest(word, _COMMANDS)
    return Command(UNKNOWN, rest.strip(), typed, WORDS[_COMMANDS[meant]][0] if meant else None)


def as_typed(text: str) -> str:
    """A text as the person typed it: Slack escapes mentions, links and `&<>` in commands."""
    plain = _ESCAPED.sub(_label, text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _label(found: re.Match[str]) -> str:
    mark, id_, label, link, shown = found.groups()
    if mark:
        return f"{'#' if mark == '#' else '@'}{label or id_}"
    return shown or link
