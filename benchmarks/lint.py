"""The linter, as a person waits for it: `lifeboat playbook lint` of the shipped playbooks, and of a folder of 100.

The 100 are the shipped ones under other names, and one that calls AWS by `aws.call`, so that botocore's descriptions of
services are read too. The floor is a Python that imports what the linter stands on, typer, pydantic and jinja2, and
reads the YAML of the same files with libyaml.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.result import Result
from benchmarks.stand import Stand, seconds_of

_MANY = 100
_SHIPPED = Path(__file__).parents[1] / "playbooks"

_CALLS = """\
name: move-traffic
title: {en: Move traffic, ko: 트래픽 이동}
tier: 2
targets: {rto: 1h, rpo: 0s}
inputs:
  rule: {type: str, title: {en: Rule, ko: 규칙}}
  cluster: {type: str, title: {en: Cluster, ko: 클러스터}}
steps:
  - id: shift
    action: aws.call
    with: {service: elbv2, operation: ModifyRule, parameters: {RuleArn: "{{ rule }}"}}
    irreversible: A sample.
  - id: promote
    action: aws.call
    with:
      service: rds
      operation: FailoverDBCluster
      parameters: {DBClusterIdentifier: "{{ cluster }}"}
      poll: {operation: DescribeDBClusters, parameters: {DBClusterIdentifier: "{{ cluster }}"}}
      until: "DBClusters[0].Status == 'available'"
    irreversible: A sample.
"""

_READ = """\
import pathlib, sys
import jinja2, pydantic, typer, yaml
from yaml._yaml import CParser
pydantic.create_model("Any", text=(str, ...))
for file in pathlib.Path(sys.argv[1]).glob("*.yaml"):
    event = CParser(file.read_text(encoding="utf-8")).get_event
    while event() is not None:
        pass
"""


def run(stand: Stand, *, quick: bool) -> Sequence[Result]:  # noqa: ARG001  # it needs no bot
    rounds = range(1 if quick else 5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        return [
            Result(
                "lifeboat playbook lint, the shipped ones", "s",
                [seconds_of("-m", "bot.cli", "playbook", "lint", str(_SHIPPED)) for _ in rounds],
                [seconds_of("-c", _READ, str(_SHIPPED)) for _ in rounds], aim=1.5,
            ),
            Result(
                f"lifeboat playbook lint, {_MANY} playbooks", "s",
                [seconds_of("-m", "bot.cli", "playbook", "lint", str(folder)) for _ in rounds],
                [seconds_of("-c", _READ, str(folder)) for _ in rounds], aim=2,
            ),
        ]  # fmt: skip


def write(folder: Path) -> None:
    """The files, each named as its playbook."""
    texts = [*(file.read_text(encoding="utf-8") for file in sorted(_SHIPPED.glob("*.yaml"))), _CALLS]
    for number in range(_MANY):
        name = f"sample-{number}"
        lines = texts[number % len(texts)].split("\n")
        renamed = [f"name: {name}" if line.startswith("name: ") else line for line in lines]
        (folder / f"{name}.yaml").write_text("\n".join(renamed), encoding="utf-8")
