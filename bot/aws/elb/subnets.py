"""The subnets of a load balancer as AWS takes them back: with the addresses that a network load balancer has in each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.aws.left import Left, as_value, read, tag_of
from bot.aws.zone.find import Balancer, Zone
from bot.playbook.action import Aws, Call

#: What IAM calls a load balancer.
ARNS = ("arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/*",)

Mapped = Mapping[str, str]  # one of SubnetMappings


def mappings_of(balancer: Balancer) -> list[Mapped]:
    """One for each subnet. An address that AWS chose by itself is not in it, and will be another one next time."""
    return [_mapping(one) for one in balancer["AvailabilityZones"]]


def outside(balancer: Balancer, zone: Zone) -> list[Mapped]:
    return [_mapping(one) for one in balancer["AvailabilityZones"] if one["ZoneName"] != zone.name]


def inside(balancer: Balancer, zone: Zone) -> list[Mapped]:
    return [_mapping(one) for one in balancer["AvailabilityZones"] if one["ZoneName"] == zone.name]


def shown(mappings: Sequence[Mapped]) -> str:
    return ", ".join(" ".join(one.values()) for one in mappings)


def as_text(mappings: Sequence[Mapped]) -> str:
    return json.dumps(list(mappings), sort_keys=True)


def set_subnets(balancer: Balancer, mappings: Sequence[Mapped]) -> Call:
    """All that it shall have: AWS replaces the whole list."""
    asked: dict[str, Any] = {"LoadBalancerArn": balancer["LoadBalancerArn"]}
    if balancer["Type"] == "application":
        asked["Subnets"] = [one["SubnetId"] for one in mappings]
    else:
        asked["SubnetMappings"] = [dict(one) for one in mappings]
    return Call("elbv2", "SetSubnets", asked)


def left_by(aws: Aws, balancer: Balancer, zone: Zone) -> list[Mapped] | None:
    """What is written on the load balancer about that zone."""
    described = aws.client("elbv2").describe_tags(ResourceArns=[balancer["LoadBalancerArn"]])["TagDescriptions"]
    tags = [tag for one in described for tag in one["Tags"] if tag["Key"] == tag_of(zone)]
    return _mappings(read(tags[0].get("Value", ""))) if tags else None


def note_down(balancer: Balancer, zone: Zone) -> Call:
    there = inside(balancer, zone)
    addresses = {one["SubnetId"]: one[name] for one in there for name in one if name != "SubnetId"}
    left = Left(tuple(one["SubnetId"] for one in there if one["SubnetId"] not in addresses), addresses)
    tag = {"Key": tag_of(zone), "Value": as_value(left)}
    return Call("elbv2", "AddTags", {"ResourceArns": [balancer["LoadBalancerArn"]], "Tags": [tag]})


def strike_out(balancer: Balancer, zone: Zone) -> Call:
    return Call("elbv2", "RemoveTags", {"ResourceArns": [balancer["LoadBalancerArn"]], "TagKeys": [tag_of(zone)]})


def _mapping(zone: Mapping[str, Any]) -> Mapped:
    """`AllocationId`: an Elastic IP address; `PrivateIPv4Address`: one that somebody chose."""
    addresses = next(iter(zone.get("LoadBalancerAddresses") or [{}]))
    chosen = {name: addresses[name] for name in ("AllocationId", "PrivateIPv4Address") if addresses.get(name)}
    return {"SubnetId": zone["SubnetId"], **chosen}


def _mappings(left: Left) -> list[Mapped]:
    """What `note_down` wrote."""
    with_address = [
        {"SubnetId": subnet, "AllocationId" if value.startswith("eipalloc-") else "PrivateIPv4Address": value}
        for subnet, value in left.settings.items()
    ]
    return [*({"SubnetId": subnet} for subnet in left.subnets), *with_address]
