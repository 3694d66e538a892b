from typing import Any

from bot.incident.run import Step as Row
from bot.language import Words
from bot.report.graph.nodes import Seen, nodes, seen
from tests.report.drawn import DIAMOND

EN = Words("en")


def row(name: str, state: Any, **more: Any) -> Row:
    return Row(run="r", step=name, position=0, state=state, **more)


def test_a_run_is_seen_by_step_with_its_elements_counted() -> None:
    rows = [
        row("look", "done", of="look"),
        row("evacuate", "running", of="evacuate"),
        *(row(f"evacuate[{n}]", state, of="evacuate") for n, state in enumerate(("done", "skipped", "running"))),
        row("dns", "waiting"),
    ]
    assert seen(rows) == {"look": Seen("done"), "evacuate": Seen("running", 2, 3), "dns": Seen("waiting")}


def test_an_undo_that_is_done_shows_on_its_step_and_one_that_failed_does_not() -> None:
    rows = [row("a", "done"), row("undo:a", "done", undoes="a"), row("b", "done"), row("undo:b", "failed", undoes="b")]
    assert seen(rows) == {"a": Seen("done", undone=True), "b": Seen("done")}


def test_one_element_that_was_taken_back_is_not_the_whole_step() -> None:
    elements = [row(f"a[{n}]", "done", of="a") for n in range(2)]
    one = [row("a", "done", of="a"), *elements, row("undo:a[0]", "done", undoes="a[0]", of="a")]
    assert not seen(one)["a"].undone
    assert seen([*one, row("undo:a[1]", "done", undoes="a[1]", of="a")])["a"].undone


def test_marks_begin_with_what_a_step_is_to_who_looks_on() -> None:
    found = nodes(DIAMOND, EN)
    assert found["look"].marks == ("looks",)
    assert found["evacuate"].marks[0] == "changes"
    assert found["dns"].marks == ("asks", "changes", "break-glass")
    assert found["tell"].marks == ("by hand",)
    assert found["evacuate"].marks_in_words.endswith("undo")


def test_a_step_without_a_title_is_called_by_its_id() -> None:
    assert nodes(DIAMOND, EN)["dns"].title == "dns"
