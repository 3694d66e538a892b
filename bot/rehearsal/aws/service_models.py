"""AWS's own service models, read once for the whole process.

boto3 and moto each read them for themselves, and a session of boto3's for each region, which was most of what starting
took, in time and in memory: the model of EC2 alone is nine megabytes of JSON.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from botocore.loaders import JSONFileLoader, Loader

#: A new client of S3 takes the bucket out of the paths of the very model that it was given: then no router knows them.
_CHANGED_BY_BOTO3 = "/s3/"


class SharedFiles(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """Reads each file once, into plain dicts: an OrderedDict is three times as slow, and twice as large."""

    _read: ClassVar[dict[str, Any]] = {}

    def _load_file(self, full_path: str, open_method: Any) -> Any:
        if _CHANGED_BY_BOTO3 in full_path:
            return super()._load_file(full_path, open_method)
        if full_path not in self._read and Path(full_path).is_file():
            with open_method(full_path, "rb") as file:
                self._read[full_path] = json.loads(file.read())
        return self._read.get(full_path)


def share() -> None:
    """Every loader that is made from now on reads so. Call it before moto is imported: it reads while it is."""
    Loader.FILE_LOADER_CLASS = SharedFiles
    import moto.core.utils as users  # noqa: PLC0415  # only now
    from moto import backends  # noqa: PLC0415  # only now

    users.create_loader = cache(users.create_loader)  # type: ignore[attr-defined]  # it lists every service for each
    modules = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules  # it lists its own folder for each request
