"""One API call as data: what a plan shows is the very value that `act` performs."""

import re
from typing import Any

from bot.playbook.action import Aws, Call

#: `RestoreTableToPointInTime` and `DescribeDBClusters` into words; a test compares it with botocore's own names.
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def method_name(operation: str) -> str:
    """boto3's name for an operation: `restore_table_to_point_in_time`."""
    return _WORD.sub("_", operation).lower()


def perform(aws: Aws, call: Call) -> Any:
    """Make the call; raises `ActionFailed`."""
    return getattr(aws.client(call.service, call.region or None), method_name(call.operation))(**call.parameters)
