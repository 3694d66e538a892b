"""One region of the shop, and what it has learned of itself while it was laid down."""

from dataclasses import dataclass, field
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.estate.names import BUCKET, HOME

#: What the rehearsal calls itself in AWS, so that the log of calls tells it from the bot.
AGENT = "shop-rehearsal"


@dataclass
class Site:
    """`zones` are ids by name; `subnets` by zone name; `balancers` and `groups` are ARNs by name.

    `address`: the DNS name of the load balancer that customers come to.
    """

    aws: EmulatedAws
    region: str
    vpc: str = ""
    security_group: str = ""
    address: str = ""
    zones: dict[str, str] = field(default_factory=dict)
    subnets: dict[str, str] = field(default_factory=dict)
    balancers: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> bool:
        return self.region == HOME

    @property
    def bucket(self) -> str:
        return BUCKET.format(region=self.region)

    @property
    def topic(self) -> str:
        return f"arn:aws:sns:{self.region}:{self.aws.account}:alarms"

    def client(self, service: str) -> Any:
        """A boto3 client of this region that says whose it is."""
        return self.aws.client(service, self.region, user_agent_extra=AGENT)
