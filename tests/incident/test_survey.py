"""Which services are surveyed, when, and what becomes of the answers."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar

import pytest

from bot.config import Config
from bot.incident.survey import Answers, Subject, Survey, subjects
from bot.playbook.action import Memo
from tests.support.core import Core

Result = TypeVar("Result")
BOTH = {"home_region": "us-east-1", "standby_region": "us-west-2"}


async def pool(work: Callable[[], Result]) -> Result:
    return work()


class Asked:
    """AWS, as the survey hears it."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        self.answers = list(answers)
        self.before: Mapping[str, Memo] = {}
        self.but: Collection[str] = ()

    def __call__(
        self, subjects: tuple[Subject, ...], before: Mapping[str, Memo], now: datetime, but: Collection[str]
    ) -> Answers:
        assert subjects
        self.before, self.but = before, but
        return Answers(self.answers.pop(0), {"shop: tables (us-west-2)": "denied"})


def config(**parameters: str) -> Config:
    return Config.model_validate({"services": {"shop": {"parameters": parameters}, "other": {}}})


async def noted(core: Core, record: Callable[[Any], Awaitable[None]]) -> Mapping[str, Memo]:
    async with core.store.begin() as tx:
        await record(tx)
    async with core.store.begin() as tx:
        return dict(await tx.known.recall([""]))


def test_a_service_with_a_standby_region_is_surveyed_and_no_other() -> None:
    [found] = subjects(config(**BOTH, ecs_services="shop/web, shop/api", tables="orders", db_global="shop-global"))
    assert (found.name, found.services, found.tables) == ("shop", ("shop/web", "shop/api"), ("orders",))
    assert list(subjects(config())) == []
    assert list(subjects(config(home_region="us-west-2", standby_region="us-west-2"))) == []


async def test_what_aws_says_is_noted_and_what_it_does_not_say_is_kept(core: Core) -> None:
    asked = Asked({"a": {"n": 1}, "b": {"n": 1}}, {"a": {"n": 2}})
    survey = Survey(core.store, config(**BOTH), asked, pool)
    await noted(core, await survey.once())
    known = await noted(core, await survey.once())
    assert {key: memo.value["n"] for key, memo in known.items()} == {"a": 2, "b": 1}
    assert asked.before["b"].value == {"n": 1}
    assert known["a"].seen_at >= known["b"].seen_at


async def test_what_aws_did_not_answer_is_told(core: Core) -> None:
    survey = Survey(core.store, config(**BOTH), Asked({}), pool)
    await survey.once()
    assert survey.refused == {"shop: tables (us-west-2)": "denied"}


async def test_without_a_standby_region_nothing_is_asked(core: Core) -> None:
    survey = Survey(core.store, config(), Asked(), pool)
    assert await noted(core, await survey.once()) == {}


async def test_no_region_is_left_out_while_nothing_moves(core: Core) -> None:
    asked = Asked({})
    await Survey(core.store, config(**BOTH), asked, pool).once()
    assert set(asked.but) == set()


async def test_a_broken_survey_is_told_and_not_swallowed(core: Core) -> None:
    def broken(*_: Any) -> Answers:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Survey(core.store, config(**BOTH), broken, pool).once()
