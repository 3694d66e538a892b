"""May a playbook start without a person? Decisions, each with its reason; `automatic.py` acts on them.

Everything here fails closed: what is not surely allowed is not done, and people are paged in any case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.config import Config
from bot.errors import N_, Phrase, phrase
from bot.incident.correlate import AlarmRecord
from bot.incident.incident import Incident
from bot.incident.ports import Switch, Tx
from bot.incident.run import Run
from bot.incident.signals import about_one_thing, agreed_at, since
from bot.jobs import CONSIDER, DRAW_RUN, RUN_TIMER, SAY, NewJob
from bot.playbook.context import AlarmFacts
from bot.playbook.model import Automatic as Rule
from bot.playbook.model import Playbook

HOUR = timedelta(hours=1)
#: Slack has so long to take the announcement; what begins much later than its alarms is no help, and surprises people.
ANNOUNCED_WITHIN = timedelta(minutes=5)
#: A run of this tier is never automatic, whatever its playbook says.
_REGION = 3


@dataclass(frozen=True)
class Situation:
    """What the decision depends on, as one transaction saw it.

    `raised`: the alarms that are on about the same thing, over all open incidents. `unfinished`: other runs that are not
    over. `automatic`: other runs that started by themselves, of the last hour and as old as these incidents.
    """

    now: datetime
    config: Config
    incident: Incident
    playbook: Playbook
    raised: Sequence[AlarmRecord]
    unfinished: Sequence[Run]
    automatic: Sequence[Run]
    stop: Switch | None = None
    freeze: Switch | None = None

    @property
    def rule(self) -> Rule:
        assert self.playbook.automatic is not None
        return self.playbook.automatic

    @property
    def incidents(self) -> frozenset[str]:
        """The open incidents that are about the same thing."""
        return frozenset({self.incident.id, *(record.incident for record in self.raised if record.incident)})

    def same_target(self, run: Run) -> bool:
        """Whether a run was started for the same thing: the same service, or the same resource without one."""
        if run.incident in self.incidents:
            return True
        facts = run.context.get("incident") or {}
        if service := self.incident.service:
            return bool(facts.get("service") == service)
        theirs, ours = run.context.get("alarm"), self.incident.alarm
        return bool(theirs and ours and about_one_thing(AlarmFacts.model_validate(theirs), ours))


def may_be_automatic(playbook: Playbook) -> bool:
    """Whether the playbook may start without a person at all. One of tier 3 never may, whatever it says."""
    return playbook.automatic is not None and playbook.tier < _REGION


def soonest(config: Config, playbooks: Mapping[str, Playbook]) -> timedelta | None:
    """After how long an alarm is steady enough for the least patient playbook; None: nothing may start by itself."""
    rules = [one.automatic for one in playbooks.values() if may_be_automatic(one) and one.automatic]
    return min((rule.steady_for for rule in rules), default=None) if config.automatic.enabled else None


def consider(incident: Incident, record: AlarmRecord, steady_for: timedelta) -> NewJob:
    """Look at the incident, and all that is about the same thing, once its alarm has been on for so long."""
    return look_again({"incident": incident.id, "service": incident.service}, since(record) + steady_for)


def look_again(payload: Mapping[str, str | None], at: datetime) -> NewJob:
    """One job for everything that is about one service: a storm of its alarms is one question."""
    about = f"service:{payload['service']}" if payload["service"] is not None else f"incident:{payload['incident']}"
    return NewJob(CONSIDER, payload, at, key=f"consider:{about}")


async def why_not(tx: Tx, config: Config, run: Run) -> Phrase | None:
    """Why an announced run must not begin now; None: it may. Everything is judged again, and that it was announced."""
    playbook = Playbook.model_validate(run.playbook)
    found = refusal(await situation(tx, config, await tx.incidents.get(run.incident), playbook, run))
    if found is None and run.starts_at is None:
        return phrase(N_("It could not be announced in Slack, so nobody could have stopped it."))
    return found


def announcing(run: Run, now: datetime) -> tuple[NewJob, ...]:
    """What follows from an automatic run's plan: it is announced; unless that succeeds soon, it is called off."""
    return (
        NewJob(SAY, {"incident": run.incident, "what": f"automatic:{run.id}"}, key=f"say:automatic:{run.id}"),
        NewJob(RUN_TIMER, {"run": run.id, "what": "start"}, now + ANNOUNCED_WITHIN),
    )


async def announced(tx: Tx, run_id: str) -> None:
    """The announcement is in the channel: from now on there is time to stop the run. Twice does no harm."""
    run = await tx.runs.get(run_id)
    if run.status != "announced" or run.starts_at is not None:
        return
    rule = Playbook.model_validate(run.playbook).automatic or Rule()
    starts_at = tx.now + rule.announce
    await tx.runs.save(run.model_copy(update={"starts_at": starts_at}))
    await tx.jobs.add(
        NewJob(RUN_TIMER, {"run": run.id, "what": "start"}, starts_at),
        NewJob(DRAW_RUN, {"run": run.id}, key=f"run:{run.id}"),
    )


def over(run: Run) -> tuple[NewJob, ...]:
    """What follows from the end of a run: the channel is told, if nobody had asked for the run."""
    if not run.automatic:
        return ()
    return (NewJob(SAY, {"incident": run.incident, "what": f"automatic-over:{run.id}:{run.status}"}),)


