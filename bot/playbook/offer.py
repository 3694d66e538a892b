"""Which playbooks fit an incident, in which order, and why. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase

from bot.errors import N_, Phrase, phrase
from bot.playbook.about import about
from bot.playbook.context import AlarmFacts, ServiceFacts
from bot.playbook.model import OfferWhen, Playbook


@dataclass(frozen=True)
class Experience:
    """What is known of a playbook from before: of `tried` runs that began, so many `worked`; how long it usually takes."""

    worked: int = 0
    tried: int = 0
    usual: timedelta | None = None

    @property
    def rate(self) -> float:
        """How often it works. Few runs say little, so they are pulled to the middle (Laplace's rule of succession)."""
        return (self.worked + 1) / (self.tried + 2)


@dataclass(frozen=True)
class Offer:
    """A playbook for this incident. `conditions` that held, the most telling first."""

    playbook: Playbook
    conditions: tuple[Phrase, ...]
    experience: Experience = Experience()

    @property
    def why(self) -> Phrase:
        """The reason in one line: "matches DynamoDB in this alarm; worked 4 of 5 times; about 14 min"."""
        known = self.experience
        fields = {"condition": self.conditions[0], "worked": known.worked, "tried": known.tried}
        match known.tried > 0, known.usual:
            case True, timedelta() as usual:
                said = N_("{condition}; worked {worked} of {tried} times; about {length}")
                return Phrase(said, {**fields, "length": about(usual)})
            case True, None:
                return Phrase(N_("{condition}; worked {worked} of {tried} times"), fields)
            case False, timedelta() as usual:
                said = N_("{condition}; never run here; about {length}")
                return Phrase(said, {**fields, "length": about(usual)})
        return Phrase(N_("{condition}; never run here"), fields)


def fitting(
    playbooks: Mapping[str, Playbook], alarm: AlarmFacts | None, service: ServiceFacts | None
) -> dict[str, Offer]:
    """The playbooks whose conditions all hold, by name, in no order.

    Without an alarm only conditions on the service can hold. A playbook without `offer_when` is never offered.
    """
    found = {}
    for name, playbook in playbooks.items():
        held = _held(playbook.offer_when, alarm, service) if playbook.offer_when else ()
        if held:
            found[name] = Offer(playbook, held)
    return found


def ranked(offers: Iterable[Offer]) -> list[Offer]:
    """Best first: most conditions, then how often it worked, then the smaller tier, then by name."""
    return sorted(offers, key=_rank)


def _rank(offer: Offer) -> tuple[int, float, int, str]:
    return -len(offer.conditions), -offer.experience.rate, offer.playbook.tier, offer.playbook.name


def _held(when: OfferWhen, alarm: AlarmFacts | None, service: ServiceFacts | None) -> tuple[Phrase, ...]:
    """Every condition that is given, the most telling first; none unless all of them hold."""
    conditions = list(_conditions(when, alarm, service))
    return tuple(why for _, why in conditions) if all(holds for holds, _ in conditions) else ()


def _conditions(
    when: OfferWhen, alarm: AlarmFacts | None, service: ServiceFacts | None
) -> Iterator[tuple[bool, Phrase]]:
    if when.alarm is not None:
        holds = alarm is not None and fnmatchcase(alarm.name, when.alarm)
        yield holds, phrase(N_("matches this alarm's name ({pattern})"), pattern=when.alarm)
    if when.metric is not None:
        holds = alarm is not None and alarm.metric == when.metric
        yield holds, phrase(N_("matches the metric {metric} of this alarm"), metric=when.metric)
    if when.resource is not None:
        holds = alarm is not None and (alarm.resource or "").lower() == when.resource.lower()
        yield holds, phrase(N_("matches {resource} in this alarm"), resource=_service_name(when.resource))
    if when.namespace is not None:
        holds = alarm is not None and alarm.namespace == when.namespace
        yield holds, phrase(N_("matches {resource} in this alarm"), resource=when.namespace)
    if when.service is not None:
        holds = service is not None and service.name == when.service
        yield holds, phrase(N_("is made for the service {service}"), service=when.service)
    for tag, value in when.tags.items():
        holds = service is not None and service.tags.get(tag) == value
        yield holds, phrase(N_("fits services tagged {tag}: {value}"), tag=tag, value=value)


def _service_name(resource: str) -> str:
    """As AWS writes the names of its services; a short word that we do not know is an abbreviation."""
    return _WRITTEN.get(resource.lower(), resource.upper() if len(resource) <= 4 else resource)


_WRITTEN = {"dynamodb": "DynamoDB", "lambda": "Lambda", "elbv2": "ELB", "route53": "Route 53", "aurora": "Aurora"}
