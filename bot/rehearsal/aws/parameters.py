"""SSM parameters that say when they were changed in the emulator's time: moto stamps them with the machine's clock."""

from collections.abc import Mapping

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend


class Parameters:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {("ssm", "PutParameter"): self._put}

    async def _put(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        if reply.ok:
            written = backend("ssm", call.region).get_parameter(call.parameters["Name"])
            written.last_modified_date = self._clock.now().replace(tzinfo=None)
        return reply
