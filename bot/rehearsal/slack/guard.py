"""Keeping other web pages out: a page elsewhere must not click for you."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NAMES = ("127.0.0.1", "localhost", "::1")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another web page could send: a foreign Host (DNS rebinding), a foreign Origin, a form's content type."""
    sockname = request.transport.get_extra_info("sockname") if request.transport else None
    port = sockname[1] if sockname else None
    if not _is_here(f"http://{request.host}", port):
        return web.json_response({"ok": False, "error": "wrong_host"}, status=403)
    if request.path.startswith("/ui/"):
        origin = request.headers.get("Origin")
        if origin is not None and not _is_here(origin, port):
            return web.json_response({"ok": False, "error": "wrong_origin"}, status=403)
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return web.json_response({"ok": False, "error": "wrong_origin"}, status=403)
        if request.method == "POST" and request.content_type != "application/json":
            return web.json_response({"ok": False, "error": "not_json"}, status=415)
    return await handler(request)


def _is_here(address: str, port: int | None) -> bool:
    try:
        parts = urlsplit(address)
        stated = parts.port or 80
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in _NAMES and stated == port
