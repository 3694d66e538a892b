"""The small shop that rehearsals protect: an orders table, a web service, alarms, and the ways that alarms take.

It is laid down in the emulated AWS as its past: the orders are older than the alarm, so that there is a moment to go
back to. Then it can be broken on purpose.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import Front

REGION, HOME = "us-east-1", "us-west-2"
TABLE, POINTER = "orders", "/orders/table"
CLUSTER, SERVICE = "shop", "web"
ORDERS_ALARM, WEB_ALARM = "orders-bad-totals", "web-unhealthy-tasks"
ORDERS = 40
_PAST = timedelta(hours=2)


class Shop:
    """`await asyncio.to_thread(shop.build)`: everything here blocks, as boto3 does. `front`: what stands before the web service."""

    def __init__(self, aws: EmulatedAws, front: Front | None = None) -> None:
        self.aws, self.front = aws, front
        self.queue_url = ""
        self.queue_topic = f"arn:aws:sns:{REGION}:{aws.account}:alarms"
        self.http_topic = f"arn:aws:sns:{REGION}:{aws.account}:alarms-https"

    def client(self, service: str, region: str = REGION) -> Any:
        return self.aws.client(service, region)

    def build(self) -> None:
        """Lay everything down, two hours ago, and come back to now."""
        self.aws.clock.move(-_PAST)
        self._orders()
        self._web()
        self._alarms()
        if self.front:
            self.front.build()
        self.aws.clock.move(_PAST)

    def subscribe(self, url: str) -> None:
        """Have SNS post to the bot's address. AWS asks the bot to confirm first."""
        self.client("sns").subscribe(TopicArn=self.http_topic, Protocol="http", Endpoint=url)

    def corrupt_orders(self) -> None:
        """A bad release writes negative totals over half of the orders, and then the alarm goes off."""
        dynamodb = self.client("dynamodb")
        for number in range(0, ORDERS, 2):
            dynamodb.put_item(TableName=TABLE, Item=_order(number, total=-1))
        self._go_off(ORDERS_ALARM, 20.0)

    def sicken_web(self) -> None:
        """The tasks of the web service report that they are unhealthy, and then the alarm goes off."""
        self.aws.ecs.sicken_tasks(SERVICE, CLUSTER, REGION)
        self._go_off(WEB_ALARM, 2.0)

    def recover(self, alarm: str) -> None:
        """CloudWatch sees that all is well again."""
        self.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="Back to normal")

    def current_table(self) -> str:
        """The table that the service is pointed at."""
        return str(self.client("ssm").get_parameter(Name=POINTER)["Parameter"]["Value"])

    def bad_orders(self) -> int:
        """How many orders of the current table are corrupt."""
        items = self.client("dynamodb").scan(TableName=self.current_table())["Items"]
        return sum(float(item["total"]["N"]) < 0 for item in items) if len(items) == ORDERS else ORDERS

    def web_is_healthy(self) -> bool:
        """Whether every task of the web service is running and healthy."""
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE)["taskArns"]
        tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
        return bool(tasks) and all(task.get("healthStatus") != "UNHEALTHY" for task in tasks)

    def config(self) -> Mapping[str, Any]:
        """lifeboat.yaml of the rehearsal, as values."""
        return {
            "region": HOME,
            "sources": {
                "topics": [self.queue_topic, self.http_topic],
                "signature_versions": ["2"],
                "queues": [self.queue_url],
                "sweep_regions": [REGION],
            },
            "services": {
                "orders": {
                    "title": "Orders",
                    "match": [{"alarm": "orders-*"}],
                    "region": REGION,
                    "tags": {"class": "critical"},
                    "parameters": {"table": POINTER},
                },
                "web": {
                    "title": "Web shop",
                    "match": [{"alarm": "web-*"}],
                    "region": REGION,
                    "parameters": self.front.parameters if self.front else {},
                },
            },
        }

    def _orders(self) -> None:
        dynamodb = self.client("dynamodb")
        dynamodb.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=[{"Key": "team", "Value": "shop"}, {"Key": "backup-class", "Value": "critical"}],
        )
        dynamodb.update_time_to_live(
            TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
        )
        dynamodb.update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        for number in range(ORDERS):
            dynamodb.put_item(TableName=TABLE, Item=_order(number, total=10 + number))
        self.client("ssm").put_parameter(Name=POINTER, Value=TABLE, Type="String")

    def _web(self) -> None:
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName=CLUSTER)
        ecs.register_task_definition(
            family=SERVICE, containerDefinitions=[{"name": "web", "image": "shop/web:1", "memory": 256, "cpu": 128}]
        )
        ecs.create_service(cluster=CLUSTER, serviceName=SERVICE, taskDefinition=f"{SERVICE}:1", desiredCount=3)

    def _alarms(self) -> None:
        sns, sqs = self.client("sns"), self.client("sqs", HOME)
        for arn in (self.queue_topic, self.http_topic):
            sns.create_topic(Name=arn.rsplit(":", 1)[1], Attributes={"SignatureVersion": "2"})
        self.queue_url = str(sqs.create_queue(QueueName="lifeboat-alarms")["QueueUrl"])
        queue = sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.queue_topic, Protocol="sqs", Endpoint=queue)
        self._alarm(ORDERS_ALARM, "AWS/DynamoDB", "InvalidTotals", {"TableName": TABLE}, 5, self.queue_topic)
        dimensions = {"ClusterName": CLUSTER, "ServiceName": SERVICE}
        self._alarm(WEB_ALARM, "AWS/ECS", "UnhealthyTasks", dimensions, 1, self.http_topic)

    def _alarm(
        self, name: str, namespace: str, metric: str, dimensions: Mapping[str, str], threshold: float, topic: str
    ) -> None:
        self.client("cloudwatch").put_metric_alarm(
            AlarmName=name, AlarmActions=[topic], OKActions=[topic], Namespace=namespace, MetricName=metric,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()], Statistic="Maximum",
            Period=60, EvaluationPeriods=1, DatapointsToAlarm=1, Threshold=threshold,
            ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="missing",
        )  # fmt: skip

    def _go_off(self, alarm: str, reading: float) -> None:
        self.client("cloudwatch").set_alarm_state(
            AlarmName=alarm,
            StateValue="ALARM",
            StateReason=f"Threshold Crossed: 1 out of the last 1 datapoints [{reading}] was greater than or equal to the "
            "threshold (minimum 1 datapoint for OK -> ALARM transition).",
            StateReasonData=json.dumps({"version": "1.0", "recentDatapoints": [reading]}),
        )


def _order(number: int, total: int) -> Mapping[str, Any]:
    return {"id": {"S": f"order-{number:04}"}, "total": {"N": str(total)}, "customer": {"S": f"customer-{number % 7}"}}
