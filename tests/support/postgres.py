"""A PostgreSQL server for the tests: Debian's binaries, a free port on loopback, its own data folder."""

import os
import pwd
import shutil
import socket
import subprocess
import uuid
from pathlib import Path
from typing import Self

import psycopg


def _binaries() -> Path | None:
    """The folder of `initdb`: Debian keeps it out of PATH."""
    found = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)]
    on_path = shutil.which("initdb")
    return found[0] if found else Path(on_path).resolve().parent if on_path else None


def missing_server() -> str:
    """Why no server can be started here, or an empty string."""
    if _binaries() is None:
        return "PostgreSQL is not installed: apt-get install -y postgresql"
    if os.geteuid() == 0 and not _postgres_user():
        return "PostgreSQL refuses to run as root and there is no user postgres: apt-get install -y postgresql"
    return ""


def _postgres_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


class PostgresServer:
    """`with PostgresServer(folder) as server: server.new_database()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path("/tmp") / f"lifeboat-pg-{uuid.uuid4().hex[:8]}" if os.geteuid() == 0 else folder / "pg"
        self.log = folder / "postgres.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> Self:
        binaries = _binaries()
        assert binaries
        self.folder.mkdir()
        user = _postgres_user() if os.geteuid() == 0 else None
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        subprocess.run(
            [binaries / "initdb", "-D", self.folder / "data", "-A", "trust", "-U", "lifeboat", "--no-sync", "-E", "UTF8"],
            check=True, stdout=subprocess.DEVNULL, cwd="/", **who,
        )  # fmt: skip
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c max_connections=200 -c fsync=off"
        subprocess.run(
            [binaries / "pg_ctl", "-D", self.folder / "data", "-o", options, "-l", self.folder / "log", "-w", "start"],
            check=True, stdout=subprocess.DEVNULL, cwd="/", **who,
        )  # fmt: skip
        self._stop = [str(binaries / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop"]
        self._who = who
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(self._stop, check=True, stdout=subprocess.DEVNULL, cwd="/", **self._who)
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self, template: str = "template0") -> str:
        """The URL of a fresh database: empty, or a copy of `template`."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://lifeboat@127.0.0.1:{self.port}/{name}"
