import pytest

from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.language import Words
from bot.rehearsal.slack import Fault
from bot.slack.incident_buttons import ACKNOWLEDGE, ESCALATE
from bot.slack.pages import SlackPages
from tests.slack.office import Office
from tests.slack.test_messages import buttons


async def _page(office: Office, id_: str) -> tuple[Page, Incident]:
    return (await office.core.pages(id_))[0], await office.incident(id_)


def _buttons(office: Office, user: str) -> list[str]:
    [message] = office.direct(user)
    return buttons(message.blocks)


async def test_the_person_on_call_gets_one_direct_message_with_buttons(office: Office) -> None:
    await office.alarm(reason="errors are over 5 %")
    [(user, [message])] = office.paged().items()
    assert "orders-errors" in message.text
    assert "errors are over 5 %" in message.text
    assert _buttons(office, user) == [ACKNOWLEDGE, ESCALATE]
    assert not office.sms.sent


async def test_an_answered_page_says_who_answered_and_has_no_buttons(office: Office) -> None:
    id_ = await office.alarm()
    [user] = office.paged()
    await office.acknowledge(id_, "sofia")
    [message] = office.direct(user)
    assert "Sofia Rossi" in message.text
    assert _buttons(office, user) == []


async def test_whoever_answered_reads_that_they_did(office: Office) -> None:
    id_ = await office.alarm()
    page, _ = await _page(office, id_)
    await office.acknowledge(id_, page.person.key)
    [message] = office.direct(page.person.slack or "")
    assert Words("ko")("You have answered.") in message.text  # mina and jun read Korean


async def test_a_lost_answer_does_not_page_the_same_person_twice_in_slack(office: Office) -> None:
    office.local.faults.add(Fault("lost_answer", "chat.postMessage"))
    await office.alarm()
    await office.later(6)
    [messages] = office.paged().values()
    assert len(messages) == 1
    assert not office.sms.sent


async def test_a_page_answered_while_its_own_answer_was_lost_is_still_drawn_as_answered(office: Office) -> None:
    with office.local.faults.during(Fault("lost_answer", "chat.postMessage")):
        id_ = await office.alarm()
    [user] = office.paged()
    await office.acknowledge(id_, "sofia")
    assert "Sofia Rossi" in office.direct(user)[0].text


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("conversations.open", "user_disabled"),
        ("conversations.open", "user_not_found"),
        ("conversations.open", "missing_scope"),
        ("chat.postMessage", "account_inactive"),
        ("chat.postMessage", "messages_tab_disabled"),
    ],
)
async def test_a_page_that_slack_refuses_falls_through_to_the_next_method_at_once(
    office: Office, method: str, code: str
) -> None:
    with office.local.faults.during(Fault("refused", method, times=None, code=code)):
        id_ = await office.alarm()
    assert [page.person.key for page in office.sms.sent] == [(await _page(office, id_))[0].person.key]


async def test_a_429_is_waited_for_when_it_is_short_and_not_when_it_is_long(office: Office) -> None:
    office.local.faults.add(Fault("ratelimited", "conversations.open", retry_after=2))
    await office.alarm("first")
    assert not office.sms.sent
    await office.later(3)
    assert office.paged()
    office.local.faults.add(Fault("ratelimited", "chat.postMessage", times=None, retry_after=60))
    await office.alarm("second")
    assert len(office.sms.sent) == 1


async def test_a_storm_of_pages_asks_for_the_direct_channel_once(office: Office) -> None:
    for number in range(4):
        await office.alarm(f"alarm-{number}")
    assert office.tries("conversations.open") == 1


async def test_one_persons_refusal_never_stops_another_persons_page(office: Office) -> None:
    id_ = await office.alarm()
    office.local.world.users["UALEX"].deleted = True
    async with office.core.store.begin() as tx:
        await office.core.responder.page(tx, id_, ["alex", "sofia"], "mina")
    await office.work()
    assert "USOFIA" in office.paged()


async def test_a_page_whose_row_was_lost_with_the_database_is_not_sent_twice(office: Office) -> None:
    page, incident = await _page(office, await office.alarm())
    async with office.core.store.begin() as tx:
        await tx.messages.connection.exec_driver_sql("DELETE FROM messages")
        await tx.messages.connection.exec_driver_sql("DELETE FROM seen")
    await SlackPages(office.slack, office.outbox, office.people).send(page, incident, again=True)
    assert len(office.direct(page.person.slack or "")) == 1
