"""The shop's workers: instances of an Auto Scaling group, one in each zone at home."""

from typing import Any

from bot.rehearsal.estate.names import WORKERS
from bot.rehearsal.estate.site import Site


def lay_down(home: Site) -> None:
    scaling: Any = home.client("autoscaling")
    scaling.create_launch_configuration(
        LaunchConfigurationName=WORKERS, ImageId="ami-12c6146b", InstanceType="t3.micro"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=WORKERS, LaunchConfigurationName=WORKERS, MinSize=3, MaxSize=9, DesiredCapacity=3,
        VPCZoneIdentifier=",".join(home.subnets.values()),
    )  # fmt: skip
