import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from bot.aws.session import Session
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.fakes import Dynamo, Recorded, World

#: Making clients is slow; they are stateless, and moto forgets everything between tests.
SESSION = Session("us-east-1")


@pytest.fixture
def session() -> Iterator[Session]:
    """The product's own session, on an empty moto."""
    with mock_aws():
        yield SESSION


@pytest.fixture
def dynamodb(session: Session) -> Dynamo:
    return Dynamo(session.client("dynamodb"))


@pytest.fixture
def ssm(session: Session) -> Recorded:
    return Recorded(session.client("ssm"))


@pytest.fixture
def scaling(session: Session) -> Recorded:
    return Recorded(session.client("application-autoscaling"))


@pytest.fixture
def world(session: Session, dynamodb: Dynamo, ssm: Recorded, scaling: Recorded) -> World:
    return World(session, dynamodb=dynamodb, ssm=ssm, **{"application-autoscaling": scaling})


@pytest.fixture
def orders(dynamodb: Dynamo) -> str:
    """A table `orders` with two items, an index, and recovery on."""
    moto = dynamodb._client
    moto.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "customer")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-customer",
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            }
        ],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    )
    moto.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for number in range(2):
        moto.put_item(TableName="orders", Item={"id": {"S": str(number)}, "customer": {"S": "mina"}})
    return "orders"


@pytest.fixture(scope="module")
def started() -> Iterator[EmulatedAws]:
    """An emulated AWS whose clock stands still until a test moves it: one for a module, because building on it is slow."""
    aws = EmulatedAws(clock=Clock(start=datetime(2026, 11, 23, 3, tzinfo=UTC)))
    asyncio.run(aws.__aenter__())  # it lives on a thread of its own, not on this loop
    yield aws
    asyncio.run(aws.__aexit__(None, None, None))


@pytest.fixture
def emulated(started: EmulatedAws) -> EmulatedAws:
    """The same, without what the test before has broken."""
    started.faults.clear()
    for broken in (started.zonal_shifts, started.outages, started.quotas, started.permissions):
        broken.forget()
    started.calls.clear()
    return started
