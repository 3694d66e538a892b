"""The shop's containers: an ECS cluster with `web` and `api`, each behind its load balancer and with autoscaling."""

from collections.abc import Mapping

from bot.rehearsal.estate.names import API, BALANCERS, CLUSTER, IMAGE, WEB
from bot.rehearsal.estate.site import Site

#: Tasks at home and in standby: standby carries a part of the load until it is scaled out.
TASKS: Mapping[str, tuple[int, int]] = {WEB: (6, 2), API: (3, 1)}
#: How many healthy tasks the usual load needs: home can lose a zone and still carry it.
NEEDED: Mapping[str, int] = {WEB: 4, API: 2}
MOST_TASKS = 20


def lay_down(site: Site) -> None:
    ecs, scaling = site.client("ecs"), site.client("application-autoscaling")
    network = {
        "subnets": list(site.subnets.values()),
        "securityGroups": [site.security_group],
        "assignPublicIp": "DISABLED",
    }
    ecs.create_cluster(clusterName=CLUSTER)
    for service, counts in TASKS.items():
        tasks = counts[0] if site.home else counts[1]
        number = define(site, service, IMAGE.format(service=service, version=1))
        ecs.create_service(
            cluster=CLUSTER, serviceName=service, taskDefinition=f"{service}:{number}", desiredCount=tasks, launchType="FARGATE",
            loadBalancers=[
                {"targetGroupArn": site.groups[BALANCERS[service]], "containerName": service, "containerPort": 80}
            ],
            networkConfiguration={"awsvpcConfiguration": network},
        )  # fmt: skip
        scaling.register_scalable_target(
            ServiceNamespace="ecs", ResourceId=f"service/{CLUSTER}/{service}", ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=tasks, MaxCapacity=MOST_TASKS,
        )  # fmt: skip


def define(site: Site, service: str, image: str) -> int:
    """A new revision of the service's task definition; its number."""
    container = {"name": service, "image": image, "memory": 512, "cpu": 256, "portMappings": [{"containerPort": 80}]}
    made = site.client("ecs").register_task_definition(
        family=service, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[container],
    )  # fmt: skip
    return int(made["taskDefinition"]["revision"])
