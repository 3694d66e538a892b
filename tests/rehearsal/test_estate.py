"""The shop is what its names promise, as AWS itself describes it."""

import json
from collections import Counter
from typing import Any

import pytest

from bot.config import Config
from bot.rehearsal.estate import Estate, names
from bot.rehearsal.estate.alarms import WATCHES
from bot.rehearsal.estate.objects import PICTURES
from bot.rehearsal.estate.services import TASKS
from bot.rehearsal.storefront import Storefront


def test_laying_it_down_costs_few_calls(estate: Estate) -> None:
    assert len([call for call in estate.aws.calls if "Create" in call.operation]) < 60
    assert all(call.status in {200, 201, 204} for call in estate.aws.calls)


def test_it_is_older_than_the_night(estate: Estate) -> None:
    window = estate.home.client("dynamodb").describe_continuous_backups(TableName=names.ORDERS)
    recovery = window["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert (estate.aws.clock.now() - recovery["EarliestRestorableDateTime"]).total_seconds() >= 7000


@pytest.mark.parametrize("number", [0, 1], ids=["home", "standby"])
def test_each_service_runs_in_three_zones_behind_its_load_balancer(estate: Estate, number: int) -> None:
    site = estate.sites[number]
    for service, counts in TASKS.items():
        [seen] = site.client("ecs").describe_services(cluster=names.CLUSTER, services=[service])["services"]
        assert (seen["runningCount"], seen["desiredCount"]) == (counts[number], counts[number])
        group = site.groups[names.BALANCERS[service]]
        targets = site.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        assert Counter(one["TargetHealth"]["State"] for one in targets) == {"healthy": counts[number]}
        zones = {one["Target"]["AvailabilityZone"] for one in targets}
        assert zones <= site.zones.keys()
        assert len(zones) == min(3, counts[number])


@pytest.mark.parametrize("number", [0, 1], ids=["home", "standby"])
def test_each_load_balancer_lets_itself_be_shifted(estate: Estate, number: int) -> None:
    site = estate.sites[number]
    for arn in site.balancers.values():
        managed = site.client("arc-zonal-shift").get_managed_resource(resourceIdentifier=arn)
        assert managed["appliedWeights"] == dict.fromkeys(site.zones.values(), 1.0)


def test_the_orders_are_in_both_regions_and_the_carts_at_home(estate: Estate) -> None:
    for site in estate.sites:
        assert site.client("dynamodb").describe_table(TableName=names.ORDERS)["Table"]["TableStatus"] == "ACTIVE"
        assert len(site.client("dynamodb").scan(TableName=names.ORDERS)["Items"]) == 40
        assert site.client("ssm").get_parameter(Name=names.POINTER)["Parameter"]["Value"] == names.ORDERS
        assert site.client("ssm").get_parameter(Name=names.FENCE)["Parameter"]["Value"] == names.HOME
    assert estate.standby.client("dynamodb").list_tables()["TableNames"] == [names.ORDERS]
    assert estate.home.client("dynamodb").list_tables()["TableNames"] == [names.ORDERS, names.CARTS]


def test_the_pictures_keep_their_versions(estate: Estate) -> None:
    s3 = estate.home.client("s3")
    assert s3.get_bucket_versioning(Bucket=estate.home.bucket)["Status"] == "Enabled"
    assert {one["Key"] for one in s3.list_objects_v2(Bucket=estate.home.bucket)["Contents"]} == PICTURES.keys()


def test_the_database_writes_at_home_and_follows_in_standby(estate: Estate) -> None:
    [world] = estate.standby.client("rds").describe_global_clusters()["GlobalClusters"]
    members = {one["DBClusterArn"].split(":")[3]: one["IsWriter"] for one in world["GlobalClusterMembers"]}
    assert (world["GlobalClusterIdentifier"], members) == (names.DATABASES, {names.HOME: True, names.STANDBY: False})
    [home] = estate.home.client("rds").describe_db_clusters()["DBClusters"]
    assert sorted(one["IsClusterWriter"] for one in home["DBClusterMembers"]) == [False, True]


def test_the_cache_has_a_node_in_each_zone(estate: Estate) -> None:
    [group] = estate.home.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    nodes = group["NodeGroups"][0]["NodeGroupMembers"]
    assert {one["PreferredAvailabilityZone"] for one in nodes} == estate.home.zones.keys()
    assert Counter(one["CurrentRole"] for one in nodes) == {"primary": 1, "replica": 2}


def test_the_workers_are_in_three_zones(estate: Estate) -> None:
    [group] = estate.home.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert sorted(one["AvailabilityZone"] for one in group["Instances"]) == sorted(estate.home.zones)


def test_what_is_backed_up_can_be_listed(estate: Estate) -> None:
    points = estate.home.client("backup").list_recovery_points_by_backup_vault(BackupVaultName=names.VAULT)
    assert {one["ResourceType"] for one in points["RecoveryPoints"]} == {"DynamoDB", "S3"}


def test_every_name_leads_home(estate: Estate) -> None:
    for name in (names.WWW, names.PAY, names.OLD):
        assert estate.aws.inside(lambda name=name: estate.aws.names.resolve(name).region) == names.HOME


def test_one_routing_control_is_on_and_the_last_one_cannot_be_switched_off(estate: Estate) -> None:
    states = {estate.aws.routing_controls.states[arn]: region for region, arn in estate.routing.controls.items()}
    assert states == {"On": names.HOME, "Off": names.STANDBY}


def test_every_alarm_goes_to_the_queue_of_the_bot(estate: Estate) -> None:
    found = {
        one["AlarmName"]: one
        for site in estate.sites
        for one in site.client("cloudwatch").describe_alarms()["MetricAlarms"]
    }
    assert found.keys() == WATCHES.keys()
    assert {arn for one in found.values() for arn in one["AlarmActions"]} == {site.topic for site in estate.sites}
    assert names.STANDBY in found[names.UNREACHABLE]["AlarmArn"]


def test_lifeboat_can_be_configured_with_it(estate: Estate) -> None:
    config = Config.model_validate(json.loads(json.dumps(estate.config())))
    parameters = config.services[names.SERVICE].parameters
    wanted = {
        "ecs_services", "load_balancers", "autoscaling_groups", "table", "tables", "bucket", "db_cluster", "db_global",
        "cache", "home_region", "standby_region", "switch_plan", "routing_cluster", "routing_controls", "fence", "probe",
        "health_object", "backup_vault",
    }  # fmt: skip
    assert wanted <= parameters.keys()
    assert config.region == names.STANDBY
    assert all(value for name, value in parameters.items() if name != "probe")


def test_at_first_it_serves_everybody(estate: Estate) -> None:
    standing = Storefront(estate).look()
    assert (standing.well, standing.region, standing.table, standing.why) == (True, names.HOME, names.ORDERS, ())
    assert set((standing.zones or {}).values()) == {True}


def test_the_standby_carries_a_part_of_the_load_and_may_not_write(estate: Estate) -> None:
    standing = Storefront(estate).look(names.STANDBY)
    said: Any = [str(one) for one in standing.why]
    assert not standing.writer
    assert standing.share == 0  # its database only reads
    assert "database shop-db takes no writes" in said
    assert "web: 2 of 2 tasks answer, and 4 are needed" in said
