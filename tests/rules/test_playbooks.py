"""Rules for every playbook that we ship: whoever adds one to `playbooks/` is told here what it lacks."""

from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from bot.playbook.context import AlarmFacts, Context, IncidentFacts, ServiceFacts
from bot.playbook.inputs import fill
from bot.playbook.lint import lint
from bot.playbook.loading import among, load
from bot.playbook.model import OfferWhen, Playbook
from bot.playbook.offer import fitting
from bot.playbook.schema import schema
from escalation.document import read

FOLDER = Path(__file__).parents[2] / "playbooks"
FILES = sorted(FOLDER.glob("*.yaml"))

#: What an alarm of each kind says about its resource, as CloudWatch sends it.
DIMENSIONS = {
    "dynamodb": {"TableName": "orders"},
    "ecs": {"ClusterName": "shop", "ServiceName": "checkout"},
    "rds": {"DBClusterIdentifier": "shop-db", "Role": "WRITER"},
    "zone": {"AvailabilityZoneId": "use1-az1"},
}
#: What lifeboat.yaml says of the service that the playbooks are meant for.
PARAMETERS = {"table": "/shop/table", "load_balancers": "web, api", "bucket": "shop-images", "backup_vault": "shop"}


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def playbook(file: Path) -> Playbook:
    return load(FOLDER)[file.stem]


def made_for(when: OfferWhen) -> tuple[AlarmFacts, ServiceFacts]:
    """An alarm and a service that the conditions are meant for."""
    alarm = AlarmFacts(
        name=(when.alarm or "alarm").replace("*", "x").replace("?", "x"),
        resource=when.resource,
        namespace=when.namespace or "",
        metric=when.metric or "",
        dimensions=DIMENSIONS[when.resource or "dynamodb"],
    )
    return alarm, ServiceFacts(name=when.service or "shop", tags=when.tags, parameters=PARAMETERS)


def test_we_ship_playbooks() -> None:
    assert {file.stem for file in FILES} >= {"restore-table", "restart-service"}
    assert not list(FOLDER.glob("*.yml"))


def test_it_lints_clean(file: Path) -> None:
    from bot.aws import ACTIONS, CHECKS

    found = lint([read(one) for one in FILES], ACTIONS, CHECKS, find=among(FILES))  # together: one may name another
    assert [str(problem) for problem in found if Path(problem.file) == file] == []


def test_it_fits_the_schema_that_editors_use(file: Path) -> None:
    from bot.aws import ACTIONS, CHECKS

    jsonschema.validate(read(file).values, schema(ACTIONS, CHECKS))


def test_everything_that_people_read_is_in_both_languages(playbook: Playbook) -> None:
    texts = [playbook.title, *(step.title for step in playbook.steps), *(one.title for one in playbook.inputs.values())]
    assert all(texts), "every step and every input has a title"
    for text in texts:
        assert text is not None
        assert text.en.isascii()
        assert not text.ko.isascii()


def test_it_is_offered_for_the_alarm_it_is_made_for_and_filled_in_from_it(playbook: Playbook) -> None:
    if playbook.offer_when is None:
        asked_for = playbook.tier == 3 or "playbook:" in (FOLDER / f"{playbook.name}.yaml").read_text()
        assert asked_for, "a region is switched, and a whole service restored, when a person asks for it"
        return
    alarm, service = made_for(playbook.offer_when)
    assert list(fitting({playbook.name: playbook}, alarm, service)) == [playbook.name]
    now = datetime(2026, 11, 23, 3, 40, tzinfo=UTC)
    incident = IncidentFacts(id="inc-1", started_at=now)
    context = Context(now=now, region="eu-west-1", incident=incident, alarm=alarm, service=service)
    assert fill(playbook, context).problems == {}
