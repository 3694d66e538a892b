"""What is decided without a database: pages, correlation, names, the stored timeline."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.config import Config, Match, Service
from bot.errors import NotFound, phrase
from bot.incident.correlate import News, apply, service_of
from bot.incident.incident import channel_name, new_id
from bot.incident.pager import RETRY_AFTER, TRIES, Page, after_failure, page_id
from bot.incident.timeline import display_name, restore, store
from bot.language import Words
from escalation.policy import FrozenPerson
from tests.support.core import alarm, example_people

AT = datetime(2026, 11, 23, 3, 41, 7, tzinfo=UTC)


def _page(**more: object) -> Page:
    person = FrozenPerson.of(example_people().person("mina"))
    return Page(id="p", incident="i", level=1, cycle=1, person=person, created_at=AT).model_copy(update=more)


def test_a_failing_method_is_tried_a_few_times_and_then_left_for_the_next() -> None:
    page = _page()
    for tries in range(1, TRIES):
        page, due = after_failure(page, permanent=False, retry_after=None, now=AT)
        assert (page.tries, page.contact, due) == (tries, 0, AT + RETRY_AFTER)
    page, due = after_failure(page, permanent=False, retry_after=None, now=AT)
    assert (page.tries, page.contact, due) == (0, 1, AT)


def test_a_page_has_failed_only_after_its_last_method() -> None:
    page, due = after_failure(_page(contact=1), permanent=True, retry_after=None, now=AT)
    assert (page.status, page.settled_at, due) == ("failed", AT, None)


@pytest.mark.parametrize(("wait", "same_method"), [(5.0, True), (5.1, False), (0.5, True), (None, True)])
def test_a_wait_is_kept_only_while_the_next_method_would_not_be_sooner(wait: float | None, same_method: bool) -> None:
    page, due = after_failure(_page(), permanent=False, retry_after=wait, now=AT)
    assert (page.contact == 0) is same_method
    assert due == (AT + timedelta(seconds=wait or 5) if same_method else AT)


def test_the_same_page_has_the_same_id_however_often_its_step_runs() -> None:
    assert page_id("i", 1, 2, "mina") == page_id("i", 1, 2, "mina") == "i.1.2.mina"
    assert page_id("i", 1, 2, "mina", 3) == "i.1.2.mina.again-3"


@pytest.mark.parametrize(
    ("before", "state", "news", "count"),
    [
        (None, "alarm", News.RAISED, 1),
        (None, "ok", News.NOTHING, 0),
        (None, "no_data", News.NOTHING, 0),
        ("alarm", "alarm", News.REPEATED, 2),
        ("alarm", "ok", News.CLEARED, 1),
        ("alarm", "no_data", News.NOTHING, 1),
        ("ok", "ok", News.NOTHING, 0),
        ("ok", "alarm", News.RAISED, 1),
    ],
)
def test_what_a_delivery_means(before: str | None, state: str, news: News, count: int) -> None:
    record = apply(None, alarm(state=before), AT)[0] if before else None
    changed, found = apply(record, alarm(state=state), AT)
    assert (found, changed.count) == (news, count)


def test_an_alarm_that_had_cleared_returns_and_is_no_longer_cleared() -> None:
    record, _ = apply(None, alarm(), AT)
    record, _ = apply(record, alarm(state="ok"), AT)
    assert record.cleared_at == AT
    record, news = apply(record, alarm(reason="again"), AT)
    assert (news, record.cleared_at, record.latest.reason) == (News.RETURNED, None, "again")


def test_a_state_change_of_the_same_instant_is_not_late() -> None:
    record, _ = apply(None, alarm(changed_at=AT), AT)
    assert apply(record, alarm(state="ok", changed_at=AT), AT)[1] is News.CLEARED
    assert apply(record, alarm(state="ok", changed_at=AT - timedelta(microseconds=1)), AT)[1] is News.NOTHING


def test_the_first_service_that_fits_wins_and_everything_given_must_fit() -> None:
    def service(**match: object) -> Service:
        return Service(match=(Match.model_validate(match),))

    config = Config(
        services={
            "none": Service(),
            "both": service(alarm="orders-*", namespace="AWS/ECS"),
            "table": service(dimensions={"TableName": "ord*"}),
            "any": service(alarm="*"),
        }
    )
    assert service_of(config, alarm("orders-1", namespace="AWS/ECS")) == "both"
    assert service_of(config, alarm("orders-1", dimensions={"TableName": "orders"})) == "table"
    assert service_of(config, alarm("Orders-1")) == "any"
    assert service_of(Config(), alarm()) is None


@pytest.mark.parametrize("name", ["x" * 200, "Orders API!", "주문", "", "--", "a--b", "ÅÄÖ", "x" * 62 + "-y"])
@pytest.mark.parametrize("suffix", [1, 2, 999])
def test_a_channel_name_always_has_the_form_that_slack_takes(name: str, suffix: int) -> None:
    import re

    made = channel_name(AT, name, suffix)
    assert re.fullmatch(r"inc-20261123-[a-z0-9]+(-[a-z0-9]+)*", made)
    assert len(made) <= 80
    assert channel_name(AT, name, suffix + 1) != made


def test_ids_can_be_read_out_on_the_phone() -> None:
    assert all(len(new_id()) == 8 and not set(new_id()) & set("01oil") for _ in range(200))


def test_a_stored_phrase_keeps_its_instants_durations_and_inner_phrases() -> None:
    seoul = datetime(2026, 11, 23, 12, 41, 7, tzinfo=timezone(timedelta(hours=9)))
    what = phrase(
        "{at} {took} {why} {n} {none} {error} {list}", at=seoul, took=timedelta(minutes=30), why=phrase("because {x}", x=1),
        n=2, none=None, error=NotFound("run", "r"), list=["a"],
    )  # fmt: skip
    again = restore(store(what))
    assert Words("en", "UTC").phrase(again) == (
        "03:41:07 UTC 30 min because 1 2 None There is no run named r. Known: -. ['a']"
    )
    assert store(again) == store(what)


def test_people_are_called_by_their_names_and_others_by_what_is_known() -> None:
    people = example_people()
    assert display_name(people, "mina") == "Mina Park"
    assert display_name(people, "cli:root") == "root"
    assert display_name(people, "<@U123>") == "<@U123>"
