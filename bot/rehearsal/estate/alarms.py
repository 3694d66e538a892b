"""What watches the shop: CloudWatch alarms whose word goes through SNS to the bot's queue in the standby region."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.rehearsal.estate import names
from bot.rehearsal.estate.site import Site


@dataclass(frozen=True)
class Watch:
    """One alarm: what it watches. It goes off at 1."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]


_SERVICE = {"ClusterName": names.CLUSTER, "ServiceName": names.WEB}
#: By name. The last one is in the standby region: whoever asks whether a region answers must be outside of it.
WATCHES: Mapping[str, Watch] = {
    names.UNHEALTHY: Watch("AWS/ECS", "UnhealthyTasks", _SERVICE),
    names.OVERLOADED: Watch("AWS/ECS", "CPUUtilization", _SERVICE),
    names.BAD_TOTALS: Watch("AWS/DynamoDB", "InvalidTotals", {"TableName": names.ORDERS}),
    names.TABLE_DELETED: Watch("AWS/DynamoDB", "TableMissing", {"TableName": names.ORDERS}),
    names.ASSETS_MISSING: Watch("AWS/S3", "4xxErrors", {"BucketName": names.BUCKET.format(region=names.HOME)}),
    names.DATABASE_FAILING: Watch("AWS/RDS", "WriterErrors", {"DBClusterIdentifier": names.DATABASE}),
    names.CACHE_FAILING: Watch("AWS/ElastiCache", "PrimaryErrors", {"ReplicationGroupId": names.CACHE}),
    names.ZONE_IMPAIRED: Watch("Shop", "ErrorsByZone", {"AvailabilityZone": f"{names.HOME}a"}),
    names.UNREACHABLE: Watch("Shop", "ProbeFailures", {"Region": names.HOME}),
}


def lay_down(home: Site, standby: Site) -> str:
    """The URL of the queue."""
    sqs = standby.client("sqs")
    url = str(sqs.create_queue(QueueName=names.QUEUE)["QueueUrl"])
    queue = f"arn:aws:sqs:{standby.region}:{standby.aws.account}:{names.QUEUE}"
    for site in (home, standby):
        sns = site.client("sns")
        sns.create_topic(Name=names.TOPIC, Attributes={"SignatureVersion": "2"})
        sns.subscribe(TopicArn=site.topic, Protocol="sqs", Endpoint=queue)
    for name in WATCHES:
        put(standby if name == names.UNREACHABLE else home, name)
    return url


def put(site: Site, name: str, dimensions: Mapping[str, str] | None = None) -> None:
    """The alarm of that name, about what it always watches or about something else of its kind."""
    watch = WATCHES[name]
    about = [{"Name": key, "Value": value} for key, value in {**watch.dimensions, **(dimensions or {})}.items()]
    site.client("cloudwatch").put_metric_alarm(
        AlarmName=name, AlarmActions=[site.topic], OKActions=[site.topic], Namespace=watch.namespace,
        MetricName=watch.metric, Dimensions=about, Statistic="Maximum", Period=60, EvaluationPeriods=1, DatapointsToAlarm=1,
        Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="missing",
    )  # fmt: skip


def go_off(site: Site, name: str) -> None:
    """The alarm sees what it watches for."""
    reason = (
        "Threshold Crossed: 1 out of the last 1 datapoints [1.0] was greater than or equal to the threshold (1.0) "
        "(minimum 1 datapoint for OK -> ALARM transition)."
    )
    site.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=reason)


def clear(site: Site, name: str) -> None:
    """The alarm sees that all is well."""
    site.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="OK", StateReason="Back to normal")
