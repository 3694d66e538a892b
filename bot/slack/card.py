"""The card: the one message of an incident's channel that always shows how things stand. Pure.

The most important stands first and every line is short: it is read on a phone, at night. Nothing in it changes by
itself as time goes by (Slack shows the instants), so it is edited only when something has happened.
"""

from collections.abc import Iterator, Sequence

from bot.errors import N_
from bot.incident.alarm import Alarm
from bot.incident.correlate import AlarmRecord
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.incident.run import Run
from bot.incident.view import IncidentView
from bot.language import Words
from bot.slack.blocks import (
    Block,
    Message,
    Who,
    actions,
    bold,
    code,
    context,
    escape,
    flat,
    header,
    lines,
    listed,
    moment,
    section,
)
from bot.slack.clock_text import finish_line
from bot.slack.incident_buttons import incident_buttons
from bot.slack.limits import clip
from bot.slack.playbook_list import offer_block

#: More than these are counted, not shown.
_ALARMS, _PEOPLE, _RUNS, _OFFERS, _READINGS, _DIMENSIONS = 5, 12, 10, 6, 6, 8
_REASON = 400

LIGHTS = {"open": "🔴", "acknowledged": "🟡", "resolved": "🟢"}
_TIERS = {1: N_("tier 1, a component"), 2: N_("tier 2, a zone"), 3: N_("tier 3, a region")}
_PAGES = {
    "due": N_("⏳ {name}: being paged by {method}"),
    "sent": N_("📟 {name}: paged by {method}"),
    "acknowledged": N_("✅ {name}: answered"),
    "superseded": N_("☑️ {name}: paged, somebody else answered"),
    "failed": N_("❌ {name}: could not be reached"),
}
_METHODS = {
    "slack": N_("Slack"),
    "sms": N_("text message"),
    "email": N_("email"),
    "voice": N_("phone call"),
    "webhook": N_("webhook"),
}
_RUN_STATES = {
    "planning": N_("📝 {name}: being planned"),
    "planned": N_("📝 {name}: waits for approval"),
    "announced": N_("⏳ {name}: about to start by itself"),
    "running": N_("▶️ {name}: running"),
    "undoing": N_("↩️ {name}: being taken back"),
    "needs_person": N_("✋ {name}: needs a person"),
    "succeeded": N_("✅ {name}: succeeded"),
    "failed": N_("❌ {name}: failed"),
    "undone": N_("↩️ {name}: taken back"),
    "aborted": N_("⏹️ {name}: aborted"),
    "expired": N_("⌛ {name}: nobody approved it"),
    "refused": N_("🚫 {name}: cannot run"),
}


def card(view: IncidentView, _: Words, who: Who) -> Message:
    """The card for everybody in the channel; `who` gives the names of actors."""
    incident = view.incident
    blocks = [
        header(f"{LIGHTS[incident.status]} {incident.title}"),
        section(
            lines(
                state_line(incident, _, who),
                place_line(incident, _),
                clock_line(view, _),
                finish_line(view.prediction, incident, _),
            )
        ),
        *actions(*incident_buttons(incident, view.runs, _)),
        *_alarms(view.alarms, _),
        *_runs(view.runs, _),
        *_offers(view, _),
        *_people(view, _),
        context(_small_print(incident, _)),
    ]
    return Message(summary(incident, _, who), blocks)


def summary(incident: Incident, _: Words, who: Who) -> str:
    """The incident in one line, for notifications and lists."""
    title = escape(flat(clip(incident.title, 200)))
    return f"{LIGHTS[incident.status]} {title}: {state_line(incident, _, who)}"


def state_line(incident: Incident, _: Words, who: Who) -> str:
    """Open, acknowledged or resolved, and by whom."""
    if incident.resolved and incident.resolved_at:
        by, at = who(incident.resolved_by or "?"), moment(incident.resolved_at, _)
        said = _("Resolved by {name} at {at}.", name=by, at=at)
        return f"{said} {escape(flat(clip(incident.resolution, _REASON)))}".rstrip() if incident.resolution else said
    if incident.status == "acknowledged" and incident.acknowledged_at:
        by, at = who(incident.acknowledged_by or "?"), moment(incident.acknowledged_at, _)
        return _("Acknowledged by {name} at {at}.", name=by, at=at)
    if incident.exhausted:
        return _("Nobody has answered, and there is nobody left to page.")
    return _("Nobody has acknowledged it yet.")


def place_line(incident: Incident, _: Words) -> str:
    """What it is about and where: the service, the tier, the region."""
    parts = [bold(clip(incident.service or "", 80)), _(_TIERS[incident.tier]), code(clip(incident.region, 40))]
    return " · ".join(part for part in parts if part)


