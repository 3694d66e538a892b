import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bot.clock import SystemClock
from bot.config import Config, Service, SlackPart
from bot.incident.incident import channel_name
from bot.incident.posted import Posted
from bot.jobs import INVITE, OPEN_ROOM, NewJob
from bot.language import Words
from bot.rehearsal.slack import Channel, Fault, User
from bot.rehearsal.slack.faults import When
from bot.slack.decorations import Decorations
from bot.store.sql import Store
from tests.slack.office import Office, open_office, team
from tests.support.core import alarm

FALLBACK = Config(services={"orders": Service()}, slack=SlackPart(fallback_channel="CFALLBACK"))


async def _timeline(office: Office, incident: str) -> list[str]:
    return await office.core.timeline(incident)


async def _kick(office: Office, kind: str, incident: str, people: Sequence[str] = ()) -> None:
    job = {
        "open": NewJob(OPEN_ROOM, {"incident": incident}),
        "invite": NewJob(INVITE, {"incident": incident, "people": list(people)}),
    }
    async with office.core.store.begin() as tx:
        await tx.jobs.add(job[kind])
    await office.work()


async def test_an_alarm_gets_its_own_channel_with_a_card_and_those_who_are_paged(office: Office) -> None:
    incident = await office.incident(await office.alarm())
    [channel] = office.channels()
    assert channel.name == channel_name(incident.started_at, "orders-errors") == incident.channel_name
    assert incident.channel == channel.id
    [card] = office.said(channel.id)
    assert "orders-errors" in card.text
    paged = set(office.paged())
    assert paged
    assert paged < set(channel.members)


async def test_the_card_comes_before_the_decorations(office: Office) -> None:
    await office.alarm()
    methods = [call.method for call in office.local.calls]
    decorations = [methods.index(m) for m in ("conversations.setTopic", "pins.add", "bookmarks.add")]
    assert methods.index("chat.postMessage") < min(decorations)
    [channel] = office.channels()
    assert channel.pins == [office.said(channel.id)[0].ts]
    assert "recover by" in channel.topic
    assert channel.bookmarks[0].link.startswith("https://us-east-1.console.aws.amazon.com/cloudwatch/")


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("conversations.setTopic", "refused"),
        ("conversations.setTopic", "ratelimited"),
        ("conversations.setTopic", "lost_answer"),
        ("pins.add", "server_error"),
        ("bookmarks.add", "refused"),
    ],
)
async def test_a_failing_decoration_never_stops_the_card_or_the_others(office: Office, method: str, kind: str) -> None:
    office.local.faults.add(Fault(kind, method, times=None))  # type: ignore[arg-type]  # parametrised
    incident = await office.alarm()
    await office.acknowledge(incident, "mina")
    [channel] = office.channels()
    [card] = office.said(channel.id)
    assert "Mina Park" in card.text
    done = {
        "conversations.setTopic": bool(channel.topic),
        "pins.add": bool(channel.pins),
        "bookmarks.add": bool(channel.bookmarks),
    }
    assert all(done[other] for other in done if other != method)


async def test_a_decoration_that_had_to_wait_is_made_later_and_only_once(office: Office) -> None:
    office.local.faults.add(Fault("ratelimited", "pins.add", retry_after=30))
    incident = await office.alarm()
    [channel] = office.channels()
    assert not channel.pins
    await office.later(61)
    await office.acknowledge(incident, "mina")
    assert len(channel.pins) == 1
    assert office.tries("conversations.setTopic") == office.tries("bookmarks.add") == 1


async def test_two_edits_of_one_card_side_by_side_do_not_bookmark_twice(office: Office) -> None:
    incident_id = await office.alarm()
    incident = await office.incident(incident_id)
    decorations = Decorations(office.core.store, office.slack)
    async with office.core.store.begin() as tx:
        await tx.messages.put(Posted(f"decorations:{incident_id}", incident.channel or "", None, ""))
    before = office.tries("bookmarks.add")
    await asyncio.gather(*(decorations.decorate(incident, incident.channel or "", Words()) for _ in range(3)))
    assert office.tries("bookmarks.add") == before + 1


async def test_a_crash_between_making_the_channel_and_saving_it_leaves_one_channel(office: Office) -> None:
    office.local.faults.add(Fault("lost_answer", "conversations.create"))
    incident = await office.alarm()
    assert (await office.incident(incident)).channel is None
    await office.later()
    [channel] = office.channels()
    assert (await office.incident(incident)).channel == channel.id
    assert len(office.said(channel.id)) == 1


async def test_our_channel_is_found_again_among_hundreds(office: Office) -> None:
    for number in range(450):
        id_ = f"C{number:08}"
        office.local.world.channels[id_] = Channel(
            id_, f"old-{number}", members=[office.app.bot_user_id], creator=office.app.bot_user_id
        )
    office.local.faults.add(Fault("lost_answer", "conversations.create"))
    await office.alarm()
    await office.later()
    assert len(office.channels()) == 1
    assert office.tries("users.conversations") == 3


async def _taken(
    office: Office, name: str, *, archived: bool = False, creator: str = "UMINA", member: bool = False
) -> None:
    members = [office.app.bot_user_id] if member else []
    office.local.world.channels[f"C{name}"] = Channel(
        f"C{name}", name, members=members, creator=creator, is_archived=archived
    )


@pytest.mark.parametrize("archived", [False, True])
async def test_a_taken_name_gets_the_next_suffix_even_when_the_other_channel_is_archived(
    office: Office, archived: bool
) -> None:
    name = channel_name(datetime.now(UTC), "orders-errors")
    await _taken(office, name, archived=archived)
    await _taken(office, f"{name}-2", archived=True, creator=office.app.bot_user_id)
    incident = await office.incident(await office.alarm())
    assert incident.channel_name == f"{name}-3"
    assert not office.tries("conversations.unarchive")


async def test_a_channel_that_a_person_made_is_not_taken_over_though_we_are_in_it(office: Office) -> None:
    name = channel_name(datetime.now(UTC), "orders-errors")
    await _taken(office, name, member=True)
    incident = await office.incident(await office.alarm())
    assert incident.channel_name == f"{name}-2"


async def test_our_channel_of_an_incident_that_the_database_knows_is_not_taken_over(office: Office) -> None:
    name = channel_name(datetime.now(UTC), "orders-errors")
    await _taken(office, name, member=True, creator=office.app.bot_user_id)
    async with office.core.store.begin() as tx:
        answer = await office.core.responder.declare(tx, "another", "mina")
        await tx.incidents.save(answer.incident.model_copy(update={"channel": f"C{name}"}))
    incident = await office.incident(await office.alarm())
    assert incident.channel_name == f"{name}-2"


async def test_the_channel_of_another_incident_is_not_taken_over(office: Office) -> None:
    first = await office.incident(await office.alarm("orders-errors"))
    await office.resolve(first.id)
    second = await office.incident(await office.alarm("orders errors"))
    assert second.channel_name == f"{first.channel_name}-2"
    assert second.channel != first.channel


async def test_no_name_is_over_80_characters_with_or_without_a_suffix(office: Office) -> None:
    long = "x" * 500
    name = channel_name(datetime.now(UTC), long)
    await _taken(office, name)
    incident = await office.incident(await office.alarm(long))
    assert incident.channel_name == f"{name}-2"
    assert len(incident.channel_name or "") <= 80
    assert incident.channel


async def test_a_name_without_a_single_letter_that_slack_takes_still_gives_a_channel(office: Office) -> None:
    incident = await office.incident(await office.alarm("주문 오류 🔥"))
    assert incident.channel


async def test_without_the_right_to_make_channels_the_fallback_channel_is_used(
    store: Store, clock: SystemClock
) -> None:
    async with open_office(store, clock, workspace=team(may_create_channels=False), config=FALLBACK) as office:
        incident = await office.incident(await office.alarm())
        assert (incident.channel, incident.own_channel, incident.channel_problem) == (
            "CFALLBACK",
            False,
            "restricted_action",
        )
        [card] = office.said("CFALLBACK")
        assert "restricted_action" in str(card.blocks)
        assert not office.tries("pins.add")
        assert office.tries("conversations.create") == 1


async def test_without_any_place_in_slack_the_incident_lives_on_and_pages(store: Store, clock: SystemClock) -> None:
    async with open_office(store, clock, workspace=team(may_create_channels=False)) as office:
        id_ = await office.alarm()
        await office.resolve(id_)
        incident = await office.incident(id_)
        assert (incident.channel, incident.channel_problem, incident.status) == (None, "restricted_action", "resolved")
        assert office.paged()
        assert (await _timeline(office, id_)).count("room-failed") == 1
        await office.later(3600)
        assert office.tries("conversations.create") == 1


async def test_when_slack_refuses_everything_the_page_falls_through_to_sms_and_the_incident_lives(
    office: Office,
) -> None:
    with office.local.faults.during(Fault("refused", "*", times=None, code="invalid_auth")):
        id_ = await office.alarm()
        await office.acknowledge(id_, "mina")
        await office.resolve(id_)
    assert office.sms.sent
    assert (await office.incident(id_)).status == "resolved"


async def test_while_slack_is_down_the_room_waits_and_comes_when_slack_does(office: Office) -> None:
    with office.local.faults.during(Fault("server_error", "*", times=None)):
        id_ = await office.alarm()
        for _ in range(10):
            await office.later(70)
        assert office.sms.sent
        assert (await office.incident(id_)).channel_problem == ""
    await office.later(70)
    incident = await office.incident(id_)
    assert incident.channel
    assert len(office.said(incident.channel)) == 1


async def test_opening_twice_is_opening_once(office: Office) -> None:
    id_ = await office.alarm()
    before = office.tries("conversations.create")
    await _kick(office, "open", id_)
    assert office.tries("conversations.create") == before
    assert len(office.channels()) == 1


async def test_a_429_on_creating_is_waited_for_and_no_name_is_lost(office: Office) -> None:
    office.local.faults.add(Fault("ratelimited", "conversations.create", retry_after=20))
    incident = await office.alarm()
    await office.later(19)
    assert office.tries("conversations.create") == 1
    await office.later(2)
    assert (await office.incident(incident)).channel_name == office.channels()[0].name


async def test_the_channel_that_people_renamed_is_still_the_incidents(office: Office) -> None:
    id_ = await office.alarm()
    [channel] = office.channels()
    channel.name = "the-big-one"
    await office.acknowledge(id_, "mina")
    assert "Mina Park" in office.said(channel.id)[0].text


async def test_a_channel_that_people_archived_is_noted_once_and_never_tried_for_ever(office: Office) -> None:
    id_ = await office.alarm()
    [channel] = office.channels()
    channel.is_archived = True
    await office.acknowledge(id_, "mina")
    await office.resolve(id_)
    await office.later(7200)  # past the target, when every card is drawn once more
    updates = office.tries("chat.update")
    await office.later(7200)
    assert office.tries("chat.update") == updates
    assert (await _timeline(office, id_)).count("room-failed") == 1
    assert (await office.incident(id_)).status == "resolved"


async def test_an_incident_that_is_over_before_slack_is_back_gets_no_channel(office: Office) -> None:
    with office.local.faults.during(Fault("server_error", "*", times=None)):
        id_ = await office.alarm()
        await office.resolve(id_)
    await office.later(3600)
    assert not office.channels()


async def test_a_hundred_and_one_people_are_invited_in_two_calls(office: Office) -> None:
    id_ = await office.alarm()
    users = [f"UX{number:04}" for number in range(101)]
    for user in users:
        office.local.world.users[user] = User(user, user.lower())
    before = office.tries("conversations.invite")
    await _kick(office, "invite", id_, [f"<@{user}>" for user in users])
    assert office.tries("conversations.invite") == before + 2
    assert set(users) < set(office.channels()[0].members)


async def test_who_cannot_be_invited_does_not_keep_the_others_out_and_is_named_once(office: Office) -> None:
    id_ = await office.alarm()
    office.local.world.users["UGUEST"].is_restricted = True
    await _kick(office, "invite", id_, ["<@UGUEST>", "sofia", "alex", "<@UNOBODY>", "cli:root"])
    assert {"USOFIA", "UALEX"} < set(office.channels()[0].members)
    async with office.core.store.begin() as tx:
        [note] = [entry for entry in await tx.notes.of(id_) if entry.kind == "not-invited"]
    assert "<@UGUEST> (user_is_restricted)" in str(note.phrase)
    assert "<@UNOBODY> (user_not_found)" in str(note.phrase)


async def test_inviting_who_is_there_already_says_nothing(office: Office) -> None:
    id_ = await office.alarm()
    for _ in range(2):
        await _kick(office, "invite", id_, ["mina", "jun", f"<@{office.app.bot_user_id}>"])
    assert "not-invited" not in await _timeline(office, id_)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_two_jobs_that_look_for_a_room_at_the_same_time_do_not_make_two(office: Office, when: When) -> None:
    """After a restart: the job of the dead process, and the new one's own. One of them stands still in Slack."""
    await office.core.raise_alarm(alarm())
    [incident] = await office.core.incidents()
    hold = office.local.faults.hold("conversations.create", when)
    async with office.core.store.begin() as tx:
        await tx.jobs.add(NewJob(OPEN_ROOM, {"incident": incident.id}))
    working = asyncio.create_task(office.work())
    await hold.reached()
    async with asyncio.timeout(10):
        while (await office.incident(incident.id)).channel is None:  # noqa: ASYNC110  # until the other job has its room; a row tells nobody
            await asyncio.sleep(0.01)
    hold.release()
    await working
    [channel] = office.channels()
    found = await office.incident(incident.id)
    assert (found.channel, found.channel_name) == (channel.id, channel.name)
    assert (await _timeline(office, incident.id)).count("room") == 1
