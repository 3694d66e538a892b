"""DynamoDB global tables (version 2019.11.21): replicas that follow one another after a lag, and the last writer wins.

Everything that is due is played when somebody asks: a write that another replica has not seen yet arrives once its lag is
over and neither region is dark (`Outages.arrives`), so the backlog of a dark region arrives when it returns. Of two writes
to one item the later one stays, everywhere; of the same instant, the one of the later region's name. Streams of global
tables are answered from here too, because only here is it known which write came when (`streams.py`).

Not emulated: MRSC, witnesses, replicated capacity and indexes added later, KMS of replicas, and that AWS keeps a replica
from being deleted for a day. A replica has the settings of its source when it is made, and its own from then on.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.dynamodb.models.table import Table

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto, Reply, Wrap
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.journal import Key
from bot.rehearsal.aws.moto_app import ACCOUNT, backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.restores import STATEMENTS, WRITES, bare, keys_written
from bot.rehearsal.aws.wire import result_of

_READS = ("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems")
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
_METRICS = ("GetMetricStatistics", "GetMetricData")

#: Told of items that came from elsewhere: region, table, keys, and when.
Arrived = Callable[[str, str, Iterable[Key], datetime], None]


@dataclass(frozen=True)
class Write:
    """One change of one item in one region: `origin` is where a client made it, `made_at` when, `at` when it was here.

    `before` and `after` are moto's items; None: there was, or is, none.
    """

    table: str
    region: str
    key: Key
    origin: str
    made_at: datetime
    at: datetime
    before: Any
    after: Any

    @property
    def rank(self) -> tuple[datetime, str]:
        """Of two writes to one item, the one with the higher rank stays."""
        return self.made_at, self.origin


@dataclass
class Group:
    """The replicas of one table. `ready`: from when on each is ACTIVE; `latest`: what each region holds of an item."""

    ready: dict[str, datetime]
    history: list[Write] = field(default_factory=list)
    latest: dict[tuple[str, Key], Write] = field(default_factory=dict)
    waiting: list[tuple[str, Write]] = field(default_factory=list)
    lost: list[tuple[str, Write]] = field(default_factory=list)


class GlobalTables:
    """`lag` is how many seconds a write takes to the other replicas; `creation`, how many a new replica takes."""

    def __init__(self, clock: Clock, outages: Outages, arrived: Arrived) -> None:
        self.lag, self.creation = 1.0, 5.0
        self._clock, self._outages, self._arrived = clock, outages, arrived
        self._groups: dict[str, Group] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {}

    @property
    def wraps(self) -> Mapping[tuple[str, str], Wrap]:
        return {
            **{("dynamodb", name): self._writing for name in (*WRITES, *STATEMENTS)},
            **{("dynamodb", name): self._settled for name in _READS},
            **{("cloudwatch", name): self._settled for name in _METRICS},
            ("dynamodb", "DescribeTable"): self._describing,
            ("dynamodb", "UpdateTable"): self._updating,
            ("dynamodb", "DeleteTable"): self._deleting,
        }

    def forget(self) -> None:
        """No table is global any more."""
        self._groups.clear()

    def is_global(self, table: str, region: str) -> bool:
        group = self._groups.get(table)
        return group is not None and region in group.ready

    def history(self, table: str, region: str = "") -> Sequence[Write]:
        """Every change of an item, in the order in which it happened there."""
        self.settle()
        found = self._groups.get(table)
        return [one for one in found.history if region in {"", one.region}] if found else []

    def lost(self, table: str) -> Sequence[Write]:
        """The writes that a region never showed, because a later one was there when they came."""
        self.settle()
        return [write for _, write in self._groups[table].lost]

    def waiting(self, table: str, to: str) -> int:
        """How many writes have not come to that region yet."""
        self.settle()
        return sum(region == to for region, _ in self._groups[table].waiting)

    def settle(self) -> None:
        """Play all that has arrived by now."""
        now = self._clock.now()
        for name, group in self._groups.items():
            due = [(at, number) for number, at in enumerate(self._arrivals(group)) if at and at <= now]
            waiting = group.waiting
            taken = {number for _, number in due}
            group.waiting = [one for number, one in enumerate(waiting) if number not in taken]
            for at, number in sorted(due):
                self._arrive(name, group, *waiting[number], at)

    def _arrivals(self, group: Group) -> Iterator[datetime | None]:
        lag = self._clock.scaled(self.lag)
        for to, write in group.waiting:
            yield self._outages.arrives(write.made_at, lag, write.origin, to)

    def _arrive(self, name: str, group: Group, to: str, write: Write, at: datetime) -> None:
        _measure(write, to, at)
        held = group.latest.get((to, write.key))
        if held and held.rank >= write.rank:
            group.lost.append((to, write))
            return
        table = backend("dynamodb", to).tables.get(name)
        if table is None:  # a test has emptied moto
            return
        before = copy.deepcopy(table.get_item(*write.key))
        _put(table, write.key, write.after)
        self._arrived(to, name, [write.key], at)
        came = Write(name, to, write.key, write.origin, write.made_at, at, before, write.after)
        group.history.append(came)
        group.latest[to, write.key] = came

    def _settled(self, inner: Handler) -> Handler:
        async def answer(call: Call, moto: Moto) -> Answer:
            self.settle()
            return await inner(call, moto)

        return answer

    def _writing(self, inner: Handler) -> Handler:
        async def answer(call: Call, moto: Moto) -> Answer:
            self.settle()
            before = self._before(call)
            reply = await inner(call, moto)
            if before and (not isinstance(reply, Reply) or reply.ok):
                self._note(call.region, before, every=call.operation in STATEMENTS)
            return reply

        return answer

    def _before(self, call: Call) -> Mapping[str, Mapping[Key, Any]]:
        """The items that the call may change, as they are; of a statement, all of every global table."""
        mine = {name for name, group in self._groups.items() if call.region in group.ready}
        tables = backend("dynamodb", call.region).tables
        if call.operation in STATEMENTS:
            return {name: _images(tables[name]) for name in mine}
        found: dict[str, dict[Key, Any]] = {}
        for name, key in keys_written(call, mine):
            found.setdefault(name, {})[key] = copy.deepcopy(tables[name].get_item(*key))
        return found

    def _note(self, region: str, before: Mapping[str, Mapping[Key, Any]], *, every: bool) -> None:
        """What a call has changed goes to the other replicas. `every`: nobody knows which items it has changed."""
        now = self._clock.now()
        for name, images in before.items():
            table, group = backend("dynamodb", region).tables[name], self._groups[name]
            for key in images.keys() | (_images(table).keys() if every else ()):
                was, now_is = images.get(key), copy.deepcopy(table.get_item(*key))
                if every and _same(was, now_is):
                    continue
                write = Write(name, region, key, region, now, now, was, now_is)
                group.history.append(write)
                group.latest[region, key] = write
                group.waiting += [(other, write) for other in group.ready if other != region]

    def _describing(self, inner: Handler) -> Handler:
        async def answer(call: Call, moto: Moto) -> Answer:
            self.settle()
            reply = await inner(call, moto)
            group = self._groups.get(bare(call.parameters["TableName"]))
            if group is None or call.region not in group.ready or (isinstance(reply, Reply) and not reply.ok):
                return reply
            found = reply if not isinstance(reply, Reply) else result_of(call, reply)
            return {"Table": self._shown(found["Table"], group, call.region)}

        return answer

    def _updating(self, inner: Handler) -> Handler:
        async def answer(call: Call, moto: Moto) -> Answer:
            updates = call.parameters.get("ReplicaUpdates")
            if not updates:
                return await inner(call, moto)
            name = bare(call.parameters["TableName"])
            table = backend("dynamodb", call.region).tables.get(name)
            if table is None:
                raise AwsError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
            self.settle()
            for update in updates:
                for kind, wanted in update.items():
                    self._replicate(kind, table, call.region, wanted["RegionName"])
            group = self._groups.get(name, Group({}))
            return {"TableDescription": self._shown(table.describe()["TableDescription"], group, call.region)}

        return answer

    def _replicate(self, kind: str, table: Any, region: str, other: str) -> None:
        group = self._groups.setdefault(table.name, Group({region: self._clock.now()}))
        if kind == "Delete":
            if other not in group.ready:
                raise AwsError("ValidationException", f"Replica {other} of table {table.name} does not exist")
            del backend("dynamodb", other).tables[table.name]
            self._leave(table.name, other)
        elif kind == "Create":
            if table.name in backend("dynamodb", other).tables:
                raise AwsError("ValidationException", f"A table {table.name} already exists in {other}")
            _streamed(table)
            backend("dynamodb", other).tables[table.name] = _replica_of(table, other)
            group.ready[other] = self._clock.now() + self._clock.scaled(self.creation)
            for key in _images(table):
                if held := group.latest.get((region, key)):
                    group.latest[other, key] = held

    def _deleting(self, inner: Handler) -> Handler:
        async def answer(call: Call, moto: Moto) -> Answer:
            self.settle()
            reply = await inner(call, moto)
            if not isinstance(reply, Reply) or reply.ok:
                self._leave(bare(call.parameters["TableName"]), call.region)
            return reply

        return answer

    def _leave(self, name: str, region: str) -> None:
        group = self._groups.get(name)
        if group is None or group.ready.pop(region, None) is None:
            return
        group.waiting = [(to, write) for to, write in group.waiting if to != region]
        if len(group.ready) == 1:  # a table alone is no global table
            del self._groups[name]

    def _shown(self, table: Mapping[str, Any], group: Group, region: str) -> dict[str, Any]:
        """A table as its region describes it: the replicas are the others'."""
        now = self._clock.now()
        others = [
            {"RegionName": other, "ReplicaStatus": "ACTIVE" if at <= now else "CREATING"}
            for other, at in sorted(group.ready.items())
            if other != region
        ]
        own = {"TableStatus": "CREATING"} if group.ready.get(region, now) > now else {}
        return {**table, **own, "Replicas": others, "GlobalTableVersion": "2019.11.21"} if others else dict(table)