def clock_line(view: IncidentView, _: Words) -> str:
    """The promise: until when it must be over, or how long it took."""
    incident = view.incident
    deadline = incident.started_at + incident.rto
    if incident.resolved_at:
        took = incident.resolved_at - incident.started_at
        if took <= incident.rto:
            return _("⏱️ Recovered after {took}, within the target of {rto}.", took=took, rto=incident.rto)
        return _("⏱️ Recovered after {took}, past the target of {rto}.", took=took, rto=incident.rto)
    if view.now >= deadline:
        return _("⏱️ *Past the target* of {rto} since {at}.", rto=incident.rto, at=moment(deadline, _))
    return _("⏱️ Recover by {at}: the target is {rto}.", at=f"*{moment(deadline, _)}*", rto=incident.rto)


def _alarms(records: Sequence[AlarmRecord], _: Words) -> Iterator[Block]:
    for record in records[:_ALARMS]:
        yield section(_alarm(record, _))
    if len(records) > _ALARMS:
        yield context(_("and {count} more alarms", count=len(records) - _ALARMS))


def _alarm(record: AlarmRecord, _: Words) -> str:
    alarm = record.latest
    if record.state == "alarm" or not record.cleared_at:
        state = _("in alarm since {at}", at=moment(record.first_at, _))
    else:
        state = _("OK since {at}", at=moment(record.cleared_at, _))
    times = _("raised {count} times", count=record.count) if record.count > 1 else ""
    return lines(
        " · ".join(part for part in ("🔔 " + bold(clip(alarm.name, 200)), state, times) if part),
        _reading(alarm, _),
        *(escape(flat(clip(said, _REASON))) for said in says(alarm, _)),
        _dimensions(alarm),
        _("Suppressed by {name}", name=code(clip(alarm.suppressed_by, 200))) if alarm.suppressed_by else "",
    )


def says(alarm: Alarm, _: Words) -> list[str]:
    """Our own word about the alarm, where there is one, and what it says itself, unless that is the same in English."""
    if alarm.note is None:
        return [alarm.reason] if alarm.reason else []
    note = _.phrase(alarm.note)
    return [note, alarm.reason] if alarm.reason not in {"", str(alarm.note)} else [note]


_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": "≥", "GreaterThanThreshold": ">", "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}  # fmt: skip


def _reading(alarm: Alarm, _: Words) -> str:
    """`ReadThrottleEvents` 12, 9, 7 (threshold ≥ 5)."""
    values = ", ".join(f"{reading:g}" for reading in alarm.readings[:_READINGS])
    threshold = ""
    if alarm.threshold is not None:
        sign = _COMPARISONS.get(alarm.comparison, "")
        threshold = escape(_("(threshold {threshold})", threshold=f"{sign} {alarm.threshold:g}".strip()))
    metric = code(clip(alarm.metric, 200))
    return " ".join(part for part in (metric, values, threshold) if part) if metric or values else ""


def _dimensions(alarm: Alarm) -> str:
    pairs = [code(clip(f"{name}={value}", 120)) for name, value in alarm.dimensions.items()]
    return " ".join(pairs[:_DIMENSIONS]) + (" …" if len(pairs) > _DIMENSIONS else "")


def _people(view: IncidentView, _: Words) -> Iterator[Block]:
    """Who was paged, how, and what became of it; the latest page of each person."""
    latest = {page.person.key: page for page in view.pages}
    if latest:
        yield section(listed([page_line(page, _) for page in latest.values()], _PEOPLE, _))
    if view.incident.exhausted and not view.incident.resolved:
        yield section(_("⚠️ The escalation policy has come to its end. Page somebody with `/dr page`."))


def page_line(page: Page, _: Words) -> str:
    """One page in one line."""
    contacts = page.person.contacts
    method = contacts[page.contact].method if page.contact < len(contacts) else ""
    named = _(_METHODS[method]) if method in _METHODS else method
    return _(_PAGES[page.status], name=escape(flat(clip(page.person.name, 80))), method=named)


def run_line(run: Run, _: Words) -> str:
    """One run in one line."""
    return _(_RUN_STATES[run.status], name=code(run.name))


def _runs(runs: Sequence[Run], _: Words) -> Iterator[Block]:
    if runs:
        latest_first = sorted(runs, key=lambda run: (run.requested_at, run.id), reverse=True)
        yield section(listed([run_line(run, _) for run in latest_first], _RUNS, _))


def _offers(view: IncidentView, _: Words) -> Iterator[Block]:
    """The playbooks that fit, each with its reason and the button that opens its form."""
    if view.incident.resolved:
        return
    for offer in view.offers[:_OFFERS]:
        yield offer_block(view.incident, offer, _)


def _small_print(incident: Incident, _: Words) -> str:
    said = [_("Incident {id}, since {at}.", id=code(incident.id), at=moment(incident.started_at, _, "day"))]
    said.append(_("Data loss target (RPO): {rpo}.", rpo=incident.rpo))
    if incident.channel_problem and not incident.own_channel:
        said.append(_("Slack made no channel for it ({problem}).", problem=code(clip(incident.channel_problem, 80))))
    return " ".join(said)
