import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.errors import Missing, Unavailable
from bot.intake.certificates import LARGEST_CERTIFICATE, MOST_KEPT, Certificates
from tests.intake import fakes
from tests.intake.fakes import CERTIFICATE_PATH, CERTIFICATE_URL


@dataclass
class Shop:
    """A server that hands out certificates, and counts."""

    base: str = ""
    asked: list[str] = field(default_factory=list)
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None


async def _pem(_: web.Request) -> web.StreamResponse:
    return web.Response(body=fakes.pem())


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    found = Shop(answer=_pem)

    async def serve(request: web.Request) -> web.StreamResponse:
        found.asked.append(request.path)
        assert found.answer is not None
        return await found.answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    async with TestServer(app) as server:
        found.base = str(server.make_url("/"))
        yield found


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


def numbered(number: int) -> str:
    return f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{number:032x}.pem"


async def test_a_certificate_is_fetched_once_and_then_known(shop: Shop, session: aiohttp.ClientSession) -> None:
    certificates = Certificates(session, shop.base)
    assert await certificates.get(CERTIFICATE_URL) == await certificates.get(CERTIFICATE_URL)
    assert shop.asked == [CERTIFICATE_PATH]


async def test_many_who_ask_at_once_share_one_fetch(shop: Shop, session: aiohttp.ClientSession) -> None:
    certificates = Certificates(session, shop.base)
    await asyncio.gather(*(certificates.get(CERTIFICATE_URL) for _ in range(50)))
    assert len(shop.asked) == 1


async def test_one_who_gives_up_does_not_stop_the_fetch_for_the_others(
    shop: Shop, session: aiohttp.ClientSession
) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await release.wait()
        return await _pem(request)

    shop.answer = slow
    certificates = Certificates(session, shop.base)
    hasty = asyncio.create_task(certificates.get(CERTIFICATE_URL))
    patient = asyncio.create_task(certificates.get(CERTIFICATE_URL))
    await arrived.wait()
    hasty.cancel()
    release.set()
    assert (await patient).issuers == ("Amazon",)
    assert len(shop.asked) == 1


async def test_verification_needs_no_fetch_after_prewarming(shop: Shop, session: aiohttp.ClientSession) -> None:
    certificates = Certificates(session, shop.base)
    await certificates.prewarm([CERTIFICATE_URL])
    shop.answer = None
    await certificates.get(CERTIFICATE_URL)
    assert len(shop.asked) == 1


async def test_prewarming_survives_a_certificate_that_is_gone(shop: Shop, session: aiohttp.ClientSession) -> None:
    async def gone_first(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404) if len(shop.asked) == 1 else await _pem(request)

    shop.answer = gone_first
    certificates = Certificates(session, shop.base)
    await certificates.prewarm([numbered(1), numbered(2)])
    await certificates.get(numbered(2))
    assert len(shop.asked) == 2


async def test_a_redirect_is_not_followed(shop: Shop, session: aiohttp.ClientSession) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/SimpleNotificationService-evil.pem")

    shop.answer = elsewhere
    with pytest.raises(Unavailable, match="302"):
        await Certificates(session, shop.base).get(CERTIFICATE_URL)
    assert shop.asked == [CERTIFICATE_PATH]


@pytest.mark.parametrize("status", [403, 404, 500, 503])
async def test_an_error_is_our_trouble_and_is_not_remembered(
    shop: Shop, session: aiohttp.ClientSession, status: int
) -> None:
    async def broken(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    shop.answer = broken
    certificates = Certificates(session, shop.base)
    with pytest.raises(Unavailable):
        await certificates.get(CERTIFICATE_URL)
    shop.answer = _pem
    await certificates.get(CERTIFICATE_URL)


async def test_nobody_listening_is_our_trouble(session: aiohttp.ClientSession, unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable, match="cannot be fetched"):
        await Certificates(session, f"http://127.0.0.1:{unused_tcp_port}").get(CERTIFICATE_URL)


async def test_32_kib_are_read_and_one_byte_more_is_not(shop: Shop, session: aiohttp.ClientSession) -> None:
    size = LARGEST_CERTIFICATE

    async def padded(_: web.Request) -> web.StreamResponse:
        return web.Response(body=fakes.pem().ljust(size, b"\n"))

    shop.answer = padded
    certificates = Certificates(session, shop.base)
    await certificates.get(numbered(1))
    size += 1
    with pytest.raises(Unavailable, match="32768"):
        await certificates.get(numbered(2))


async def test_32_certificates_are_kept_and_the_one_longest_unused_goes(
    shop: Shop, session: aiohttp.ClientSession
) -> None:
    certificates = Certificates(session, shop.base)
    for number in range(MOST_KEPT):
        await certificates.get(numbered(number))
    await certificates.get(numbered(0))
    await certificates.get(numbered(MOST_KEPT))
    asked = len(shop.asked)
    await certificates.get(numbered(0))
    assert len(shop.asked) == asked
    await certificates.get(numbered(1))
    assert len(shop.asked) == asked + 1


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:4566", "http://127.8.9.1", "http://[::1]:80/", "http://localhost:1/x"]
)
async def test_a_rehearsal_may_serve_certificates_from_this_machine(session: aiohttp.ClientSession, base: str) -> None:
    Certificates(session, base)


@pytest.mark.parametrize(
    "base",
    [
        "https://sns.us-east-1.amazonaws.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://169.254.169.254",
        "http://localhost.evil.test",
        "http://127.0.0.1.evil.test",
        "http://127.0.0.1@evil.test",
        "http://evil.test@127.0.0.1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:x",
        "http://[::ffff:10.0.0.1]",
        "file:///etc",
        "127.0.0.1",
    ],
)
async def test_certificates_are_never_served_by_another_machine(session: aiohttp.ClientSession, base: str) -> None:
    with pytest.raises(Missing, match="LIFEBOAT_SNS_CERT_URL_BASE"):
        Certificates(session, base)


async def test_without_a_base_the_certificate_is_asked_for_at_its_own_address(
    shop: Shop, session: aiohttp.ClientSession
) -> None:
    await Certificates(session).get(shop.base + "certificate.pem")
    assert shop.asked == ["/certificate.pem"]
