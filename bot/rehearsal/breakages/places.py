"""Breaking where things are: zones, regions, and the services of AWS in them."""

from bot.errors import N_, phrase
from bot.rehearsal.aws.quotas import FARGATE_VCPUS
from bot.rehearsal.aws.zones import zone_of
from bot.rehearsal.breakages.scene import Fault, Scene
from bot.rehearsal.estate import names
from escalation.duration import parse_duration
from escalation.errors import BadValue

#: Where IAM's name for a service is not the one of its API.
_SERVICES = {"elasticloadbalancing": "elbv2", "servicequotas": "service-quotas"}
_CALLS_A_SECOND = 2.0


def zone(scene: Scene, argument: str) -> Fault:
    given, _, region = argument.partition("@")
    site = scene.site(region or names.HOME)
    try:
        found = zone_of(site.region, given)
    except ValueError as error:
        known = ", ".join(f"{id_} ({name})" for name, id_ in site.zones.items())
        what = phrase(N_("There is no zone {zone} in {region}."), zone=repr(given), region=site.region)
        raise BadValue(what, phrase(N_("Known: {known}."), known=known)) from error
    scene.estate.aws.outages.darken_zone(found.id, site.region)
    what = phrase(N_("Zone {zone} ({name}) goes dark."), zone=found.id, name=found.name)
    return Fault(what, {"AvailabilityZone": found.name}, site.region)


def region(scene: Scene, argument: str) -> Fault:
    site = scene.site(argument)
    _not_ours(site.region)
    scene.estate.aws.outages.darken_region(site.region)
    return Fault(phrase(N_("Region {region} goes dark."), region=site.region), {"Region": site.region}, names.STANDBY)


def region_slow(scene: Scene, argument: str) -> Fault:
    where, _, length = argument.partition(":")
    site, seconds = scene.site(where), parse_duration(length).total_seconds()
    _not_ours(site.region)
    scene.estate.aws.outages.slow_region(site.region, seconds)
    what = phrase(N_("Every call to {region} takes {seconds} s longer."), region=site.region, seconds=f"{seconds:g}")
    return Fault(what, {"Region": site.region}, names.STANDBY)


def half_working(scene: Scene, argument: str) -> Fault:
    where, _, service = argument.partition(":")
    site = scene.site(where)
    scene.estate.aws.outages.half_working(site.region, _known_service(service))
    what = N_("{service} in {region} refuses changes, and answers who only looks.")
    return Fault(phrase(what, service=service, region=site.region))


def throttle(scene: Scene, argument: str) -> Fault:
    scene.estate.aws.outages.throttle(_known_service(argument), _CALLS_A_SECOND)
    what = N_("{service} takes {rate} calls a second and refuses the others.")
    return Fault(phrase(what, service=argument, rate=f"{_CALLS_A_SECOND:g}"))


def quota(scene: Scene, argument: str) -> Fault:
    if not argument.isdecimal():
        what = phrase(N_("{number} is no number of vCPUs."), number=repr(argument))
        raise BadValue(what, phrase(N_("Write one such as {example}."), example="quota:8"))
    scene.estate.aws.quotas.set(*FARGATE_VCPUS, float(argument), names.STANDBY)
    what = phrase(N_("{region} allows {number} vCPUs on Fargate."), region=names.STANDBY, number=argument)
    return Fault(what, region=names.STANDBY)


def deny(scene: Scene, argument: str) -> Fault:
    prefix, _, operation = argument.partition(":")
    if not operation:
        what = phrase(N_("{action} is no IAM action."), action=repr(argument))
        raise BadValue(what, phrase(N_("Write one such as {example}."), example="ecs:UpdateService"))
    _known_service(_SERVICES.get(prefix, prefix))
    scene.estate.aws.permissions.deny(argument)
    return Fault(phrase(N_("Lifeboat is denied {action}."), action=argument))


def _not_ours(region: str) -> None:
    if region == names.STANDBY:
        what = phrase(N_("Lifeboat itself, and its queue, live in {region}."), region=region)
        raise BadValue(what, phrase(N_("Break {region} instead."), region=names.HOME))


def _known_service(name: str) -> str:
    from botocore.session import get_session  # noqa: PLC0415  # slow, and only a few kinds need it

    if name not in get_session().get_available_services():
        what = phrase(N_("AWS has no service {service}."), service=repr(name))
        raise BadValue(what, phrase(N_("Write it as boto3 does, such as {example}."), example="ecs"))
    return name
