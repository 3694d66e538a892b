"""A service in two regions of the emulated AWS: tasks at home and fewer in standby, a global table, a fence."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.aws.survey import ask
from bot.incident.survey import Answers, Subject
from bot.playbook.action import Memo
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.moto_app import backend
from tests.aws.rehearsed import Cloud

HOME, STANDBY = "us-east-1", "us-west-2"
FENCE = "/shop/writer"
TABLE = "orders"
#: Tasks at home and in standby.
COUNTS: Mapping[str, tuple[int, int]] = {"web": (6, 2), "api": (3, 1)}


class TwoRegions:
    """`web` and `api` in cluster `shop`. `known` is what the survey has noted so far."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws = aws
        self.known: dict[str, Memo] = {}
        self.subject = Subject("shop", HOME, STANDBY, ("shop/web", "shop/api"), (TABLE,), fence=FENCE)

    def build(self) -> None:
        for place, region in enumerate((HOME, STANDBY)):
            self._clear(region)
            self.client("ecs", region).create_cluster(clusterName="shop")
            for name, tasks in COUNTS.items():
                self.serve(region, name, tasks[place])
            self.client("ssm", region).put_parameter(Name=FENCE, Value=HOME, Type="String", Overwrite=True)
        self._table()
        self.later(60)

    def again(self) -> "TwoRegions":
        """As it was built: much faster than building it once more. What was noted is forgotten."""
        self.aws.outages.forget()
        for place, region in enumerate((HOME, STANDBY)):
            for name, tasks in COUNTS.items():
                self.limit(region, name, tasks[place], 20)
                self.client("ecs", region).update_service(cluster="shop", service=name, desiredCount=tasks[place])
            self.client("ssm", region).put_parameter(Name=FENCE, Value=HOME, Type="String", Overwrite=True)
        self.later(60)
        self.known = {}
        self.aws.calls.clear()
        return self

    def client(self, service: str, region: str = HOME) -> Any:
        return self.aws.client(service, region)

    def cloud(self, region: str = STANDBY) -> Cloud:
        return Cloud(self.aws, region)

    def serve(self, region: str, name: str, tasks: int) -> None:
        ecs = self.client("ecs", region)
        ecs.register_task_definition(
            family=name, networkMode="awsvpc", cpu="256", memory="512", requiresCompatibilities=["FARGATE"],
            containerDefinitions=[{"name": name, "image": f"shop/{name}:1", "memory": 512}],
        )  # fmt: skip
        ecs.create_service(
            cluster="shop", serviceName=name, taskDefinition=f"{name}:1", desiredCount=tasks, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": self._network(region)},
        )  # fmt: skip
        self.limit(region, name, tasks, 20)

    def limit(self, region: str, name: str, least: int, most: int) -> None:
        """What autoscaling may do."""
        self.client("application-autoscaling", region).register_scalable_target(
            ServiceNamespace="ecs", ResourceId=f"service/shop/{name}", ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=least, MaxCapacity=most,
        )  # fmt: skip

    def size(self, region: str, name: str) -> tuple[int, int]:
        """How many tasks it is to run, and autoscaling's minimum."""
        [service] = self.client("ecs", region).describe_services(cluster="shop", services=[name])["services"]
        [target] = self.client("application-autoscaling", region).describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[f"service/shop/{name}"]
        )["ScalableTargets"]
        return service["desiredCount"], target["MinCapacity"]

    def writer(self, region: str) -> str:
        return str(self.client("ssm", region).get_parameter(Name=FENCE)["Parameter"]["Value"])

    def write(self, region: str, key: str, total: str) -> None:
        self.client("dynamodb", region).put_item(TableName=TABLE, Item={"id": {"S": key}, "total": {"N": total}})

    def total(self, region: str, key: str) -> str | None:
        found = self.client("dynamodb", region).get_item(TableName=TABLE, Key={"id": {"S": key}})
        return str(found["Item"]["total"]["N"]) if "Item" in found else None

    def later(self, seconds: float) -> None:
        self.aws.clock.move(timedelta(seconds=seconds))

    def survey(self) -> Answers:
        """As the job does it: what AWS says replaces what was known."""
        now = self.aws.clock.now()
        answers = ask(self.cloud, [self.subject], self.known, now)
        self.known |= {key: Memo(value, now) for key, value in answers.values.items()}
        return answers

    def asked_of(self, region: str) -> list[str]:
        """Every call that was tried there since the log was cleared."""
        return [f"{call.service}:{call.operation}" for call in self.aws.calls if call.region == region]

    def _network(self, region: str) -> dict[str, list[str]]:
        ec2 = self.client("ec2", region)
        group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        return {
            "subnets": [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"][:3]],
            "securityGroups": [group],
        }

    def _table(self) -> None:
        home = self.client("dynamodb")
        home.create_table(
            TableName=TABLE, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )  # fmt: skip
        home.update_table(TableName=TABLE, ReplicaUpdates=[{"Create": {"RegionName": STANDBY}}])

    def _clear(self, region: str) -> None:
        self.aws.global_tables.forget()
        for service in ("ecs", "applicationautoscaling", "dynamodb", "cloudwatch"):
            backend(service, region).reset()  # type: ignore[arg-type]  # moto lists the names
        for key in [key for key in self.aws.ecs.rollouts if key[0] == region]:
            del self.aws.ecs.rollouts[key]
