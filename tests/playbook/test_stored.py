import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from bot.errors import ActionFailed, Phrase, phrase
from bot.playbook.action import Call, Change, Done, Failed, StepPlan, Working
from bot.playbook.stored import dumps, encode, loads

AT = datetime(2026, 11, 23, 3, 40, tzinfo=UTC)
WHOLE = StepPlan(
    calls=(
        Call("dynamodb", "Restore", {"At": AT, "Key": b"\x00\xff", "N": Decimal("1.10"), "L": [1, [2]]}, "eu-west-1"),
    ),
    changes=(Change(Phrase("table {name}", {"name": Phrase("inner {n}", {"n": 1})}), None, "new"),),
    warnings=(Phrase("{left} left", {"left": timedelta(seconds=90)}),),
    foreseen={"table": "copy"},
)


@pytest.mark.parametrize(
    "value",
    [
        WHOLE,
        Working(Phrase("w"), timedelta(seconds=2.5), {"seen": 3}),
        Done(Phrase("d"), {"table": "copy"}),
        Failed(Phrase("f")),
        {"$": "a mapping with our own mark", "x": {"$": 1}},
        {1: "a", "b": None},
        [True, 1, 1.5, "x", None],
    ],
)
def test_what_is_stored_comes_back_the_same(value: Any) -> None:
    assert loads(dumps(value)) == value


def test_an_error_is_stored_as_its_phrase() -> None:
    assert loads(dumps({"why": ActionFailed(phrase("no {x}", x=1))})) == {"why": Phrase("no {x}", {"x": 1})}


def test_the_same_instant_in_two_zones_is_the_same_text() -> None:
    assert dumps(AT) == dumps(AT.astimezone(timezone(timedelta(hours=9))))


@pytest.mark.parametrize("value", [object(), {1, 2}, AT.replace(tzinfo=None), float("nan")])
def test_what_cannot_come_back_is_refused_when_it_is_stored(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        dumps(value)


def test_a_kind_of_a_later_version_is_not_taken_for_a_mapping() -> None:
    with pytest.raises(ValueError, match="later"):
        loads('{"$":"later"}')


def test_the_text_is_the_same_in_another_process_with_another_hash_seed() -> None:
    program = "from tests.playbook.test_stored import WHOLE\nfrom bot.playbook.stored import dumps\nprint(dumps(WHOLE))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ".", "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            check=True,
            encoding="utf-8",
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert texts == {dumps(WHOLE)}


def test_the_order_in_which_a_mapping_was_built_does_not_matter() -> None:
    assert dumps({"b": 1, "a": {"d": 1, "c": 2}}) == dumps({"a": {"c": 2, "d": 1}, "b": 1})


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(encode(WHOLE))) == encode(WHOLE)
