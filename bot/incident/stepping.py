"""How a run goes on: what is ready starts, what came back is noted, and when nothing moves any more the run says so.

Everything here changes a `Walk` and nothing else; the verbs in `playbook_runs.py` open and close it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.errors import N_, LifeboatError, Phrase, phrase
from bot.incident import undoing
from bot.incident.renewing import renewal
from bot.incident.run import Step
from bot.incident.timeline import store
from bot.incident.walk import Walk
from bot.playbook import elements, graph, rendering
from bot.playbook.action import Asks, Done, Failed, Progress, Working
from bot.playbook.model import Step as Written
from bot.playbook.patience import next_try
from bot.playbook.stored import decode, encode

#: A call that would come long after the step's deadline comes now, to say so.
_JUST_AFTER = timedelta(milliseconds=10)


def go_on(walk: Walk) -> None:
    """Start what may start now; end the run, or hand it to a person, when nothing moves any more."""
    if walk.run.status == "undoing":
        undoing.go_on(walk)
    if walk.run.status != "running":
        return
    while _start_ready(walk) or _move_elements(walk):
        pass
    match graph.outcome(walk.playbook, walk.states):
        case "done":
            walk.end("succeeded")
            took = walk.now - (walk.run.started_at or walk.run.requested_at)
            what = phrase(N_("Playbook {name} succeeded after {took}."), name=walk.run.name, took=took)
            walk.note("run-succeeded", what)
        case "failed":
            walk.change(status="needs_person")
            what = phrase(N_("Playbook {name} needs a person: retry, skip or abort."), name=walk.run.name)
            walk.note("run-needs-person", what)


def reported(walk: Walk, row: Step, progress: Progress, *, acted: bool, transient: bool = False) -> None:
    """What a call of the running row returned. `transient`: the very same call may work later."""
    match progress:
        case Working():
            _working(walk, row, progress, acted=acted)
        case Asks():
            memory = {**row.memory, **encode(dict(progress.memory))}
            question = store(progress.question)
            walk.put(row, state="asking", acted=acted, answer=None, memory=memory, question=question, note=question)
            walk.note("step-asking", phrase(N_("Step {step} asks: {note}"), step=row.step, note=progress.question))
        case Done():
            output = encode(dict(progress.output))
            _over(walk, row, "finish", progress.note, acted=acted, output=output)
            if progress.until:
                walk.jobs.append(renewal(row, walk.run.incident, walk.now, progress.until))
        case Failed():
            if not _tried_again(walk, row, progress, acted=acted, transient=transient):
                _over(walk, row, "fail", progress.why, acted=acted, output=None)


def answered(walk: Walk, row: Step, word: str, by: str) -> None:
    """A person's word on what the action itself asked: its next call is `act`, which is told."""
    row = walk.put(row, state="running", answer=word, acted=False, question=None, decided_by=by)
    walk.step_job(row)


def _working(walk: Walk, row: Step, progress: Working, *, acted: bool) -> None:
    memory = {**row.memory, **encode(dict(progress.memory))}
    row = walk.put(row, acted=acted, answer=None, memory=memory, note=store(progress.note))
    walk.step_job(row, min(walk.now + progress.again_in, (row.deadline_at or walk.now) + _JUST_AFTER))


def _tried_again(walk: Walk, row: Step, failed: Failed, *, acted: bool, transient: bool) -> bool:
    """After a failure that the step is patient with: the same attempt again, or a new one when the action had failed."""
    rule = None if row.undoes else walk.playbook.step(row.written).retry
    wait = next_try(rule, failed.kind, row.retries, transient=transient)
    if wait is None or (row.deadline_at and walk.now + wait > row.deadline_at):
        return False
    note = store(phrase(N_("Trying again at {at}: {why}"), at=walk.now + wait, why=failed.why))
    row = walk.put(row, retries=row.retries + 1, note=note, acted=acted)
    if not transient:
        row = walk.put(row, attempt=row.attempt + 1, params=None, acted=False, memory={}, answer=None)
    walk.step_job(row, walk.now + wait)
    return True


def _over(walk: Walk, row: Step, event: graph.Event, note: Phrase, **more: Any) -> None:
    state = _becomes(walk, row, event)
    walk.put(row, state=state, note=store(note), ended_at=walk.now, question=None, **more)
    told = {"done": N_("Step {step}: {note}"), "skipped": N_("Step {step} failed, and nothing depends on it: {note}")}
    walk.note(f"step-{state}", phrase(told.get(state, N_("Step {step} failed: {note}")), step=row.step, note=note))


def _becomes(walk: Walk, row: Step, event: graph.Event) -> graph.StepState:
    if not row.is_element and not row.undoes:
        return graph.apply(walk.playbook, walk.states, row.step, event)[row.step]
    if event == "finish":
        return "done"
    return "skipped" if walk.playbook.step(row.written).best_effort and not row.undoes else "failed"


def _start_ready(walk: Walk) -> bool:
    ready = graph.ready(walk.playbook, walk.states)
    for id_ in ready:
        _start(walk, walk.playbook.step(id_))
    return bool(ready)


def _start(walk: Walk, written: Written) -> None:
    row = walk.rows[written.id]
    try:
        wanted = written.when is None or rendering.holds(written, walk.context, walk.values, walk.outputs)
    except LifeboatError as error:
        _cannot_start(walk, row, error)
        return
    state = graph.apply(walk.playbook, walk.states, written.id, "start" if wanted else "leave")[written.id]
    if state == "skipped":
        left = phrase(N_("Left out: its condition does not hold ({when})."), when=str(written.when))
        walk.put(row, state=state, note=store(left), ended_at=walk.now)
        walk.note("step-left-out", phrase(N_("Step {step}: {note}"), step=row.step, note=left))
    elif state == "asking":
        walk.put(row, state=state, attempt=row.attempt + 1, started_at=walk.now)
        walk.note("step-asking", phrase(N_("Step {step} waits for a person."), step=row.step))
    else:
        _run_it(walk, row, written)


