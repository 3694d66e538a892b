"""Can the stated RTO and RPO be kept: by the deadlines of the steps, and by what the mechanisms honestly give?"""

from collections.abc import Iterator
from datetime import timedelta
from math import ceil

from bot.errors import N_, BadFile, Phrase, phrase
from bot.playbook.lint.paths import longest
from bot.playbook.lint.place import Book
from bot.playbook.model import Step
from escalation.duration import format_duration


def targets(book: Book) -> Iterator[BadFile]:
    """A promise that may be missed says why, to whoever approves it: one caveat is enough, so one message too."""
    if book.playbook.targets.caveat:
        return
    todo = phrase(N_("Correct the targets, or add targets.caveat: {{en: …, ko: …}} that says when they are missed."))
    for field, what in _broken(book):
        yield book.document.problem(("targets", field), what, todo)
        return


def _broken(book: Book) -> Iterator[tuple[str, Phrase]]:
    yield from _by_deadlines(book)
    for step in book.playbook.steps:
        yield from _by_figures(book, step)


def _by_deadlines(book: Book) -> Iterator[tuple[str, Phrase]]:
    promised = book.playbook.targets.rto
    parts = {step.id: _limit(step) for step in book.playbook.steps}
    way = [id_ for id_ in longest(book.playbook, parts.__getitem__) if parts[id_]]
    total = sum((parts[id_] for id_ in way), timedelta())
    if total > promised:
        arithmetic = " + ".join(f"{id_} {format_duration(parts[id_])}" for id_ in way)
        what = N_("the deadlines allow {arithmetic} = {total}, more than the RTO of {rto}.")
        fields = {"arithmetic": arithmetic, "total": format_duration(total), "rto": format_duration(promised)}
        yield "rto", phrase(what, **fields)


def _by_figures(book: Book, step: Step) -> Iterator[tuple[str, Phrase]]:
    facts, promised = book.tables.facts(step), book.playbook.targets
    figures = facts.recovers if facts else None
    if facts is None or figures is None:
        return
    where = {"action": facts.name, "step": step.id}
    rpo, rto = format_duration(promised.rpo), format_duration(promised.rto)
    if figures.rpo > promised.rpo:
        what = N_("{action} (step {step}) may lose {loses} of data, more than the RPO of {rpo}.")
        yield "rpo", phrase(what, loses=format_duration(figures.rpo), rpo=rpo, **where)
    if figures.rto is None:
        yield "rto", phrase(N_("AWS promises no time for {action} (step {step}); the RTO is {rto}."), rto=rto, **where)
    elif figures.rto > promised.rto:
        what = N_("{action} (step {step}) usually takes {takes}, more than the RTO of {rto}.")
        yield "rto", phrase(what, takes=format_duration(figures.rto), rto=rto, **where)


def _limit(step: Step) -> timedelta:
    """How long a step may take: every batch of a list that is written out, one where only the run will know."""
    limit, rule = step.time_limit or timedelta(), step.for_each
    rounds = ceil(len(rule.items) / rule.batch) if rule and isinstance(rule.items, tuple) else 1
    return limit * rounds
