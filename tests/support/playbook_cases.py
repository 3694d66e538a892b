"""Against what each shipped playbook is played: what is broken, and what people type into its form.

An alarm that only people would raise has the name that the rehearsal gives to what was broken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """`breaks` as `lifeboat rehearse --break` takes it; `inputs` as people type them."""

    breaks: str
    inputs: Mapping[str, str] = field(default_factory=dict)


CASES: Mapping[str, Case] = {
    "restart-service": Case("tasks:web"),
    "rollback-release": Case("release:web"),
    "scale-out": Case("load:1.5", {"tasks": "9"}),
    "restore-table": Case("table:orders"),
    "restore-table-backup": Case("table:orders"),
    "undelete-table": Case("table-deleted:carts"),
    "restore-objects": Case("objects:assets/"),
    "evacuate-zone": Case("zone"),
    "switch-region": Case("region:us-east-1"),
    "whole-service-restore": Case("release:web"),
}
