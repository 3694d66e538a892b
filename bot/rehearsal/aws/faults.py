"""What can be broken on purpose, per call: refused, slowed, cut, lost, or held at a point until released."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from bot.rehearsal.aws.call import AwsError, Call

ANY = "*"
When = Literal["before", "after"]
_DENIED = {
    "sns": "AuthorizationError",
    "ec2": "UnauthorizedOperation",
    "s3": "AccessDenied",
    "cloudwatch": "AccessDenied",
    "iam": "AccessDenied",
    "sts": "AccessDenied",
    "route53": "AccessDenied",
    "elbv2": "AccessDenied",
    "rds": "AccessDenied",
    "autoscaling": "AccessDenied",
    "elasticache": "AccessDenied",
}
_THROTTLED = {"sns": "Throttled", "ec2": "RequestLimitExceeded", "s3": "SlowDown", "sqs": "RequestThrottled"}


class Cut(Exception):
    """The connection is to be dropped without an answer."""


def denied(service: str, why: str) -> AwsError:
    """As each service words it."""
    return AwsError(_DENIED.get(service, "AccessDeniedException"), why, 403)


def throttled(service: str) -> AwsError:
    """As each service words it."""
    return AwsError(_THROTTLED.get(service, "ThrottlingException"), "Rate exceeded")


@dataclass(eq=False)
class Fault:
    """`effect` raises `AwsError` or `Cut`, or waits. `times` None: until cleared."""

    service: str
    operation: str
    region: str
    when: When
    effect: Callable[[Call], Awaitable[None]]
    times: int | None = None

    def takes(self, call: Call, when: When) -> bool:
        wanted = ((self.service, call.service), (self.operation, call.operation), (self.region, call.region))
        return self.when == when and self.times != 0 and all(mine in {ANY, its} for mine, its in wanted)

    def clear(self) -> None:
        self.times = 0


class Hold:
    """A call that waits: `await hold.reached()`, look around, kill something, `hold.release()` or `hold.drop()`."""

    def __init__(self) -> None:
        self._reached: Future[Call] = Future()
        self._released: Future[None] = Future()

    async def reached(self, timeout: float = 10) -> Call:  # noqa: ASYNC109  # a test that waits for ever tells nothing
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._reached)), timeout)

    def release(self) -> None:
        if not self._released.done():
            self._released.set_result(None)

    def drop(self) -> None:
        """The call goes no further: held before its effect, it never reached AWS."""
        if not self._released.done():
            self._released.set_exception(Cut())

    async def wait(self, call: Call) -> None:
        if not self._reached.done():
            self._reached.set_result(call)
        await asyncio.shield(asyncio.wrap_future(self._released))


class Faults:
    """The faults in force. Each is matched by service, operation and region, `*` for any, and fires `times` times."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    async def apply(self, call: Call, when: When) -> None:
        """Raises what the faults of this moment say. All that match fire, oldest first."""
        self._faults = [fault for fault in self._faults if fault.times != 0]
        for fault in tuple(self._faults):
            if fault.takes(call, when):
                if fault.times is not None:
                    fault.times -= 1
                await fault.effect(call)

    def throttle(self, service: str, operation: str = ANY, region: str = ANY, times: int | None = None) -> Fault:
        async def effect(call: Call) -> None:
            raise throttled(call.service)

        return self._add(service, operation, region, "before", effect, times)

    def fail(
        self, service: str, operation: str = ANY, region: str = ANY, times: int | None = None, status: int = 500
    ) -> Fault:
        async def effect(_: Call) -> None:
            code = "ServiceUnavailable" if status == 503 else "InternalServerError"
            raise AwsError(code, "The service is broken on purpose.", status)

        return self._add(service, operation, region, "before", effect, times)

    def deny(self, service: str, operation: str = ANY, region: str = ANY, times: int | None = None) -> Fault:
        async def effect(call: Call) -> None:
            raise denied(call.service, f"User is not authorized to perform: {call.service}:{call.operation}")

        return self._add(service, operation, region, "before", effect, times)

    def delay(
        self, seconds: float, service: str, operation: str = ANY, region: str = ANY, times: int | None = None
    ) -> Fault:
        """Real seconds: a client's timeout is real too."""

        async def effect(_: Call) -> None:
            await asyncio.sleep(seconds)

        return self._add(service, operation, region, "before", effect, times)

    def cut(self, service: str = ANY, operation: str = ANY, region: str = ANY, times: int | None = None) -> Fault:
        """Drop the connection and do nothing: a region that cannot be reached."""
        return self._add(service, operation, region, "before", _cut, times)

    def lose_answer(self, service: str, operation: str = ANY, region: str = ANY, times: int | None = None) -> Fault:
        """Do it, and drop the connection before the answer: the caller cannot know."""
        return self._add(service, operation, region, "after", _cut, times)

    def hold(self, service: str, operation: str = ANY, region: str = ANY, when: When = "before") -> Hold:
        """Stop the next such call, before its effect or between its effect and its answer."""
        held = Hold()
        self._add(service, operation, region, when, held.wait, 1)
        return held

    def clear(self) -> None:
        self._faults.clear()

    def _add(
        self,
        service: str,
        operation: str,
        region: str,
        when: When,
        effect: Callable[[Call], Awaitable[None]],
        times: int | None,
    ) -> Fault:
        fault = Fault(service, operation, region, when, effect, times)
        self._faults.append(fault)
        return fault


async def _cut(_: Call) -> None:
    raise Cut
