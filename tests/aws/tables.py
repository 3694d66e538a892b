"""A table of the emulated AWS that tests damage, delete and bring back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.moto_app import backend

Items = Mapping[str, str]


class Tables:
    def __init__(self, aws: EmulatedAws) -> None:
        self.aws, self.api = aws, aws.client("dynamodb")

    def forget(self) -> None:
        dynamodb = backend("dynamodb", "us-east-1")
        dynamodb.tables.clear()
        dynamodb.backups.clear()

    def create(self, name: str, items: Items, *, recovery: bool = True) -> None:
        self.api.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        ttl = {"Enabled": True, "AttributeName": "expires"}
        self.api.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
        if recovery:
            on = {"PointInTimeRecoveryEnabled": True}
            self.api.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=on)
        self.write(name, items)

    def write(self, name: str, items: Items) -> None:
        for key, state in items.items():
            self.api.put_item(TableName=name, Item={"id": {"S": key}, "state": {"S": state}})

    def items(self, name: str) -> dict[str, str]:
        return {item["id"]["S"]: item["state"]["S"] for item in self.api.scan(TableName=name)["Items"]}

    def back_up(self, name: str, backup: str, then: float = 60) -> str:
        """The ARN of a backup made now; `then` seconds pass."""
        made: Any = self.api.create_backup(TableName=name, BackupName=backup)["BackupDetails"]
        self.aws.clock.move(timedelta(seconds=then))
        return str(made["BackupArn"])
