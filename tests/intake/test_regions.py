import json
from pathlib import Path

import botocore
import pytest

from bot.intake import regions

ENDPOINTS = Path(botocore.__file__).parent / "data" / "endpoints.json"


def test_every_public_region_that_boto3_knows_has_its_display_name() -> None:
    for partition in json.loads(ENDPOINTS.read_text())["partitions"]:
        if partition["partition"] in {"aws", "aws-cn", "aws-us-gov"}:
            for code, region in partition["regions"].items():
                assert regions.code(region["description"]) == code
                assert regions.partition(code) == partition["partition"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EU (Ireland)", "eu-west-1"),
        ("EU (Frankfurt)", "eu-central-1"),
        ("South America (São Paulo)", "sa-east-1"),
        ("Asia Pacific (Osaka-Local)", "ap-northeast-3"),
        ("us-east-1", "us-east-1"),
        ("us-gov-west-1", "us-gov-west-1"),
        ("Atlantis (Deep)", ""),
        ("", ""),
    ],
)
def test_older_spellings_and_codes_are_understood(name: str, code: str) -> None:
    assert regions.code(name) == code
