"""Bots that start in a tenth of the time: forked from a process that has imported everything a bot needs, and has run nothing.

The imports of `lifeboat serve` take longer than many a scenario. What is forked runs `killable.main` as its own process does,
with its own environment, arguments and log; only the imports are shared. `Nursery.start` gives what asyncio's `Process`
gives, as far as the stage uses it.

Run as a program it is the mother: it reads one JSON line for each child on its standard input, and says on its standard
output when a child was born, and how it ended.
"""

import asyncio
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any


class Child:
    """A bot's process. `returncode` as of `subprocess`: negative for a signal."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended: Future[int] = Future()

    def ended(self, status: int) -> None:
        self.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set_result(self.returncode)

    async def wait(self) -> int:
        return await asyncio.shield(asyncio.wrap_future(self._ended))

    def send_signal(self, which: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, which)


class Nursery:
    """The mother's other end, for one test process."""

    def __init__(self) -> None:
        self._mother = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._born: dict[str, Future[Child]] = {}
        self._children: dict[int, Child] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="nursery", daemon=True).start()

    async def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
        """A bot with these arguments after the program's name; what it says goes to the log."""
        asked = {
            "id": os.urandom(8).hex(),
            "arguments": list(arguments),
            "environment": dict(environment),
            "log": str(log),
        }
        born: Future[Child] = Future()
        with self._lock:
            self._born[str(asked["id"])] = born
            assert self._mother.stdin
            self._mother.stdin.write(json.dumps(asked) + "\n")
            self._mother.stdin.flush()
        return await asyncio.wrap_future(born)

    def _listen(self) -> None:
        assert self._mother.stdout
        for line in self._mother.stdout:
            said: dict[str, Any] = json.loads(line)
            if "id" in said:
                child = self._children[said["pid"]] = Child(said["pid"])
                self._born.pop(said["id"]).set_result(child)
            else:
                self._children.pop(said["pid"]).ended(said["status"])


@cache
def nursery() -> Nursery:
    """One for each test process; it ends with it, because its standard input does."""
    return Nursery()


def _import_everything() -> None:
    import boto3  # noqa: F401  # what follows is what a bot imports while it runs
    import botocore.config  # noqa: F401

    import tests.support.killable  # noqa: F401


def _mother() -> None:
    """Fork a child for each line; tell its pid at once and its end when it comes. Single-threaded: a fork copies no lock."""
    _import_everything()
    awake, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.set_wakeup_fd(ring)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(awake, selectors.EVENT_READ)
    unread = b""
    while True:
        for key, _ in selector.select():
            if key.fd == awake:
                os.read(awake, 4096)
                _tell_of_ends()
                continue
            read = os.read(0, 1 << 16)
            if not read:
                return
            *lines, unread = (unread + read).split(b"\n")
            for line in lines:
                _bear(json.loads(line))


def _bear(asked: Mapping[str, Any]) -> None:
    pid = os.fork()
    if pid == 0:
        _live(asked)
    _say(id=asked["id"], pid=pid)


def _live(asked: Mapping[str, Any]) -> None:
    """In the child, which never returns: become what `python killable.py <arguments>` is."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["lifeboat", *asked["arguments"]]
    status = 1
    try:
        from tests.support.killable import main

        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001  # as the interpreter does at the end of a program
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _tell_of_ends() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(pid=pid, status=status)


if __name__ == "__main__":
    _mother()
