"""Is the region really failing? Signals that do not depend on one another: an alarm, the service itself, our own survey."""

from collections.abc import Iterator

from bot.aws.http import Answers, Question, Url
from bot.aws.region.healthy_again import alarms
from bot.aws.region.known import MISSED, region_key
from bot.aws.region.losses import aged
from bot.aws.region.points import Point, green, red
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Failed, Working

#: Fewer may be a mistake of whoever watches.
ENOUGH = 2


def point(aws: Aws, attempt: Attempt, failing: str, alarm: str, witnesses: tuple[str, ...], probe: Url | None) -> Point:
    """Red with fewer than two signals: then a failover may be the greater harm."""
    found = [
        *_alarm(alarm),
        *_witnesses(aws, witnesses),
        *_probe(aws, attempt, probe),
        *_silence(attempt, failing, aws),
    ]
    fields = {f"signal{number}": one for number, one in enumerate(found)}
    said = Phrase("; ".join(f"{{{name}}}" for name in fields) or "-", fields)
    if len(found) >= ENOUGH:
        return green("signals", phrase(N_("{count} independent signals: {said}."), count=len(found), said=said))
    what = N_("only {count} of {needed} independent signals say that {region} fails: {said}.")
    return red("signals", phrase(what, count=len(found), needed=ENOUGH, region=failing, said=said))


def _alarm(alarm: str) -> Iterator[Phrase]:
    if alarm:
        yield phrase(N_("alarm {alarm}"), alarm=alarm)


def _witnesses(aws: Aws, names: tuple[str, ...]) -> Iterator[Phrase]:
    """Alarms in the standby region that watch the other one from outside."""
    if not names:
        return
    for name, (state, _) in alarms(aws, names).items():
        if state == "ALARM":
            yield phrase(N_("alarm {alarm} in {region}"), alarm=name, region=aws.region)


def _probe(aws: Aws, attempt: Attempt, probe: Url | None) -> Iterator[Phrase]:
    """The service as its customers ask it."""
    if probe is None:
        return
    match Answers().look(Question(url=probe, times=1), aws, attempt):
        case Working(note=problem) | Failed(why=problem):
            yield problem


def _silence(attempt: Attempt, failing: str, aws: Aws) -> Iterator[Phrase]:
    """It has stopped answering our survey, while the region that we act in goes on doing so."""
    theirs, ours = attempt.known.get(region_key(failing)), attempt.known.get(region_key(aws.region))
    if theirs is None or ours is None:
        return
    if attempt.now - theirs.seen_at > MISSED >= attempt.now - ours.seen_at:
        what = N_("{region} has not answered our survey for {age}")
        yield phrase(what, region=failing, age=aged(attempt, theirs.seen_at))
