"""The way to AWS, and the only module of the product that imports boto3.

`Session.client("dynamodb")` is used like a boto3 client, with three differences that every action relies on:

- it raises `ActionFailed` (`code` is AWS's own code, `retry` tells whether trying again may help), never botocore's errors;
- a call that changes something is sent once: after a timeout nobody knows whether it was done, so the caller reads first
  (`act` does) and only then sends it again, while reads are retried by botocore's standard mode;
- a call that changes something is refused when the credentials belong to another account than the configured one.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.aws.failures import translate
from bot.errors import N_, ActionFailed, phrase

#: Operations that only look. What is not listed counts as a change, which costs a retry and never a second effect.
READS = re.compile(r"(Describe|Get|List|BatchGet|Scan|Query|Head|Receive|Lookup|Search|Select|Filter)(?=[A-Z]|$)")

#: Seconds that a service may let a read wait on purpose: SQS's longest poll.
HELD = {"sqs": 20}
#: Seconds that one endpoint of several may take: whoever names it has others to ask.
OF_SEVERAL = 4


@dataclass(frozen=True)
class Settings:
    """How we call AWS: seconds, attempts, and the account that our credentials must belong to (None: any)."""

    account: str | None = None
    connect_timeout: float = 2
    read_timeout: float = 10
    max_attempts: int = 3
    connections: int = 32


class Session:
    """Clients per service and region, made once and shared by threads (a client is thread-safe, making one is not)."""

    def __init__(self, region: str, settings: Settings | None = None) -> None:
        self.region = region
        self._settings = settings or Settings()
        self._lock = threading.RLock()
        self._boto3: Any = None
        self._clients: dict[tuple[str, str, str], Client] = {}
        self._account: str | None = None

    def client(self, service: str, region: str | None = None, *, endpoint: str = "") -> "Client":
        """A client of `service` in `region` (None: the session's own). Endpoints come from AWS_ENDPOINT_URL[_SERVICE].

        `endpoint`: one of several that serve the same, such as those of a routing control cluster. It is asked once, also
        when it is only read, and it may not take long.
        """
        key = (service, region or self.region, endpoint)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._new_client(*key)
            return self._clients[key]

    def account(self) -> str:
        """The account of our credentials, asked once."""
        if self._account is None:
            self._account = str(self.client("sts").get_caller_identity()["Account"])
        return self._account

    def assert_account(self) -> None:
        """Raises `ActionFailed` unless the credentials belong to the configured account."""
        expected = self._settings.account
        if expected and self.account() != expected:
            what = N_(
                "The AWS credentials belong to account {account}, but {expected} is configured; nothing was changed. "
                "Use the credentials of {expected}, or correct the account in lifeboat.yaml."
            )
            raise ActionFailed(phrase(what, account=self.account(), expected=expected), code="WrongAccount")

    def _new_client(self, service: str, region: str, endpoint: str) -> "Client":
        once = {"mode": "standard", "total_max_attempts": 1}
        reads = once if endpoint else {"mode": "standard", "max_attempts": self._settings.max_attempts}
        try:
            return Client(
                reads=self._boto3_client(service, region, endpoint, reads),
                changes=self._boto3_client(service, region, endpoint, once),
                before_change=self.assert_account,
            )
        except Exception as error:
            raise translate(error, service) from error

    def _boto3_client(self, service: str, region: str, endpoint: str, retries: Mapping[str, Any]) -> Any:
        from botocore.config import Config  # noqa: PLC0415  # slow to import, and `lifeboat --help` needs none of it

        patience = self._settings.read_timeout + HELD.get(service, 0)
        config = Config(
            retries=retries,
            connect_timeout=self._settings.connect_timeout,
            read_timeout=min(patience, OF_SEVERAL) if endpoint else patience,
            max_pool_connections=self._settings.connections,
        )
        return self._session().client(service, region_name=region, endpoint_url=endpoint or None, config=config)

    def _session(self) -> Any:
        if self._boto3 is None:
            import boto3  # noqa: PLC0415  # as above
            import botocore.session  # noqa: PLC0415  # as above

            core = botocore.session.Session()
            # A global STS endpoint is in us-east-1: signing in would depend on the region that may be failing.
            core.set_config_variable("sts_regional_endpoints", "regional")
            self._boto3 = boto3.Session(botocore_session=core)
        return self._boto3


class Client:
    """A boto3 client under our rules (see the module's docstring); what is not an API call is passed through."""

    def __init__(self, *, reads: Any, changes: Any, before_change: Callable[[], None]) -> None:
        self._reads, self._changes, self._before_change = reads, changes, before_change

    def __getattr__(self, name: str) -> Any:
        operation = self._reads.meta.method_to_api_mapping.get(name)
        if operation is None:
            return getattr(self._reads, name)
        reads = bool(READS.match(operation))
        method = getattr(self._reads if reads else self._changes, name)

        def call(**parameters: Any) -> Any:
            if not reads:
                self._before_change()
            try:
                return method(**parameters)
            except Exception as error:
                service = self._reads.meta.service_model.signing_name
                raise translate(error, service, operation, reads=reads) from error

        return call