def _replica_of(table: Any, region: str) -> Any:
    made = Table(  # type: ignore[abstract]  # moto makes it so itself
        table.name, account_id=ACCOUNT, region=region, schema=copy.deepcopy(table.schema), attr=copy.deepcopy(table.attr),
        throughput=copy.deepcopy(table.throughput), billing_mode=table.billing_mode, streams=dict(_STREAM),
    )  # fmt: skip
    made.indexes, made.global_indexes = copy.deepcopy(table.indexes), copy.deepcopy(table.global_indexes)
    made.items, made.ttl = copy.deepcopy(table.items), copy.deepcopy(table.ttl)
    return made


def _streamed(table: Any) -> None:
    """AWS gives every replica a stream with both images; an own one of another kind would be refused."""
    kind = (table.stream_specification or {}).get("StreamViewType")
    if kind is None:
        table.set_stream_specification(dict(_STREAM))
    elif kind != _STREAM["StreamViewType"]:
        raise AwsError("ValidationException", "The stream of a global table must have NEW_AND_OLD_IMAGES")


def _images(table: Any) -> dict[Key, Any]:
    return {(item.hash_key, item.range_key): copy.deepcopy(item) for item in table.all_items()}


def _same(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    return bool(left.to_json() == right.to_json())


def _put(table: Any, key: Key, item: Any) -> None:
    hash_key, range_key = key
    if item is None:
        table.items[hash_key].pop(range_key, None) if range_key else table.items.pop(hash_key, None)
    elif range_key:
        table.items[hash_key][range_key] = copy.deepcopy(item)
    else:
        table.items[hash_key] = copy.deepcopy(item)


def _measure(write: Write, to: str, at: datetime) -> None:
    """`ReplicationLatency`, in milliseconds, in the region of the writer."""
    took: timedelta = at - write.made_at
    datum = {
        "MetricName": "ReplicationLatency",
        "Dimensions": [{"Name": "TableName", "Value": write.table}, {"Name": "ReceivingRegion", "Value": to}],
        "Timestamp": at.astimezone(UTC).replace(tzinfo=None),
        "Value": took.total_seconds() * 1000,
        "Unit": "Milliseconds",
    }
    backend("cloudwatch", write.origin).put_metric_data("AWS/DynamoDB", [datum])
