"""SNS's signing certificates: fetched once, kept in memory.

A verification must not depend on a fetch during an outage, so a certificate is fetched ahead where its URL is known
(`prewarm`) and one that was fetched stays until it is pushed out.
"""

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Iterable
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.errors import N_, Missing, Unavailable, phrase
from bot.intake.signature import Certificate, load_certificate

log = structlog.get_logger(__name__)

LARGEST_CERTIFICATE = 32 * 1024
MOST_KEPT = 32
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_MOST_FETCHES = 4


class Certificates:
    """Certificates by URL. Every URL must have passed `signature.admit` before.

    `base` (LIFEBOAT_SNS_CERT_URL_BASE) is for rehearsals only: the same path is then fetched from there, and it must be
    on this very machine, because whoever answers there can sign alarms.
    """

    def __init__(self, session: aiohttp.ClientSession, base: str | None = None) -> None:
        self._session = session
        self._base = _loopback(base) if base else None
        self._kept: OrderedDict[str, Certificate] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[Certificate]] = {}
        self._slots = asyncio.Semaphore(_MOST_FETCHES)

    async def get(self, url: str) -> Certificate:
        """The certificate at `url`; callers who ask at once share one fetch. Raises `Unavailable`."""
        if url in self._kept:
            self._kept.move_to_end(url)
            return self._kept[url]
        if url not in self._fetching:
            task = asyncio.create_task(self._fetch(url))
            self._fetching[url] = task
            task.add_done_callback(lambda done: self._fetched(url, done))
        # One caller that gives up must not cancel the fetch for the others.
        return await asyncio.shield(self._fetching[url])

    async def prewarm(self, urls: Iterable[str]) -> None:
        """Fetch what is known to be needed. A failure is logged; the first delivery tries again."""
        for url in urls:
            try:
                await self.get(url)
            except Unavailable as error:
                log.warning("certificate_prewarm_failed", url=url, error=str(error))

    def _fetched(self, url: str, task: asyncio.Task[Certificate]) -> None:
        del self._fetching[url]
        if task.cancelled() or task.exception() is not None:
            return
        self._kept[url] = task.result()
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    async def _fetch(self, url: str) -> Certificate:
        address = self._base + urlsplit(url).path if self._base else url
        try:
            async with self._slots, self._session.get(address, allow_redirects=False, timeout=_TIMEOUT) as response:
                if response.status != 200:
                    what = N_("{url} answered {status} instead of a certificate.")
                    raise Unavailable(phrase(what, url=address, status=response.status))
                pem = await _read(response, address)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = N_("The signing certificate {url} cannot be fetched: {error}. Check this machine's way to SNS.")
            raise Unavailable(phrase(what, url=address, error=str(error) or type(error).__name__)) from error
        return load_certificate(pem)


async def _read(response: aiohttp.ClientResponse, address: str) -> bytes:
    pem = bytearray()
    async for chunk in response.content.iter_chunked(4096):
        pem += chunk
        if len(pem) > LARGEST_CERTIFICATE:
            what = N_("{url} sent more than {most} bytes; a certificate is smaller.")
            raise Unavailable(phrase(what, url=address, most=LARGEST_CERTIFICATE))
    return bytes(pem)


def _loopback(base: str) -> str:
    """The base without a final slash. Raises `Missing` unless it is a plain address of this machine."""
    try:
        parts = urlsplit(base)
        local = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
        plain = parts.scheme in {"http", "https"} and parts.username is None and parts.port != 0
    except ValueError:
        local = plain = False
    if not (local and plain):
        what = N_(
            "LIFEBOAT_SNS_CERT_URL_BASE is {base}, which is not on this machine. It is only for rehearsals: "
            "remove it, or give an address such as http://127.0.0.1:4566."
        )
        raise Missing(phrase(what, base=base))
    return base.rstrip("/")
