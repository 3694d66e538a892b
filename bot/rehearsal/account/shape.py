"""What an account has, as plain values: enough to lay the same down again, and nothing that is secret."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Group(_Part):
    """A target group."""

    name: str
    protocol: str = "HTTP"
    port: int = 80
    kind: str = "ip"


class Balancer(_Part):
    """An application or a network load balancer, with the target groups behind it. `zones` are names."""

    name: str
    kind: str = "application"
    zones: tuple[str, ...]
    shiftable: bool = False
    groups: tuple[Group, ...] = ()


class Service(_Part):
    """An ECS service. `least` and `most`: what autoscaling allows, None where it has no say."""

    name: str
    tasks: int
    launch: str = "FARGATE"
    group: str = ""
    cpu: str = "256"
    memory: str = "512"
    least: int | None = None
    most: int | None = None


class Cluster(_Part):
    name: str
    services: tuple[Service, ...] = ()


class Table(_Part):
    """`keys`: name, type and kind (HASH, RANGE) of each attribute of the key."""

    name: str
    keys: tuple[tuple[str, str, str], ...]
    recoverable: bool = False
    expires_by: str = ""
    stream: str = ""
    protected: bool = False


class Region(_Part):
    """`zones`: names of those that have a subnet."""

    name: str
    zones: tuple[str, ...] = ()
    balancers: tuple[Balancer, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    tables: tuple[Table, ...] = ()


class Shape(_Part):
    """`unread`: what we were not allowed to read, or what was too much, as English for people."""

    regions: tuple[Region, ...]
    unread: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """What `as_json` gave. Raises pydantic's ValidationError."""
        return cls.model_validate(values)
