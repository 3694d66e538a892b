"""The test stand: a folder on the real disk, the sink, and the processes that are measured. Loopback only.

    with Stand() as stand:
        with stand.bot() as bot: ...
        with stand.floor() as floor: ...

Each bot and each floor begins with an empty database.
"""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks import messages
from bot.rehearsal.aws.signing import Signer

ROOT = Path(__file__).parent.parent
#: Not the system's temporary folder: that may be memory, where a commit costs nothing.
FOLDER = ROOT / "build" / "benchmarks"
_TEAM = ROOT / "bot" / "rehearsal" / "team"
_READY_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A process that listens. `started` is how many seconds it took until it said that it is ready."""

    process: psutil.Popen
    port: int
    database: Path
    started: float

    @property
    def memory(self) -> float:
        """Resident, in MB."""
        return float(self.process.memory_info().rss) / 1e6

    @property
    def threads(self) -> int:
        return int(self.process.num_threads())


@dataclass(frozen=True)
class Load:
    """What the load generator saw, by message."""

    sent: Sequence[float]
    answered: Sequence[float]
    status: Sequence[int]

    @property
    def per_second(self) -> float:
        return len(self.sent) / (max(self.answered) - min(self.sent))

    @property
    def latencies(self) -> Sequence[float]:
        """In milliseconds."""
        return [(after - before) * 1e3 for before, after in zip(self.sent, self.answered, strict=True)]


class Stand:
    """`with Stand() as stand`: the folder is new, and the sink runs."""

    def __init__(self) -> None:
        self.signer = Signer(datetime.now(UTC))
        self._numbers = itertools.count(1)
        self._prepared: dict[str, Path] = {}
        self._sink: psutil.Popen | None = None
        self.sink_port = _free_port()

    def __enter__(self) -> Self:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        certificate = FOLDER / "certificate.pem"
        certificate.write_bytes(self.signer.certificate)
        self._sink = _start(["-m", "benchmarks.sink", str(self.sink_port), str(certificate), self.signer.path])
        _until_ready(self._sink, self.sink_port, "/pages")
        config = {
            "region": messages.REGION, "escalation_folder": str(_TEAM),
            "sources": {"topics": [messages.TOPIC], "signature_versions": ["2"]},
        }  # fmt: skip
        (FOLDER / "lifeboat.yaml").write_text(json.dumps(config))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sink:
            _stop(self._sink)

    @property
    def slack_url(self) -> str:
        return f"http://127.0.0.1:{self.sink_port}/api/"

    def database(self) -> Path:
        """The place of a database that is not there yet."""
        return FOLDER / f"{next(self._numbers)}.db"

    def environment(self, database: Path, port: int) -> Mapping[str, str]:
        """What `lifeboat serve` is told."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "AWS_", "LIFEBOAT_"))}
        return {
            **inherited,
            "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": messages.REGION,
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "SLACK_BOT_TOKEN": "xoxb-bench", "SLACK_SIGNING_SECRET": "bench", "SLACK_API_URL": self.slack_url,
            "LIFEBOAT_CONFIG": str(FOLDER / "lifeboat.yaml"),
            "LIFEBOAT_DATABASE_URL": f"sqlite:///{database}",
            "LIFEBOAT_PORT": str(port),
            "LIFEBOAT_SNS_CERT_URL_BASE": f"http://127.0.0.1:{self.sink_port}",
        }  # fmt: skip

    @contextmanager
    def bot(self, database: Path | None = None) -> Iterator[Server]:
        """`lifeboat serve`."""
        database, port = database or self.database(), _free_port()
        with self._serving(["-m", "bot.cli", "serve"], self.environment(database, port), database, port) as server:
            yield server

    @contextmanager
    def floor(self, *, pages: bool = False) -> Iterator[Server]:
        """The floor of the same; with `pages` it posts to the sink after each insert."""
        database, port = self.database(), _free_port()
        command = ["-m", "benchmarks.floor", str(port), str(database), *([self.slack_url] if pages else [])]
        with self._serving(command, dict(os.environ), database, port) as server:
            yield server

    def messages(self, name: str, alarms: Sequence[str]) -> Path:
        """A file of signed requests for these alarms, made once; every database that gets them is new."""
        if name not in self._prepared:
            file = FOLDER / f"{name}.messages"
            messages.save(file, messages.requests(self.signer, alarms))
            self._prepared[name] = file
        return self._prepared[name]

    def load(self, server: Server, file: Path, *how: str) -> Load:
        """Run the load generator to its end."""
        result = FOLDER / f"{next(self._numbers)}.json"
        command = [sys.executable, "-m", "benchmarks.load", str(server.port), str(file), str(result), *how]
        subprocess.run(command, cwd=ROOT, check=True)
        return Load(**json.loads(result.read_text()))

    def pages(self) -> Mapping[int, float]:
        """When the first page about each alarm came to the sink, by the alarm's number."""
        return {int(number): at for number, at in self._sink_says()["pages"].items()}

    def page_count(self) -> int:
        """How many pages came to the sink in all."""
        return int(self._sink_says()["count"])

    def forget_pages(self) -> None:
        """The sink begins anew."""
        urllib.request.urlopen(f"http://127.0.0.1:{self.sink_port}/forget", data=b"", timeout=5).close()

    def _sink_says(self) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.sink_port}/pages", timeout=5) as answer:
            return json.load(answer)

    @contextmanager
    def _serving(
        self, command: Sequence[str], environment: Mapping[str, str], database: Path, port: int
    ) -> Iterator[Server]:
        begun = time.monotonic()
        process = _start(command, environment, FOLDER / f"{database.stem}.log")
        try:
            _until_ready(process, port, "/readyz")
            yield Server(process, port, database, time.monotonic() - begun)
        finally:
            _stop(process)


def seconds_of(*command: str) -> float:
    """How long a command of this Python takes."""
    begun = time.monotonic()
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def _start(
    command: Sequence[str], environment: Mapping[str, str] | None = None, log: Path | None = None
) -> psutil.Popen:
    with (log or Path(os.devnull)).open("ab") as out:
        return psutil.Popen(
            [sys.executable, *command], cwd=ROOT, env=dict(environment or os.environ), stdout=out, stderr=out
        )


def _stop(process: psutil.Popen) -> None:
    """What is measured has been measured: a graceful stop would only take time."""
    if process.poll() is None:
        process.kill()
    process.wait()


def _until_ready(process: psutil.Popen, port: int, path: str) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with status {process.returncode}; see the logs in {FOLDER}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    raise TimeoutError(f"{process.args} was not ready within {_READY_SECONDS} s; see the logs in {FOLDER}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
