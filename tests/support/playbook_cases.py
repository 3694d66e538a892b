"""Against what each shipped playbook is played: what is broken, and what people type into its form.

An alarm that only people would raise has the name that the rehearsal gives to what was broken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.rehearsal.stories import STORIES


@dataclass(frozen=True)
class Case:
    """`breaks` as `lifeboat rehearse --break` takes them, the last one raises the alarm; `inputs` as people type them.

    `after`: the playbook that goes before it; then home is well again, and an hour has passed.
    """

    breaks: Sequence[str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    after: str = ""


CASES: Mapping[str, Case] = {
    **{name: Case(story.breaks, story.inputs) for name, story in STORIES.items() if not story.before},
    "restore-backup": Case(("table:orders",)),
    "restore-bucket": Case(("objects-deleted:assets/",)),
    "return-to-zone": Case(("zone:use1-az1",), after="evacuate-zone"),
    "region-failback": Case(("region:us-east-1",), after="region-failover"),
    "whole-service-restore": Case(("table:orders", "objects:assets/", "release:web"), {"prefix": "assets/"}),
}
#: What has no rehearsal of this kind, with the reason.
APART: Mapping[str, str] = {
    "restore-table-backup": "but for where the restore comes from, its steps are those of restore-table",
    "switch-region": "the emulated Region switch moves neither tasks nor traffic, so the run ends with a person",
    "switch-region-back": "as switch-region",
}
