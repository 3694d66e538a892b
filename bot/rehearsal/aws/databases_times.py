"""How long RDS takes for what."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DatabaseTimes:
    """Seconds, divided by the clock's speed. `behind`: how far the latest restorable moment is behind now.

    AWS: a failover is typically over in less than 35 seconds, a restore and a new instance take minutes.
    """

    failover: float = 20
    reboot: float = 60
    restore: float = 600
    create: float = 300
    delete: float = 60
    promote: float = 90
    switch: float = 60
    rebuild: float = 300
    behind: float = 300
