"""Breaking what serves: tasks, releases, and too many customers."""

from bot.errors import N_, phrase
from bot.rehearsal.breakages.scene import Fault, Scene
from bot.rehearsal.estate.names import CLUSTER, IMAGE
from bot.rehearsal.estate.services import NEEDED, define
from escalation.errors import BadValue

_MOST_LOAD = 100.0


def tasks(scene: Scene, argument: str) -> Fault:
    home = scene.estate.home
    scene.estate.aws.ecs.sicken_tasks(_known(argument), CLUSTER, home.region)
    return Fault(phrase(N_("The tasks of {service} fall ill."), service=argument), _dimensions(argument))


def release(scene: Scene, argument: str) -> Fault:
    home, service = scene.estate.home, _known(argument)
    number = define(home, service, IMAGE.format(service=service, version="bad"))
    scene.estate.aws.ecs.spoil_release(f"{service}:{number}", "errors", home.region)
    home.client("ecs").update_service(cluster=CLUSTER, service=service, taskDefinition=f"{service}:{number}")
    what = phrase(N_("A bad release of {service} is deployed."), service=service)
    return Fault(what, _dimensions(service))


def load(scene: Scene, argument: str) -> Fault:
    service, _, written = argument.partition(":")
    try:
        factor = float(written)
    except ValueError:
        factor = 0
    if not 0 < factor <= _MOST_LOAD:
        what = phrase(N_("{factor} is no factor that the load can grow by."), factor=repr(written))
        raise BadValue(what, phrase(N_("Write one such as {example}."), example="load:web:2"))
    scene.storefront.load = {**scene.storefront.load, _known(service): factor}
    what = phrase(N_("{service} has {factor} times its usual load."), service=service, factor=f"{factor:g}")
    return Fault(what, _dimensions(service))


def _known(service: str) -> str:
    if service not in NEEDED:
        what = phrase(N_("The shop has no service {service}."), service=repr(service))
        raise BadValue(what, phrase(N_("Known: {known}."), known=", ".join(NEEDED)))
    return service


def _dimensions(service: str) -> dict[str, str]:
    return {"ClusterName": CLUSTER, "ServiceName": service}
