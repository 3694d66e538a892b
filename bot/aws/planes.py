"""What a call depends on: the service's data plane, its regional control plane, or one control plane for all regions.

A failover of a region must not depend on a global control plane: most of them are in one region, us-east-1. The lists are
AWS's own: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html
"""

import re
from collections.abc import Mapping

from bot.playbook.action import Plane

_ANY = re.compile("")

#: By boto3's name of the service, the operations that go to a control plane which exists once for all regions.
GLOBAL_CONTROL: Mapping[str, re.Pattern[str]] = {
    "iam": _ANY,
    "organizations": _ANY,
    "account": _ANY,
    "route53": _ANY,
    "route53domains": _ANY,
    "cloudfront": _ANY,
    "globalaccelerator": _ANY,
    "networkmanager": _ANY,
    "route53-recovery-control-config": _ANY,
    "arc-region-switch": re.compile(r"(Create|Update|Delete)Plan$"),
    # The configuration of buckets, not the objects in them.
    "s3": re.compile(r"(Create|Put|Delete)(Public|Bucket)"),
    # Making a load balancer or an API makes a name in Route 53.
    "elb": re.compile(r"CreateLoadBalancer$"),
    "elbv2": re.compile(r"CreateLoadBalancer$"),
    "apigateway": re.compile(r"Create(RestApi|DomainName)$"),
    "apigatewayv2": re.compile(r"Create(Api|DomainName)$"),
}

#: The operations that are the service's own work; they go on when nothing can be configured.
DATA: Mapping[str, re.Pattern[str]] = {
    "route53-recovery-cluster": _ANY,
    "arc-zonal-shift": re.compile(r"(Start|Cancel|Update)ZonalShift$"),
    "arc-region-switch": re.compile(r"(Start|Cancel|Get|Approve|List)Plan(Execution|Executions|ExecutionStep)"),
    "dynamodb": re.compile(r"(Batch|Transact)?(Get|Put|Update|Delete|Write)Items?$|Query$|Scan$|ExecuteStatement$"),
    "s3": re.compile(r"(Get|Put|Delete|Copy|Head)Objects?$|ListObjects"),
    # Failover of a Multi-Region Access Point, at any of five regions.
    "s3control": re.compile(r"(Get|Submit)MultiRegionAccessPointRoutes$"),
    "sqs": re.compile(r"(Send|Receive|Delete)Message"),
    "sns": re.compile(r"Publish"),
    "lambda": re.compile(r"Invoke"),
}


def plane(service: str, operation: str) -> Plane:
    """What the operation depends on; for one that no list has, its region's control plane."""
    for table, name in ((GLOBAL_CONTROL, "global-control"), (DATA, "data")):
        if (pattern := table.get(service)) and pattern.match(operation):
            return name  # type: ignore[return-value]  # the two names above are planes
    return "control"
