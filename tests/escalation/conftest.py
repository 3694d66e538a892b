"""A small team in three files, to be broken in every way."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# The properties check results, never speed; the machine that runs them may be busy.
settings.register_profile("lifeboat", deadline=None)
settings.load_profile("lifeboat")

PEOPLE = """\
mina:
  name: Mina Park
  language: ko
  time_zone: Asia/Seoul
  slack: UMINA
  contacts:
    - slack
    - sms: "+82 10-0000-0001"
jun:
  name: Jun Lee
  time_zone: Asia/Seoul
  slack: UJUN
  contacts: [slack]
"""

SCHEDULES = """\
primary:
  time_zone: Asia/Seoul
  rotation:
    hand_off: {day: monday, time: "09:00"}
    start: 2026-01-05
    people: [mina, jun]
  overrides:
    - {person: jun, from: 2026-12-24 18:00, until: 2026-12-26 09:00}
"""

POLICIES = """\
default:
  levels:
    - page: [{schedule: primary}]
      wait: 5m
    - page: [{person: jun}, {everyone_in: primary}]
      wait: 10m
  repeat: 2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The three files, with nothing wrong in them."""
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    (tmp_path / "policies.yaml").write_text(POLICIES, encoding="utf-8")
    return tmp_path


@pytest.fixture
def edit(folder: Path) -> Callable[[str, str, str], Path]:
    """Replace one text in one file; returns the folder."""

    def replace(file: str, old: str, new: str) -> Path:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} must stand once in {file}, or the case tests something else"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return folder

    return replace