async def situation(
    tx: Tx, config: Config, incident: Incident, playbook: Playbook, run: Run | None = None,
    raised: Sequence[AlarmRecord] | None = None,
) -> Situation:  # fmt: skip
    """Read what the decision depends on. `run`: the one it is about, once there is one."""
    if raised is None:
        raised = same_subject(incident, await tx.incidents.raised_in([incident.service]))
    oldest = min((tx.now - HOUR, incident.started_at, *(record.first_at for record in raised)))
    own = run.id if run else ""
    switches = await tx.switches.all()
    return Situation(
        tx.now, config, incident, playbook, raised,
        unfinished=[other for other in await tx.runs.unfinished() if other.id != own],
        automatic=[other for other in await tx.runs.automatic_since(oldest) if other.id != own],
        stop=switches.get("stop"), freeze=switches.get("freeze"),
    )  # fmt: skip


def same_subject(incident: Incident, raised: Sequence[AlarmRecord]) -> list[AlarmRecord]:
    """Those of the alarms of the incident's service that are about the same thing: all, or without a service the same resource."""
    if incident.service is not None:
        return list(raised)
    alarm = incident.alarm
    return [record for record in raised if alarm and about_one_thing(record.latest, alarm)]


def refusal(at: Situation) -> Phrase | None:
    """Why the playbook may not start by itself now; None: it may."""
    return next((why for rule in _RULES if (why := rule(at))), None)


def _allowed(at: Situation) -> Phrase | None:
    if not at.config.automatic.enabled:
        return phrase(N_("lifeboat.yaml does not allow playbooks to start by themselves."))
    if at.playbook.tier >= _REGION:
        return phrase(N_("A playbook of tier 3 never starts by itself."))
    if at.playbook.automatic is None:
        return phrase(N_("The playbook does not say that it may start by itself."))
    return None


def _stopped(at: Situation) -> Phrase | None:
    if at.stop is None:
        return None
    return phrase(N_("{who} has stopped automatic runs (/dr stop)."), who=at.stop.by.removeprefix("cli:"))


def _frozen(at: Situation) -> Phrase | None:
    until, reason = frozen_until(at.config, at.freeze, at.now)
    if until is None:
        return None
    if reason:
        return phrase(N_("A maintenance freeze lasts until {until}: {reason}"), until=until, reason=reason)
    return phrase(N_("A maintenance freeze lasts until {until}."), until=until)


def _incident_wants_it(at: Situation) -> Phrase | None:
    if at.incident.resolved:
        return phrase(N_("The incident is already resolved."))
    if at.incident.channel is None:
        return phrase(N_("The incident has no Slack channel in which it could be announced."))
    return None


def _nobody_is_at_it(at: Situation) -> Phrase | None:
    run = next((run for run in at.unfinished if at.same_target(run)), None)
    if run is None:
        return None
    return phrase(N_("Run {id} of playbook {name} is not over yet."), id=run.id, name=run.name)


def _not_twice(at: Situation) -> Phrase | None:
    same = (run for run in at.automatic if run.name == at.playbook.name)
    if any(run.incident in at.incidents for run in same):
        return phrase(N_("It has started by itself for this already; another time is for a person to decide."))
    return None


def _within_caps(at: Situation) -> Phrase | None:
    """What was called off before it began has not cost anything."""
    latest = [run for run in at.automatic if at.now - run.requested_at < HOUR and (run.started_at or not run.ended)]
    same = [run for run in latest if run.name == at.playbook.name and at.same_target(run)]
    what = N_("{count} automatic runs in an hour are the most that {where} allows.")
    if len(same) >= at.rule.per_hour:
        return phrase(what, count=at.rule.per_hour, where=phrase(N_("the playbook")))
    if len(latest) >= at.config.automatic.per_hour:
        return phrase(what, count=at.config.automatic.per_hour, where="lifeboat.yaml")
    return None


def _signals_agree(at: Situation) -> Phrase | None:
    agreed = agreed_at(at.raised, at.rule.signals, at.rule.steady_for)
    if agreed is None:
        return phrase(N_("Fewer than {count} independent alarms are on."), count=at.rule.signals)
    if agreed > at.now:
        what = N_("Fewer than {count} independent alarms have been on for {steady_for} without a break.")
        return phrase(what, count=at.rule.signals, steady_for=at.rule.steady_for)
    return None


#: In the order in which a person would ask: may it at all, may it now, and is there reason to.
_RULES: Sequence[Callable[[Situation], Phrase | None]] = (
    _allowed, _stopped, _frozen, _incident_wants_it, _nobody_is_at_it, _not_twice, _within_caps, _signals_agree,
)  # fmt: skip


def frozen_until(config: Config, freeze: Switch | None, now: datetime) -> tuple[datetime | None, str]:
    """Until when nothing starts by itself, by hand or by lifeboat.yaml, and why; None: it is not frozen."""
    spans = [(window.open_until(now, config.zone), window.reason) for window in config.automatic.freeze]
    if freeze and freeze.until:
        spans.append((freeze.until if now < freeze.until else None, freeze.reason))
    open_ones = [(until, reason) for until, reason in spans if until]
    return max(open_ones, key=lambda span: span[0], default=(None, ""))
