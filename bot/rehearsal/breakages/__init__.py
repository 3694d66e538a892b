"""What can be broken on purpose, written as people write it: `zone:use1-az1`, `table:orders`, `region:us-east-1`.

    breakage = parse("zone:use1-az1")       # BadValue, with what to write instead
    fault = breakage.strike(scene)          # blocks, as boto3 does

Each raises the alarm that real monitoring would, a while after the fault; some are noticed by nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.errors import N_, Refused, phrase
from bot.rehearsal.breakages import data, places, services
from bot.rehearsal.breakages.scene import Fault, Kind, Scene
from bot.rehearsal.estate import names
from escalation.errors import BadValue
from escalation.nearest import suggestion

__all__ = ["KINDS", "Breakage", "Fault", "Kind", "Scene", "parse"]

#: How soon a probe every ten seconds, from outside, is sure that nobody answers.
_PROBED = timedelta(seconds=30)
#: A release first replaces the tasks that were well.
_DEPLOYED = timedelta(minutes=2)
#: The shop itself counts what it cannot use, every ten seconds.
_COUNTED = timedelta(seconds=45)

KINDS: Mapping[str, Kind] = {
    "zone": Kind(
        "zone:<id or name>[@<region>]", N_("A zone goes dark: its tasks, and its nodes of load balancers."),
        places.zone, names.ZONE_IMPAIRED, usual="use1-az1",
    ),
    "region": Kind(
        "region:<region>", N_("A region goes dark: it answers no call, and nothing is replicated from it."),
        places.region, names.UNREACHABLE, _PROBED, usual=names.HOME,
    ),
    "region-slow": Kind(
        "region-slow:<region>:<duration>", N_("Every call to a region takes so much longer, in real time."),
        places.region_slow, names.UNREACHABLE,
    ),
    "half-working": Kind(
        "half-working:<region>:<service>", N_("A service of AWS refuses changes, and answers who only looks."),
        places.half_working,
    ),
    "throttle": Kind(
        "throttle:<service>", N_("A service of AWS takes two calls a second, and refuses the others."), places.throttle
    ),
    "quota": Kind(
        "quota:<number>", N_("The quota of Fargate vCPUs is so low in the standby region."), places.quota, usual="8"
    ),
    "deny": Kind("deny:<IAM action>", N_("Lifeboat may not do this, such as ecs:UpdateService."), places.deny),
    "tasks": Kind(
        "tasks:<service>", N_("The tasks of a service fall ill; new ones are healthy."), services.tasks, names.UNHEALTHY,
        usual=names.WEB,
    ),
    "release": Kind(
        "release:<service>", N_("A release of a service passes its health checks, and fails every request."), services.release,
        names.UNHEALTHY, _DEPLOYED, names.WEB,
    ),
    "load": Kind(
        "load:<service>:<factor>", N_("A service has so many times its usual load."), services.load, names.OVERLOADED,
        usual=f"{names.WEB}:2",
    ),
    "table": Kind(
        "table:<name>", N_("A bad release corrupts half of a table."), data.table, names.BAD_TOTALS, _COUNTED,
        names.ORDERS,
    ),
    "table-deleted": Kind(
        "table-deleted:<name>", N_("Somebody deletes a table."), data.table_deleted, names.TABLE_DELETED, _COUNTED,
        names.ORDERS,
    ),
    "database": Kind(
        "database:<cluster>", N_("The writer of a database takes no writes, and AWS does not notice."), data.database,
        names.DATABASE_FAILING, usual=names.DATABASE,
    ),
    "cache": Kind(
        "cache:<group>", N_("The primary of a cache takes no writes, and AWS does not notice."), data.cache,
        names.CACHE_FAILING, usual=names.CACHE,
    ),
    "objects": Kind(
        "objects:<prefix>", N_("Objects are overwritten with rubbish."), data.objects, names.ASSETS_MISSING, _COUNTED,
        names.ASSETS,
    ),
    "objects-deleted": Kind(
        "objects-deleted:<prefix>", N_("Objects are deleted."), data.objects_deleted, names.ASSETS_MISSING, _COUNTED,
        names.ASSETS,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Breakage:
    """A kind with its argument; `text` as somebody might write it."""

    text: str
    kind: Kind
    argument: str

    def strike(self, scene: Scene) -> Fault:
        """Break it now. Raises `BadValue` when the argument names nothing that the shop has, `Refused` when AWS lets nobody."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # slow, and `--list` needs none of it

        try:
            return self.kind.strike(scene, self.argument)
        except (BotoCoreError, ClientError) as error:
            what = N_("{text} cannot be broken now. Name it before what keeps AWS from answering, and once. AWS: {why}")
            raise Refused(phrase(what, text=self.text, why=str(error))) from error


def parse(text: str) -> Breakage:
    """A breakage from its text; a kind alone stands for its usual argument. Raises `BadValue`."""
    name, _, argument = text.strip().partition(":")
    kind = KINDS.get(name)
    if kind is None:
        raise BadValue(phrase(N_("{name} is nothing that can be broken."), name=repr(name)), suggestion(name, KINDS))
    argument = argument or kind.usual
    if not argument:
        what = phrase(N_("{name} does not say what to break."), name=repr(name))
        raise BadValue(what, phrase(N_("Write {pattern}."), pattern=kind.written))
    return Breakage(f"{name}:{argument}", kind, argument)
