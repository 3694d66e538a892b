"""An AWS on loopback: moto, with the features of the list below in front of it.

    async with EmulatedAws() as aws:
        dynamodb = aws.client("dynamodb", "us-east-1")

Any boto3 program reaches it with `AWS_ENDPOINT_URL` alone. What no feature knows goes to moto as it came.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import cache
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import boto3
from botocore.config import Config

from bot.rehearsal.aws import objects, wire
from bot.rehearsal.aws.access_points import AccessPoints
from bot.rehearsal.aws.alarms import Alarms
from bot.rehearsal.aws.automations import Automations
from bot.rehearsal.aws.autoscaling import Autoscaling
from bot.rehearsal.aws.backup_jobs import BackupJobs
from bot.rehearsal.aws.backup_vaults import BackupVaults
from bot.rehearsal.aws.backups import Backups
from bot.rehearsal.aws.caches import Caches
from bot.rehearsal.aws.call import Answer, AwsError, Call, Feature, Handler, Layer, Moto, Reply, Request
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.container_metrics import ContainerMetrics
from bot.rehearsal.aws.containers import Containers
from bot.rehearsal.aws.databases import Databases
from bot.rehearsal.aws.deliveries import Deliveries
from bot.rehearsal.aws.exports import Exports
from bot.rehearsal.aws.faults import Cut, Faults
from bot.rehearsal.aws.global_tables import GlobalTables
from bot.rehearsal.aws.log import CallLog
from bot.rehearsal.aws.metrics import Metrics
from bot.rehearsal.aws.moto_app import ACCOUNT, MotoApp
from bot.rehearsal.aws.names import Names
from bot.rehearsal.aws.object_replication import ObjectReplication
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.parameters import Parameters
from bot.rehearsal.aws.permissions import Permissions
from bot.rehearsal.aws.queues import Queues
from bot.rehearsal.aws.quotas import Quotas
from bot.rehearsal.aws.region_switch import RegionSwitch
from bot.rehearsal.aws.restore_jobs import RestoreJobs
from bot.rehearsal.aws.restore_testing import RestoreTesting
from bot.rehearsal.aws.restores import Restores, RestoreTimes
from bot.rehearsal.aws.routing_controls import RoutingControls
from bot.rehearsal.aws.server import Server
from bot.rehearsal.aws.signing import Signer
from bot.rehearsal.aws.streams import Streams
from bot.rehearsal.aws.table_extras import TableExtras
from bot.rehearsal.aws.targets import Targets
from bot.rehearsal.aws.topics import Topics
from bot.rehearsal.aws.traffic import Traffic
from bot.rehearsal.aws.zonal_shifts import ZonalShifts

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class EmulatedAws:
    """One at a time in a process: moto keeps its state in its modules. It starts empty.

    `speed` divides what the emulator waits for; a `clock` of one's own may stand still. `times` says how long
    restores take and lag. `faults`, `outages`, `permissions`, `quotas`, `calls`, `deliveries`, `sms`, `ecs`, `autoscaling`,
    `targets`, `traffic`, `automations`, `names`, `region_switch`, `routing_controls` and `zonal_shifts` are for tests,
    drills and the demo.
    """

    account: ClassVar[str] = ACCOUNT
    _running: ClassVar[bool] = False

    def __init__(
        self, port: int = 0, speed: float = 1.0, clock: Clock | None = None, restores: RestoreTimes | None = None
    ) -> None:
        self.clock = clock or Clock(speed=speed)
        self.calls = CallLog()
        self.faults = Faults()
        self.outages = Outages(self.clock)
        self.hold = self.faults.hold
        self._port = port
        self._clients: dict[Any, Any] = {}
        self._moto = MotoApp()
        self._signer = Signer(self.clock.now())
        self._deliveries = Deliveries(self.clock)
        self._topics = Topics(self.clock, self._signer, self._deliveries)
        self.quotas = Quotas()
        self.permissions = Permissions()
        self.ecs = Containers(self.clock, self.outages, self.quotas)
        self.automations = Automations(self.clock)
        self.region_switch = RegionSwitch(self.clock)
        self.routing_controls = RoutingControls(self.clock)
        self.access_points = AccessPoints(self.clock)
        self.names = Names(self.clock, self.routing_controls, self.outages)
        self.zonal_shifts = ZonalShifts(self.clock)
        self.autoscaling = Autoscaling(self.clock, self.outages, self.zonal_shifts)
        self.targets = Targets(self.clock, self.outages, self.ecs, self.zonal_shifts)
        backups = Backups(self.clock)
        self.restores = tables = Restores(self.clock, restores or RestoreTimes(), backups)
        self.exports = Exports(self.clock, tables.items_as_of)
        self.backup_vaults = BackupVaults(self.clock)
        self.backup_jobs = BackupJobs(self.clock, self.backup_vaults)
        self.restore_jobs = RestoreJobs(self.clock, self.backup_vaults, tables.begin)
        self.restore_testing = RestoreTesting(self.clock, self.backup_vaults, self.restore_jobs)
        self.object_replication = ObjectReplication(self.clock, self.outages)
        self.global_tables = GlobalTables(self.clock, self.outages, tables.arrived)
        self.databases = Databases(self.clock, self.outages)
        self.caches = Caches(self.clock, self.outages)
        self.traffic = Traffic(self.outages, self.targets, self.zonal_shifts)
        containers = ContainerMetrics(self.outages, self.ecs)
        sources = [self.databases.metric, self.caches.metric, self.traffic.metric, containers.metric]
        self.metrics = Metrics(self.clock, sources)
        self.sms = self._topics.sms
        self.deliveries = self._deliveries.attempts
        self._handlers = _handlers(
            [
                Alarms(self.clock),
                self._topics,
                Queues(),
                Parameters(self.clock),
                backups,
                objects.Objects(),
                tables,
                self.global_tables,
                self.object_replication,
                Streams(self.global_tables),
                TableExtras(),
                self.exports,
                self.backup_vaults,
                self.backup_jobs,
                self.restore_jobs,
                self.restore_testing,
                self.quotas,
                self.permissions,
                self.ecs,
                self.automations,
                self.region_switch,
                self.routing_controls,
                self.access_points,
                self.names,
                self.zonal_shifts,
                self.targets,
                self.autoscaling,
                self.databases,
                self.caches,
                self.metrics,
            ]
        )
        self._server = Server(self._respond, {self._signer.path: self._signer.certificate})

    async def __aenter__(self) -> Self:
        if EmulatedAws._running:
            raise RuntimeError("An emulated AWS is running in this process already; stop it first.")
        self._port = await self._server.start(self._port)
        EmulatedAws._running = True
        self._server.call_on_thread(self._moto.reset)
        objects.follow(self.clock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.close()
        await self._server.stop(self._deliveries.close)
        objects.unfollow()
        EmulatedAws._running = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def certificates_url(self) -> str:
        """Where the paths of SigningCertURL are served; for LIFEBOAT_SNS_CERT_URL_BASE."""
        return self.url

    @property
    def environment(self) -> Mapping[str, str]:
        """What another program needs to be a client of this AWS. The keys are no secrets: nothing checks them."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3_CONTROL": self._endpoint("s3control"),
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LIFEBOAT_SNS_CERT_URL_BASE": self.certificates_url,
        }

    def client(self, service: str, region: str = "us-east-1", *, endpoint: str = "", **config: Any) -> Any:
        """A boto3 client that tries once, so that a fault is seen; `config` as `botocore.config.Config` takes it."""
        key = (service, region, endpoint, repr(sorted(config.items())))
        if key not in self._clients:
            settings = {"retries": {"total_max_attempts": 1}, "connect_timeout": 2, "read_timeout": 30, **config}
            url = endpoint or self._endpoint(service)
            self._clients[key] = _session().client(
                service, region_name=region, endpoint_url=url, config=Config(**settings)
            )
        return self._clients[key]

    def _endpoint(self, service: str) -> str:
        """boto3 puts the account before the host of S3's control plane; here it becomes a part of the user's name."""
        return self.url.replace("//", "//account@") if service == "s3control" else self.url

    def inside(self, look: Callable[[], Result]) -> Result:
        """What a plain function sees on the emulator's thread, where nothing changes meanwhile. It blocks."""
        return self._server.call_on_thread(look)

    async def _respond(self, request: Request) -> Reply | None:
        """None: the caller gets no answer."""
        call = Call(request, "", "", "", {})
        try:
            call = wire.recognise(request)
            await self.outages.apply(call)
            self.permissions.apply(call)
            await self.faults.apply(call, "before")
            reply = await self._perform(call)
            await self.faults.apply(call, "after")
        except Cut:
            self.calls.add(call, self.clock.now(), None)
            return None
        except AwsError as error:
            reply = wire.refused(call, error)
            self.calls.add(call, self.clock.now(), reply.status, error.code)
            return reply
        except asyncio.CancelledError:
            self.calls.add(call, self.clock.now(), None)
            raise
        except Exception as error:  # moto raises what it cannot do; its own server answers 500 too
            logger.exception("The emulated AWS failed in %s %s.", call.service, call.operation)
            self.calls.add(call, self.clock.now(), 500, type(error).__name__)
            return wire.refused(call, AwsError("InternalFailure", f"{type(error).__name__}: {error}", 500))
        self.calls.add(call, self.clock.now(), reply.status, "" if reply.ok else _error_code(reply))
        return reply

    async def _perform(self, call: Call) -> Reply:
        handler = self._handlers.get((call.service, call.operation))
        answer: Answer = await handler(call, self._moto) if handler else self._moto(call)
        return answer if isinstance(answer, Reply) else wire.written(call, answer)


@cache
def _session() -> boto3.session.Session:
    """One for the process: it keeps the service models, whose reading is most of what a new client costs."""
    return boto3.session.Session(aws_access_key_id="rehearsal", aws_secret_access_key="rehearsal")  # noqa: S106  # nothing checks it


def _error_code(reply: Reply) -> str:
    return next((value for key, value in reply.headers if key.lower() == "x-amzn-errortype"), "")


def _handlers(features: list[Feature]) -> Mapping[tuple[str, str], Handler]:
    """Which feature answers what; two for one operation would be a mistake. Layers stand in front, the last outermost."""
    table: dict[tuple[str, str], Handler] = {}
    for feature in features:
        taken = table.keys() & feature.handlers.keys()
        assert not taken, f"{taken} is answered twice"
        table |= feature.handlers
    for layer in (feature for feature in features if isinstance(feature, Layer)):
        table |= {key: wrap(table.get(key, _of_moto)) for key, wrap in layer.wraps.items()}
    return table


async def _of_moto(call: Call, moto: Moto) -> Answer:
    """What no feature answers."""
    return moto(call)
