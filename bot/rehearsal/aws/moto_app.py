"""moto's server application, called in this process without a socket."""

import io
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from moto.backends import SERVICE_NAMES, get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header
from moto.core.request import should_preserve_original_header_name as keeps_underscores
from moto.events.utils import EventTemplateParser
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from bot.rehearsal.aws.call import Call, Reply, Request

ACCOUNT = DEFAULT_ACCOUNT_ID
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


def backend(service: SERVICE_NAMES, region: str, account: str = ACCOUNT) -> Any:
    """What moto remembers of a service in a region: its own model objects."""
    every = _backends(service)
    # What is there is found without moto's imports and locks: features ask thousands of times.
    known: Any = dict.get(every, account)
    found = dict.get(known, region) if known is not None else None
    return every[account][region] if found is None else found


@cache
def _backends(service: SERVICE_NAMES) -> Any:
    return get_backend(service)


class MotoApp:
    """moto keeps its state in its modules: one emulator at a time in a process, and it starts empty."""

    def __init__(self) -> None:
        _name_the_account_in_events()
        self._app = DomainDispatcherApplication(create_backend_app)

    def reset(self) -> None:
        self._run(Request("POST", "/moto-api/reset", (("Host", "localhost"),), b""))

    def __call__(self, call: Call) -> Reply:
        return self._run(call.request)

    def _run(self, request: Request) -> Reply:
        chunks, status, headers = run_wsgi_app(self._app, _environ(request), buffered=True)
        kept = tuple((key, value) for key, value in headers if _passes(key, request))
        return Reply(int(status.split(" ", 1)[0]), kept, b"".join(chunks))


def _name_the_account_in_events() -> None:
    """Every real event has one; moto's template for them forgets it."""
    template = EventTemplateParser.DEFAULT_EVENT_INPUT_TEMPLATE
    if "<account>" not in template:
        EventTemplateParser.DEFAULT_EVENT_INPUT_TEMPLATE = template.replace("{", '{"account": "<account>", ', 1)


def _passes(header: str, request: Request) -> bool:
    """A reply to HEAD says how long the body would be; every other length is counted again."""
    name = header.lower()
    return name not in _HOP_BY_HOP or (name == "content-length" and request.method == "HEAD")


def _environ(request: Request) -> dict[str, Any]:
    url = urlsplit(request.target)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path, "latin-1"),
        "QUERY_STRING": url.query,
        "RAW_URI": request.target,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        PRESERVED_HEADER_NAMES_ENVIRON_KEY: {},
    }
    for name, value in request.headers:
        if name.lower() == "transfer-encoding":
            continue
        key = environ_key_for_header(name)
        environ[key] = f"{environ[key]},{value}" if key in environ else value
        if keeps_underscores(name):
            environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY][key] = name
    environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ
