"""Against what each shipped playbook is played: what is broken, and what people type into its form.

An alarm that only people would raise has the name that the rehearsal gives to what was broken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.rehearsal.stories import STORIES


@dataclass(frozen=True)
class Case:
    """`breaks` as `lifeboat rehearse --break` takes them, the last one raises the alarm; `inputs` as people type them."""

    breaks: Sequence[str]
    inputs: Mapping[str, str] = field(default_factory=dict)


CASES: Mapping[str, Case] = {
    **{name: Case(story.breaks, story.inputs) for name, story in STORIES.items() if not story.before},
    "restore-table-backup": Case(("table:orders",)),
    "restore-backup": Case(("table:carts",)),
    "restore-bucket": Case(("objects:assets/",)),
    "switch-region": Case(("region:us-east-1",), {"away_from": "us-east-1"}),
    "whole-service-restore": Case(("table:orders", "objects:assets/", "release:web"), {"prefix": "assets/"}),
}
