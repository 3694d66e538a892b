"""What names answer: Route 53's records and health checks through plain boto3, on a clock that the test moves."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

HOME, STANDBY = "us-east-1", "us-west-2"
NUMBERS = count(1)
ALB = {region: f"shop-web-1.{region}.elb.amazonaws.com" for region in (HOME, STANDBY)}


@dataclass
class Zone:
    """`shop-1.test`, empty at first; `change` waits until it is in effect."""

    aws: EmulatedAws
    number: int = field(default_factory=NUMBERS.__next__)
    id: str = ""

    def __post_init__(self) -> None:
        made = self.route53.create_hosted_zone(Name=f"shop-{self.number}.test", CallerReference=f"{self.number}")
        self.id = made["HostedZone"]["Id"]

    def name(self, name: str) -> str:
        return f"{name}.shop-{self.number}.test"

    def bucket(self, region: str) -> tuple[Any, str]:
        """A client of S3, and the name of a new bucket."""
        s3, name = self.aws.client("s3", region), f"health-{self.number}"
        location = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != HOME else {}
        s3.create_bucket(Bucket=name, **location)
        return s3, name

    @property
    def route53(self) -> Any:
        return self.aws.client("route53")

    def change(self, *records: dict[str, Any], wait: bool = True) -> str:
        named = [{**one, "Name": self.name(one["Name"])} for one in records]
        changes = [{"Action": "UPSERT", "ResourceRecordSet": one} for one in named]
        made = self.route53.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch={"Changes": changes})
        if wait:
            self.move(30)
        return str(made["ChangeInfo"]["Id"])

    def check(self, name: str, **config: Any) -> str:
        reference = f"{self.number}-{name}"
        made = self.route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)
        return str(made["HealthCheck"]["Id"])

    def move(self, seconds: float) -> None:
        self.aws.clock.move(timedelta(seconds=seconds))

    def region(self, name: str = "www") -> str:
        return self.aws.names.answer(self.name(name)).region


@pytest.fixture
def zone(running: EmulatedAws) -> Zone:
    running.outages.forget()
    running.names.health.forget()
    running.names.records.forget()
    return Zone(running)


def alias(name: str, region: str, **more: Any) -> dict[str, Any]:
    target = {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": ALB[region], "EvaluateTargetHealth": False}
    return {"Name": name, "Type": "A", "SetIdentifier": region, "AliasTarget": target, **more}


def pair(name: str, home_check: str = "", standby_check: str = "") -> list[dict[str, Any]]:
    """Failover records."""
    home = {"HealthCheckId": home_check} if home_check else {}
    standby = {"HealthCheckId": standby_check} if standby_check else {}
    return [alias(name, HOME, Failover="PRIMARY", **home), alias(name, STANDBY, Failover="SECONDARY", **standby)]


def controls(aws: EmulatedAws) -> dict[str, str]:
    config = aws.client("route53-recovery-control-config", "us-west-2")
    cluster = config.create_cluster(ClusterName="shop")["Cluster"]["ClusterArn"]
    made = {}
    for region in (HOME, STANDBY):
        control = config.create_routing_control(ClusterArn=cluster, RoutingControlName=region)["RoutingControl"]
        made[region] = str(control["RoutingControlArn"])
    [url, *_] = [one["Endpoint"] for one in config.describe_cluster(ClusterArn=cluster)["Cluster"]["ClusterEndpoints"]]
    aws.endpoint = aws.client("route53-recovery-cluster", HOME, endpoint=url)  # type: ignore[attr-defined]
    switch(aws, made, On=HOME, Off=STANDBY)
    return made


def switch(aws: Any, arns: dict[str, str], **states: str) -> None:
    entries = [{"RoutingControlArn": arns[region], "RoutingControlState": state} for state, region in states.items()]
    aws.endpoint.update_routing_control_states(UpdateRoutingControlStateEntries=entries)


def test_failover_records_follow_the_routing_controls_within_seconds(zone: Zone) -> None:
    arns = controls(zone.aws)
    checks = [zone.check(region, Type="RECOVERY_CONTROL", RoutingControlArn=arn) for region, arn in arns.items()]
    zone.change(*pair("www", *checks))
    assert zone.region() == HOME
    switch(zone.aws, arns, Off=HOME, On=STANDBY)
    zone.move(1)
    assert zone.region() == HOME
    zone.move(1)
    assert zone.region() == STANDBY


def test_a_client_keeps_an_answer_for_its_ttl(zone: Zone) -> None:
    arns = controls(zone.aws)
    checks = [zone.check(region, Type="RECOVERY_CONTROL", RoutingControlArn=arn) for region, arn in arns.items()]
    zone.change(*pair("www", *checks))
    zone.move(60 - zone.aws.clock.now().second)
    switch(zone.aws, arns, Off=HOME, On=STANDBY)
    zone.move(59)
    assert zone.region() == STANDBY
    assert zone.aws.names.resolve(zone.name("www")).region == HOME
    zone.move(1)
    assert zone.aws.names.resolve(zone.name("www")).region == STANDBY


def test_an_inverted_check_that_watches_an_object_lets_the_standby_take_over(zone: Zone) -> None:
    s3, bucket = zone.bucket(STANDBY)
    check = zone.check(
        "pay", Type="HTTPS", FullyQualifiedDomainName=f"{bucket}.s3.{STANDBY}.amazonaws.com",
        ResourcePath="/standby-takes-over", RequestInterval=10, FailureThreshold=3, Inverted=True,
    )  # fmt: skip
    zone.change(*pair("pay", check))
    assert zone.region("pay") == HOME
    s3.put_object(Bucket=bucket, Key="standby-takes-over", Body=b"yes")
    zone.move(29)
    assert zone.region("pay") == HOME
    zone.move(1)
    assert zone.region("pay") == STANDBY
    s3.delete_object(Bucket=bucket, Key="standby-takes-over")
    zone.move(30)
    assert zone.region("pay") == HOME


def test_a_disabled_check_counts_as_healthy_and_sees_no_object(zone: Zone) -> None:
    s3, bucket = zone.bucket(HOME)
    s3.put_object(Bucket=bucket, Key="alive", Body=b"yes")
    check = zone.check(
        "pay", Type="HTTPS", FullyQualifiedDomainName=f"s3.{HOME}.amazonaws.com", ResourcePath=f"/{bucket}/alive"
    )
    zone.change(*pair("pay", check))
    zone.route53.update_health_check(HealthCheckId=check, Disabled=True)
    s3.delete_object(Bucket=bucket, Key="alive")
    zone.move(300)
    assert zone.region("pay") == HOME
    zone.route53.update_health_check(HealthCheckId=check, Disabled=False)
    assert zone.region("pay") == STANDBY


def test_a_check_that_wants_a_text_reads_the_object(zone: Zone) -> None:
    s3, bucket = zone.bucket(HOME)
    s3.put_object(Bucket=bucket, Key="state", Body=b"home")
    check = zone.check(
        "pay", Type="HTTPS_STR_MATCH", FullyQualifiedDomainName=f"{bucket}.s3.{HOME}.amazonaws.com",
        ResourcePath="/state", SearchString="home", RequestInterval=10, FailureThreshold=1,
    )  # fmt: skip
    zone.change(*pair("pay", check))
    assert zone.region("pay") == HOME
    s3.put_object(Bucket=bucket, Key="state", Body=b"standby")
    zone.move(10)
    assert zone.region("pay") == STANDBY


def test_an_endpoint_in_a_dark_region_fails_its_check(zone: Zone) -> None:
    check = zone.check("web", Type="HTTPS", FullyQualifiedDomainName=ALB[HOME], RequestInterval=10, FailureThreshold=3)
    zone.change(*pair("www", check))
    zone.aws.outages.darken_region(HOME)
    zone.move(29)
    assert zone.region() == HOME
    zone.move(1)
    assert zone.region() == STANDBY
    zone.aws.outages.light_region(HOME)
    zone.move(30)
    assert zone.region() == HOME


def test_an_alias_that_evaluates_its_target_leaves_a_dark_region_by_itself(zone: Zone) -> None:
    records = pair("www")
    for one in records:
        one["AliasTarget"]["EvaluateTargetHealth"] = True
    zone.change(*records)
    zone.aws.outages.darken_region(HOME)
    assert zone.region() == STANDBY
    zone.aws.outages.darken_region(STANDBY)
    assert zone.region() == HOME  # where nothing is healthy, the primary is answered


def test_an_alarm_and_calculated_checks_are_followed(zone: Zone) -> None:
    cloudwatch = zone.aws.client("cloudwatch", HOME)
    cloudwatch.put_metric_alarm(
        AlarmName="web", MetricName="Errors", Namespace="Shop", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
    )  # fmt: skip
    alarm = zone.check("alarm", Type="CLOUDWATCH_METRIC", AlarmIdentifier={"Region": HOME, "Name": "web"})
    both = zone.check("both", Type="CALCULATED", ChildHealthChecks=[alarm], HealthThreshold=1)
    zone.change(*pair("www", both))
    cloudwatch.set_alarm_state(AlarmName="web", StateValue="OK", StateReason="-")
    assert zone.region() == HOME
    cloudwatch.set_alarm_state(AlarmName="web", StateValue="ALARM", StateReason="-")
    assert zone.region() == STANDBY


def test_a_change_is_accepted_at_once_and_in_effect_later(zone: Zone) -> None:
    zone.change(alias("old", HOME, Weight=100), alias("old", STANDBY, Weight=0))
    change = zone.change(alias("old", HOME, Weight=0), alias("old", STANDBY, Weight=100), wait=False)
    assert zone.route53.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"
    listed = zone.route53.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]
    assert {one["SetIdentifier"]: one["Weight"] for one in listed if "Weight" in one} == {HOME: 0, STANDBY: 100}
    zone.move(29)
    assert zone.region("old") == HOME
    zone.move(1)
    assert zone.route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC"
    assert zone.region("old") == STANDBY
    zone.route53.get_waiter("resource_record_sets_changed").wait(Id=change)


def test_a_stranded_change_is_forgotten_and_never_takes_effect(zone: Zone) -> None:
    zone.change(alias("old", HOME, Weight=100), alias("old", STANDBY, Weight=0))
    zone.aws.names.records.strand()
    change = zone.change(alias("old", HOME, Weight=0), alias("old", STANDBY, Weight=100), wait=False)
    assert zone.route53.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"
    zone.move(30)
    with pytest.raises(ClientError, match="NoSuchChange"):
        zone.route53.get_change(Id=change)
    assert zone.region("old") == HOME


def test_answers_go_on_while_the_control_plane_is_down(zone: Zone) -> None:
    zone.change(alias("old", HOME, Weight=100), alias("old", STANDBY, Weight=0))
    zone.aws.outages.darken_region(HOME)
    with pytest.raises(ClientError, match=r"503|ServiceUnavailable"):
        zone.change(alias("old", HOME, Weight=0))
    assert zone.region("old") == HOME
    assert zone.route53.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]


@pytest.mark.parametrize(
    ("home", "standby", "share"), [(100, 0, 1.0), (0, 100, 0.0), (95, 5, 0.95), (0, 0, 0.5), (50, 50, 0.5)]
)
def test_weights_are_shares_of_the_answers(zone: Zone, home: int, standby: int, share: float) -> None:
    zone.change(alias("old", HOME, Weight=home), alias("old", STANDBY, Weight=standby))
    assert zone.aws.names.shares(zone.name("old")).get(ALB[HOME], 0) == pytest.approx(share)
    answers = []
    for _ in range(200):
        zone.move(1)
        answers.append(zone.region("old"))
    assert answers.count(HOME) / len(answers) == pytest.approx(share, abs=0.03)


def test_a_weight_of_nothing_is_answered_when_nothing_else_is_healthy(zone: Zone) -> None:
    check = zone.check("web", Type="HTTPS", FullyQualifiedDomainName=ALB[HOME])
    zone.change(alias("old", HOME, Weight=100, HealthCheckId=check), alias("old", STANDBY, Weight=0))
    zone.aws.outages.darken_region(HOME)
    zone.move(90)
    assert zone.region("old") == STANDBY


def test_names_lead_on_to_names_of_the_same_zone(zone: Zone) -> None:
    cname = {"Name": "shop", "Type": "CNAME", "TTL": 20, "ResourceRecords": [{"Value": zone.name("www")}]}
    zone.change(alias("www", STANDBY, Failover="PRIMARY"), cname)
    answer = zone.aws.names.answer(zone.name("shop"))
    assert (answer.region, answer.ttl) == (STANDBY, 20)
    assert zone.aws.names.answer(zone.name("nothing")).target == ""
    with pytest.raises(LookupError):
        zone.aws.names.answer("shop.example")


def test_route_53_says_what_it_would_answer(zone: Zone) -> None:
    zone.change({"Name": "a", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.7"}]})
    answer = zone.route53.test_dns_answer(HostedZoneId=zone.id, RecordName=zone.name("a"), RecordType="A")
    assert (answer["ResponseCode"], answer["RecordData"]) == ("NOERROR", ["192.0.2.7"])
    answer = zone.route53.test_dns_answer(HostedZoneId=zone.id, RecordName=zone.name("b"), RecordType="A")
    assert (answer["ResponseCode"], answer["RecordData"]) == ("NXDOMAIN", [])


def test_health_checks_are_kept_as_they_were_made(zone: Zone) -> None:
    config = {"Type": "RECOVERY_CONTROL", "RoutingControlArn": "arn:aws:route53-recovery-control::1:controlpanel/a"}
    id_ = zone.check("one", **config)
    assert zone.check("one", **config) == id_
    with pytest.raises(ClientError, match="HealthCheckAlreadyExists"):
        zone.check("one", Type="TCP", IPAddress="192.0.2.1", Port=80)
    found = zone.route53.get_health_check(HealthCheckId=id_)["HealthCheck"]
    assert found["HealthCheckConfig"] == config
    zone.check("two", **config)
    pages = zone.route53.get_paginator("list_health_checks").paginate(PaginationConfig={"PageSize": 1})
    assert len([one for page in pages for one in page["HealthChecks"]]) == 2
    [status, *_] = zone.route53.get_health_check_status(HealthCheckId=id_)["HealthCheckObservations"]
    assert status["StatusReport"]["Status"].startswith("Failure")
    zone.route53.delete_health_check(HealthCheckId=id_)
    with pytest.raises(ClientError, match="NoSuchHealthCheck"):
        zone.route53.get_health_check(HealthCheckId=id_)
