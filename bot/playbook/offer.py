"""Which playbooks fit an incident, and why. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.errors import N_, Phrase, phrase
from bot.playbook.context import AlarmFacts, ServiceFacts
from bot.playbook.model import OfferWhen, Playbook


@dataclass(frozen=True)
class Offer:
    """A playbook for this incident. `why` names the most telling condition that held."""

    playbook: Playbook
    why: Phrase


def offers(playbooks: Mapping[str, Playbook], alarm: AlarmFacts | None, service: ServiceFacts | None) -> list[Offer]:
    """The playbooks whose conditions all hold: the one with most conditions first, then the smaller tier.

    Without an alarm only conditions on the service can hold. A playbook without `offer_when` is never offered.
    """
    found = []
    for name, playbook in playbooks.items():
        reasons = _reasons(playbook.offer_when, alarm, service) if playbook.offer_when else []
        if reasons and None not in reasons:
            found.append((-len(reasons), playbook.tier, name, playbook, reasons[0]))
    return [Offer(playbook, why) for *_, playbook, why in sorted(found, key=lambda one: one[:3]) if why]


def _reasons(when: OfferWhen, alarm: AlarmFacts | None, service: ServiceFacts | None) -> list[Phrase | None]:
    """One entry for each condition that is given, None for one that does not hold; the most telling first."""
    return [why if holds else None for holds, why in _conditions(when, alarm, service)]


def _conditions(
    when: OfferWhen, alarm: AlarmFacts | None, service: ServiceFacts | None
) -> Iterator[tuple[bool, Phrase]]:
    if when.alarm is not None:
        holds = alarm is not None and fnmatchcase(alarm.name, when.alarm)
        yield holds, phrase(N_("The alarm's name is like {pattern}."), pattern=when.alarm)
    if when.metric is not None:
        holds = alarm is not None and alarm.metric == when.metric
        yield holds, phrase(N_("The alarm watches {metric}."), metric=when.metric)
    if when.resource is not None:
        holds = alarm is not None and (alarm.resource or "").lower() == when.resource.lower()
        yield holds, phrase(N_("The alarm is about {resource}."), resource=when.resource)
    if when.namespace is not None:
        holds = alarm is not None and alarm.namespace == when.namespace
        yield holds, phrase(N_("The alarm is about {resource}."), resource=when.namespace)
    if when.service is not None:
        holds = service is not None and service.name == when.service
        yield holds, phrase(N_("It is made for the service {service}."), service=when.service)
    for tag, value in when.tags.items():
        holds = service is not None and service.tags.get(tag) == value
        yield holds, phrase(N_("The service is tagged {tag}: {value}."), tag=tag, value=value)
