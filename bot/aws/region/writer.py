"""`region.writer`: which region writes, as its own parameter says, and since when."""

from datetime import timedelta
from typing import Annotated, ClassVar

from bot.aws.region.fence import NOBODY, read
from bot.aws.ssm import PARAMETERS, ParameterName
from bot.errors import N_, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, check


class Expected(Params):
    """`flag`: as `region.fence` writes it; `writer`: the region that it must name."""

    flag: ParameterName
    writer: Annotated[str, InputType("region")]


@check(
    "region.writer",
    Expected,
    permissions=("ssm:GetParameter",),
    calls=("ssm:GetParameter",),
    resources={"ssm:GetParameter": PARAMETERS},
    outputs={"writer": "str", "since": "time"},
    takes=timedelta(seconds=2),
)
class Writer:
    """Holds when the parameter names the region."""

    facts: ClassVar[Facts]

    def look(self, params: Expected, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        found = read(aws, params.flag)
        fields = {"flag": params.flag, "region": aws.region, "value": found["Value"], "writer": params.writer}
        if found["Value"] == params.writer:
            since = found["LastModifiedDate"]
            note = phrase(N_("{flag} in {region} says that {writer} writes, since {since}."), since=since, **fields)
            return Done(note, {"writer": found["Value"], "since": since.isoformat()})
        if found["Value"] == NOBODY:
            what = N_(
                "{flag} in {region} says that nobody may write: something has begun and has not ended. Find the run."
            )
            return Failed(phrase(what, **fields))
        what = N_("{flag} in {region} says that {value} writes, not {writer}. Correct the regions of this run.")
        return Failed(phrase(what, **fields))
