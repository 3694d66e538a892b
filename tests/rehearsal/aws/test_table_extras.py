import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws


async def test_contributor_insights_and_kinesis_destinations_are_kept_by_table() -> None:
    async with EmulatedAws() as aws:
        dynamodb = aws.client("dynamodb")
        for name in ("one", "two"):
            dynamodb.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            )  # fmt: skip
        dynamodb.update_contributor_insights(TableName="one", ContributorInsightsAction="ENABLE")
        dynamodb.enable_kinesis_streaming_destination(
            TableName="one", StreamArn="arn:aws:kinesis:us-east-1:123456789012:stream/orders"
        )
        described = [dynamodb.describe_contributor_insights(TableName=name) for name in ("one", "two")]
        streams = dynamodb.describe_kinesis_streaming_destination(TableName="one")["KinesisDataStreamDestinations"]
        assert [answer["ContributorInsightsStatus"] for answer in described] == ["ENABLED", "DISABLED"]
        assert [stream["DestinationStatus"] for stream in streams] == ["ACTIVE"]
        assert not dynamodb.describe_kinesis_streaming_destination(TableName="two")["KinesisDataStreamDestinations"]


async def test_asking_for_a_table_that_does_not_exist_is_refused() -> None:
    async with EmulatedAws() as aws:
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            aws.client("dynamodb").describe_contributor_insights(TableName="nothing")
