"""The environment of a rehearsal: its own AWS, and nothing of the reader's own account, for as long as it lasts."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_OURS = ("AWS_", "LIFEBOAT_", "SLACK_")
#: No file of the user's names another endpoint, profile or proxy for what is on loopback.
_NOTHING_ELSE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


@contextmanager
def environment(given: Mapping[str, str]) -> Iterator[None]:
    """The environment of AWS and Lifeboat replaced by what is given; put back as it was."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(_OURS):
            del os.environ[name]
    os.environ.update({**_NOTHING_ELSE, **given})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
