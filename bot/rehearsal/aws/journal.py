"""Every change of one table's items, with its time, so that the table can be read as it was."""

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType

Key = tuple[Any, Any]  # moto's typed hash and range values; the second is None in a table without a range key


def key_of(table: Any, attributes: Mapping[str, Any]) -> Key:
    """Of an item with these attributes in moto's table."""
    names = (table.hash_key_attr, table.range_key_attr)
    hash_key, range_key = (DynamoType(attributes[name]) if name else None for name in names)
    return hash_key, range_key


class Journal:
    """`table` is moto's. The journal knows what the table held when it began, and each later image of a changed item."""

    def __init__(self, table: Any, began_at: datetime) -> None:
        self.table, self.began_at = table, began_at
        self._baseline = dict(_images(table))
        self._latest = dict(self._baseline)
        self._changes: list[tuple[datetime, Key, Any | None]] = []

    def key_of(self, attributes: Mapping[str, Any]) -> Key:
        return key_of(self.table, attributes)

    def note(self, at: datetime, keys: Iterable[Key] | None = None) -> None:
        """Look at these items, or at all, and keep what is not as it was; safe to call for a write that failed."""
        for key in set(keys) if keys is not None else self._latest.keys() | dict(_images(self.table)).keys():
            image = copy.deepcopy(self.table.get_item(*key))
            if not _same(image, self._latest.get(key)):
                self._changes.append((at, key, image))
                self._latest[key] = image

    def as_of(self, at: datetime) -> dict[Any, Any]:
        """The items at that instant, changes at the very instant included, in the shape that moto's tables hold."""
        images: dict[Key, Any | None] = dict(self._baseline)
        images.update({key: image for when, key, image in self._changes if when <= at})
        items: dict[Any, Any] = defaultdict(dict)
        for (hash_key, range_key), image in images.items():
            if image is None:
                continue
            if range_key is None:
                items[hash_key] = copy.deepcopy(image)
            else:
                items[hash_key][range_key] = copy.deepcopy(image)
        return items


def _images(table: Any) -> Iterator[tuple[Key, Any]]:
    for item in table.all_items():
        yield (item.hash_key, item.range_key), copy.deepcopy(item)


def _same(left: Any | None, right: Any | None) -> bool:
    if left is None or right is None:
        return left is right
    return bool(left.to_json() == right.to_json())
