"""A server that speaks the page's contract with canned answers: the page's tests need nothing of the real one."""

import copy
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = Path(__file__).parents[4] / "bot" / "rehearsal" / "slack" / "page"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}

Json = dict[str, Any]
Answer = Json | Callable[[Json], Json]


class FakeServer:
    """`workspace` and `messages` are what the page sees; `sent` holds what it posted; `answers` what it is told."""

    def __init__(self, workspace: Json, messages: dict[str, list[Json]]) -> None:
        self._canned = workspace, messages
        self.listeners: list[queue.Queue[Json | None]] = []
        self.connected: queue.Queue[None] = queue.Queue()  # one entry for each event stream that was opened
        self.port = 0
        self._http: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.workspace, self.messages = copy.deepcopy(self._canned)
        self.answers: dict[str, Answer] = {}
        self.sent: dict[str, queue.Queue[Json]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"fake": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        assert self._http is not None
        self._http.shutdown()
        self._http.server_close()
        with self._lock:
            for listener in self.listeners:
                listener.put(None)
            self.listeners.clear()

    def emit(self, **event: Any) -> None:
        with self._lock:
            for listener in self.listeners:
                listener.put(event)

    @contextmanager
    def listening(self) -> Iterator[queue.Queue[Json | None]]:
        events: queue.Queue[Json | None] = queue.Queue()
        with self._lock:
            self.listeners.append(events)
        self.connected.put(None)
        try:
            yield events
        finally:
            with self._lock:
                if events in self.listeners:
                    self.listeners.remove(events)

    def received(self, path: str) -> Json:
        """The next body that was posted to /ui/<path>; fails when none comes."""
        return self.sent.setdefault(path, queue.Queue()).get(timeout=5)

    def quiet(self, path: str) -> bool:
        return self.sent.setdefault(path, queue.Queue()).empty()

    def post(self, path: str, body: Json) -> Json:
        answer = self.answers.get(path, {"ok": True})
        result = answer(body) if callable(answer) else answer
        self.sent.setdefault(path, queue.Queue()).put(body)
        return result

    def state(self, user: str | None) -> Json:
        me = user or next(each["id"] for each in self.workspace["users"] if not each["is_bot"])
        return {**self.workspace, "me": me}


class _Handler(BaseHTTPRequestHandler):
    fake: FakeServer
    protocol_version = "HTTP/1.1"  # keeps connections: the page loads some thirty small files

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the standard library's
        """Say nothing: a test's output is its own."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/ui/state":
            self._json(self.fake.state(query.get("user")))
        elif url.path == "/ui/messages":
            self._json({"messages": self.fake.messages.get(query["channel"], [])})
        elif url.path == "/ui/events":
            self._events()
        else:
            self._file("index.html" if url.path == "/" else url.path.removeprefix("/page/"))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._json(self.fake.post(self.path.removeprefix("/ui/"), body))

    def _json(self, answer: Json) -> None:
        self._send(200, "application/json", json.dumps(answer).encode())

    def _file(self, name: str) -> None:
        path = PAGE / name
        if path.parent != PAGE or not path.is_file():
            self._send(404, "text/plain", b"not found")
        else:
            self._send(200, TYPES[path.suffix], path.read_bytes())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store" if kind == "application/json" else "max-age=600")
        self.end_headers()
        self.wfile.write(body)

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b": hello\n\n")
        self.close_connection = True
        with self.fake.listening() as events:
            while (event := events.get()) is not None:
                try:
                    self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                except OSError:  # the browser has left
                    return
