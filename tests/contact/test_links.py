"""A link acknowledges when its button is pressed, once, for the right person, for a day; and nothing else ever does."""

import base64
from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.contact.acknowledging import Acknowledging
from bot.contact.links import LIVES, Links
from bot.errors import Refused
from bot.store.sql import Store
from tests.contact.night import AT
from tests.support.core import Core, alarm, build

ONE_ENGINE = True  # decisions; the statements are judged on both elsewhere
SECOND = timedelta(seconds=1)
LINKS = Links("https://dr.example.com/", "a secret")


def token(page: str = "abcd2345.1.1.alex") -> str:
    return LINKS.of(page, AT).removeprefix("https://dr.example.com/ack/")


def test_a_link_says_its_page_until_its_last_second() -> None:
    assert LINKS.read(token(), AT + LIVES).page == "abcd2345.1.1.alex"
    with pytest.raises(Refused, match="over since"):
        LINKS.read(token(), AT + LIVES + SECOND)


def test_a_link_is_short_enough_for_a_text_message() -> None:
    assert len(token()) < 80


@pytest.mark.parametrize("change", ["page", "until", "signature", "secret", "empty", "nonsense", "long", "unicode"])
def test_a_link_that_we_did_not_make_is_refused_whatever_was_changed(change: str) -> None:
    signature, _, said = token().partition(".")
    text = base64.urlsafe_b64decode(said + "==").decode()

    def again(changed: str) -> str:
        return f"{signature}.{base64.urlsafe_b64encode(changed.encode()).rstrip(b'=').decode()}"

    forged = {
        "page": again(text.replace("alex", "mina")),
        "until": again(f"{int(text.split('.')[0]) + 1}.{text.partition('.')[2]}"),
        "signature": f"{signature[:-2]}{'AA' if signature[-2:] != 'AA' else 'BB'}.{said}",
        "secret": Links("https://x", "another").of("abcd2345.1.1.alex", AT).rpartition("/")[2],
        "empty": "", "nonsense": "....", "long": "x" * 5_000 + ".y", "unicode": "한.글",
    }[change]  # fmt: skip
    with pytest.raises(Refused, match="not one of ours"):
        LINKS.read(forged, AT)


@pytest.fixture
def core(store: Store, clock: SystemClock) -> Core:
    return build(store, clock)


def door(core: Core, links: Links | None = LINKS) -> Acknowledging:
    return Acknowledging(core.store, core.responder, links, "en", core.clock.now)


async def paged(core: Core) -> tuple[str, str]:
    """The token of the first page, and whose it is."""
    await core.raise_alarm(alarm())
    await core.worker.drain()
    [page] = await core.pages((await core.only()).id)
    return LINKS.of(page.id, core.clock.now()).rpartition("/")[2], page.person.key


async def test_a_scanner_that_opens_the_link_acknowledges_nothing(core: Core) -> None:
    found, _ = await paged(core)
    for _ in range(3):
        status, html = await door(core).show(found)
        assert status == 200
        assert '<form method="post">' in html
    assert (await core.only()).status == "open"


async def test_the_button_acknowledges_for_the_person_who_was_paged_and_says_so(core: Core) -> None:
    found, person = await paged(core)
    status, html = await door(core).press(found)
    assert status == 200
    assert "<form" not in html
    incident = await core.only()
    assert (incident.status, incident.acknowledged_by) == ("acknowledged", person)


async def test_pressing_twice_is_harmless_and_says_who_answered(core: Core) -> None:
    found, person = await paged(core)
    await door(core).press(found)
    first = await core.only()
    _, html = await door(core).press(found)
    assert core.directory.person(person).name in html
    assert await core.only() == first
    assert (await core.timeline(first.id)).count("acknowledged") == 1


async def test_a_link_of_a_resolved_incident_does_nothing_and_says_so(core: Core) -> None:
    found, _ = await paged(core)
    incident = await core.only()
    async with core.store.begin() as tx:
        await core.responder.resolve(tx, incident.id, "alex")
    _, html = await door(core).press(found)
    assert "<form" not in html
    assert (await core.only()).status == "resolved"


async def test_a_link_that_is_over_acknowledges_nothing(core: Core) -> None:
    found, _ = await paged(core)
    core.clock.advance(LIVES + SECOND)
    status, _ = await door(core).press(found)
    assert status == 404
    assert (await core.only()).status == "open"


async def test_a_forged_link_and_one_of_a_page_that_is_gone_tell_nothing(core: Core) -> None:
    await paged(core)
    for bad in ("x.y", LINKS.of("nothere2.1.1.alex", core.clock.now()).rpartition("/")[2]):
        status, html = await door(core).press(bad)
        assert status == 404
        assert "orders" not in html
    assert (await core.only()).status == "open"


async def test_without_a_secret_no_link_works(core: Core) -> None:
    found, _ = await paged(core)
    assert (await door(core, None).press(found)).status == 404
    assert (await core.only()).status == "open"


async def test_the_page_is_in_the_persons_language_and_its_title_is_no_html(core: Core) -> None:
    await core.raise_alarm(alarm("<b>orders</b>"))
    await core.worker.drain()
    [page] = await core.pages((await core.only()).id)
    _, html = await door(core).show(LINKS.of(page.id, core.clock.now()).rpartition("/")[2])
    assert "<b>" not in html
    assert f'lang="{page.person.language}"' in html
