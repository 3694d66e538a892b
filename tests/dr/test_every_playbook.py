"""Rule: no playbook is shipped that was never rehearsed."""

import re
from pathlib import Path

import pytest

from tests.support.playbook_night import playbooks

STORIES = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))


#: The emulated Region switch tells what AWS tells of its steps, but moves neither tasks nor traffic: nothing could be measured.
UNMEASURED = {"switch-region-back"}


@pytest.mark.parametrize("playbook", sorted(playbooks().keys() - UNMEASURED))
def test_it_is_rehearsed_against_a_fault(playbook: str) -> None:
    assert re.search(rf'\.rehearses\(\s*"{playbook}"', STORIES), f"add a rehearsal of {playbook} to tests/dr"