def _run_it(walk: Walk, row: Step, written: Written) -> None:
    """Begin a step that is ready, after its question when it has one: one call, or its elements."""
    if written.for_each is None:
        walk.begin(row)
        return
    try:
        items = rendering.elements(written, walk.context, walk.values, walk.outputs)
    except LifeboatError as error:
        _cannot_start(walk, row, error)
        return
    attempt = row.attempt + (row.state != "asking")
    walk.put(row, state="running", attempt=attempt, started_at=walk.now, ended_at=None, note=None)
    for number, item in enumerate(items):
        name = elements.row(written.id, number)
        if name not in walk.rows:
            walk.put(Step(run=row.run, step=name, of=written.id, position=row.position, item=encode(item)))


def _cannot_start(walk: Walk, row: Step, error: LifeboatError) -> None:
    row = walk.put(row, state="running", attempt=row.attempt + 1, started_at=walk.now)
    _over(walk, row, "fail", error.phrase)


def _move_elements(walk: Walk) -> bool:
    """Start the next elements of every `for_each` that runs; end those that have none left."""
    moved = False
    for written in walk.playbook.steps:
        row = walk.rows[written.id]
        if written.for_each is None or row.state != "running":
            continue
        own = walk.elements(written.id)
        for number in elements.next_up(written.for_each, *_stand(own)):
            walk.begin(own[number])
            moved = True
        if ended := elements.outcome(written.for_each, *_stand(walk.elements(written.id))):
            _gather(walk, row, ended)
            moved = True
    return moved


def _stand(own: Sequence[Step]) -> tuple[list[graph.StepState], frozenset[int]]:
    """The states of the elements, and which of them a person has asked for again: they wait after an attempt."""
    retried = (number for number, element in enumerate(own) if element.state == "waiting" and element.attempt)
    return [element.state for element in own], frozenset(retried)


def _gather(walk: Walk, row: Step, ended: str) -> None:
    """All elements are over, or too many have failed: the step stands as they do."""
    own = walk.elements(row.step)
    done = [element for element in own if element.state == "done"]
    failed = [str(decode(element.item)) for element in own if element.state == "failed"]
    if ended == "done":
        items = [{**decode(dict(element.output or {})), "item": decode(element.item)} for element in done]
        note = phrase(N_("{done} of {count} are done."), done=len(done), count=len(own))
        _over(walk, row, "finish", note, output=encode({"items": items, "count": len(done)}))
        return
    what = N_("{done} of {count} are done; failed: {failed}. No further one starts: retry or skip those that failed.")
    _over(walk, row, "fail", phrase(what, done=len(done), count=len(own), failed=", ".join(failed)))


def pressed(walk: Walk, row: Step, event: graph.Event, by: str, reason: str) -> None:
    """A person's word on one row. Raises `Refused` when the row is not in a state for it."""
    if row.state == "asking" and row.question and event in {"yes", "no"}:
        answered(walk, row, event, by)
    elif row.state == "asking" and row.question:
        raise graph.not_now(row.step, row.state)
    elif row.undoes or row.is_element:
        _pressed_alone(walk, row, event, by, reason)
    else:
        _pressed_step(walk, row, event, by, reason)


def _pressed_alone(walk: Walk, row: Step, event: graph.Event, by: str, reason: str) -> None:
    """An element or an undo that failed: the step, or the whole taking back, goes on with it."""
    if row.state != "failed" or event not in {"retry", "skip"}:
        raise graph.not_now(row.step, row.state)
    if event == "skip":
        graph.needs_reason(row.step, reason)
        walk.put(row, state="skipped", decided_by=by, reason=reason, ended_at=walk.now)
    elif row.is_element:
        walk.put(row, state="waiting", decided_by=by)  # a batch is never exceeded
    else:
        walk.begin(walk.put(row, decided_by=by))
    if row.is_element and walk.rows[row.of].state == "failed":
        walk.put(walk.rows[row.of], state="running", ended_at=None)


def _pressed_step(walk: Walk, row: Step, event: graph.Event, by: str, reason: str) -> None:
    for step, state in graph.apply(walk.playbook, walk.states, row.step, event, reason).items():
        over = state in {"done", "skipped", "aborted"}
        changed = walk.put(walk.rows[step], state=state, decided_by=by, ended_at=walk.now if over else None)
        if step == row.step:
            walk.put(changed, reason=reason)
    written = walk.playbook.step(row.step)
    now = walk.rows[row.step]
    if event == "yes" and now.state == "running":
        walk.put(now, state="asking")  # its attempt has been counted when it asked
        _run_it(walk, walk.rows[row.step], written)
    if written.for_each and event in {"retry", "skip"}:
        _all_elements(walk, row, event, by, reason)


def _all_elements(walk: Walk, row: Step, event: graph.Event, by: str, reason: str) -> None:
    """Retry means those that failed; skip means all that are left."""
    own = walk.elements(row.step)
    if event == "retry" and own:
        walk.put(walk.rows[row.step], state="running", ended_at=None)
    for element in own:
        if event == "skip" and not element.over:
            walk.put(element, state="skipped", decided_by=by, reason=reason, ended_at=walk.now)
        elif event == "retry" and element.state == "failed":
            walk.put(element, state="waiting", decided_by=by)
