"""Does a regional failover depend on what is failing?

Its region, a control plane that exists once for all regions, a lookup that must be made when it matters: the rules for
playbooks of tier 3, and for the fields that only they need.
"""

from collections.abc import Iterator

from bot.errors import N_, BadFile, phrase
from bot.playbook.lint import names
from bot.playbook.lint.conditions import region_problems
from bot.playbook.lint.place import Book, Place
from bot.playbook.model import Step
from bot.playbook.template import is_template, references

#: What `regions.failing` says when both are healthy.
NONE = "none"


def playbook(book: Book) -> Iterator[BadFile]:
    """It says which region acts and which is failing, and they are two."""
    regions, document = book.playbook.regions, book.document
    if regions is None:
        if book.playbook.tier == 3:
            what = phrase(N_("a playbook of tier 3 says where it acts and which region is failing."))
            todo = phrase(N_("Add regions: {{acting: …, failing: …}}; failing: none when both are healthy."))
            yield document.problem(("tier",), what, todo)
        return
    for field in ("acting", "failing"):
        path, value = ("regions", field), getattr(regions, field)
        bad = list(names.before_the_run(document, path, value, book.playbook.inputs))
        if field == "acting" or value != NONE:
            bad = bad or list(region_problems(book, None, path))
        yield from bad
    if _same(regions.acting, regions.failing):
        what = phrase(N_("the playbook would act in the region that is failing."))
        yield document.problem(("regions", "acting"), what, phrase(N_("Let it act in the other region.")))


def step(place: Place) -> Iterator[BadFile]:
    """One step of a failover: it depends on nothing that is failing."""
    facts = place.facts
    if facts is None:
        return
    is_global = facts.plane == "global-control"
    if place.step.break_glass and not is_global:
        yield _useless(place)
    if place.playbook.tier != 3:
        return
    kind = "action" if place.step.action else "check"
    if is_global and not place.step.break_glass:
        what = phrase(N_("{action} depends on a control plane that all regions share."), action=facts.name)
        todo = phrase(N_("Use the data plane instead, or add break_glass: true; a person must then allow it."))
        yield place.problem((kind,), what, todo)
    elif facts.looks_up:
        what = phrase(N_("{action} looks something up in AWS while a region is failing."), action=facts.name)
        todo = phrase(N_("Write down what it would find as an input or a parameter of the service."))
        yield place.problem((kind,), what, todo)
    yield from _elsewhere(place)


def best_effort(place: Place) -> Iterator[BadFile]:
    """What may fail without holding anything up gives nothing that another step needs."""
    if not place.step.best_effort:
        return
    names_ = {place.step.id, place.step.id.replace("-", "_")}
    for other in place.playbook.steps:
        if other.id != place.step.id and names_ & {used[1] for used in _all_used(other) if used[0] == "steps"}:
            what = phrase(N_("step {step} needs what this one gives, and it may fail."), step=other.id)
            todo = phrase(N_("Remove best_effort, or do without its outputs."))
            yield place.problem(("best_effort",), what, todo, at_key=True)
            return


def _elsewhere(place: Place) -> Iterator[BadFile]:
    """No step calls the failing region, unless its failure holds up nothing."""
    regions = place.playbook.regions
    if regions is None or place.step.best_effort:
        return
    said = {("region",): place.step.region, ("with", "region"): place.step.parameters.get("region")}
    for below, region in said.items():
        if isinstance(region, str) and _same(region, regions.failing):
            what = phrase(N_("step {step} would call the region that is failing."), step=place.step.id)
            todo = phrase(N_("Let it act in another region, or add best_effort: true."))
            yield place.problem(below, what, todo)


def _useless(place: Place) -> BadFile:
    what = phrase(N_("does nothing: the step depends on no control plane that all regions share."))
    return place.problem(("break_glass",), what, phrase(N_("Remove it.")), at_key=True)


def _same(one: str, other: str) -> bool:
    """The same region as far as the text tells: spaces in a template do not matter."""
    return other != NONE and "".join(one.split()) == "".join(other.split())


def _all_used(step: Step) -> set[tuple[str, ...]]:
    """Every dotted name in a step's templates."""
    values = (
        step.parameters, step.when, step.region, step.for_each and step.for_each.items, step.undo and step.undo.parameters,
        *(text and [text.en, text.ko] for text in (step.ask, step.manual)),
    )  # fmt: skip
    return {name for value in values if is_template(value) for name in references(value) if len(name) > 1}
