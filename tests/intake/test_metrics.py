import pytest

from bot.intake import metrics


@pytest.mark.parametrize(
    ("namespace", "resource"),
    [
        ("AWS/DynamoDB", "dynamodb"),
        ("AWS/ECS", "ecs"),
        ("ECS/ContainerInsights", "ecs"),
        ("AWS/RDS", "rds"),
        ("AWS/ApplicationELB", "elbv2"),
        ("AWS/NetworkELB", "elbv2"),
        ("AWS/Lambda", "lambda"),
        ("AWS/SQS", "sqs"),
        ("AWS/States", "stepfunctions"),
        ("Shop/Orders", None),
        ("", None),
    ],
)
def test_a_namespace_tells_the_service(namespace: str, resource: str | None) -> None:
    assert metrics.resource(namespace) == resource


@pytest.mark.parametrize(
    ("reason", "readings"),
    [
        ("Threshold Crossed: 1 out of the last 1 datapoints [66.6 (09/09/24 01:54:00)] was greater than …", (66.6,)),
        ("Threshold Crossed: 2 datapoints [0.0 (09/01/23 14:02:00), 1.0 (09/01/23 14:01:00)] were not …", (0.0, 1.0)),
        ("Threshold Crossed: 1 datapoint [1.5E-4 (31/07/20 06:50:00)] was not greater than …", (1.5e-4,)),
        ("Threshold Crossed: 1 datapoint [-3 (31/07/20 06:50:00)] was less than …", (-3.0,)),
        ("… (70.0). The most recent datapoints: [40.76, 41.316].", (41.316, 40.76)),
        (
            (
                "Thresholds Crossed: 1 out of the last 1 datapoints [9.0 (01/01/24 00:00:00)] was less than the lower "
                "thresholds [10.0] or greater than the upper thresholds [20.0] …"
            ),
            (9.0,),
        ),
        ("Insufficient Data: 1 datapoint was unknown.", ()),
        ("Thresholds Crossed: ...", ()),
        ("", ()),
    ],
)
def test_the_readings_are_found_in_the_sentence_newest_first(reason: str, readings: tuple[float, ...]) -> None:
    assert metrics.readings(reason, {}) == readings


def test_the_readings_of_the_data_are_preferred_and_turned_newest_first() -> None:
    reason = "Threshold Crossed: 2 datapoints [0.0 (09/01/23 14:02:00), 1.0 (09/01/23 14:01:00)] were not …"
    assert metrics.readings(reason, {"recentDatapoints": [1.0, 0.0]}) == (0.0, 1.0)
    assert metrics.readings(reason, {"recentDatapoints": []}) == (0.0, 1.0)
    assert metrics.readings("", {"recentDatapoints": [None, "2.5", True, {}, 3]}) == (3.0, 2.5)


def test_dimensions_are_read_in_all_three_spellings() -> None:
    expected = {"TableName": "orders", "Operation": "GetItem"}
    assert metrics.dimensions(expected) == expected
    for name, value in (("name", "value"), ("Name", "Value")):
        assert metrics.dimensions([{name: n, value: v} for n, v in expected.items()]) == expected
