"""The wire protocols of AWS: which call a request is, and how a result or an error is written for its caller.

botocore's service models say it all, and moto ships the server's side of them (parsers, routers, serializers). boto3 1.44
speaks JSON to CloudWatch, SQS, DynamoDB and ECS, and query to SNS; older ones speak query to CloudWatch. The third
protocol of CloudWatch, rpc-v2-cbor, is chosen by no boto3 and known to no moto: it is refused with a clear message.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from botocore.parsers import create_parser
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, RequestDict
from moto.core.request import Request as MotoRequest
from moto.core.request import determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

from bot.rehearsal.aws.call import AwsError, Call, Reply, Request

_SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_XML_ERRORS = {
    "query": "<ErrorResponse><Error><Type>Sender</Type>{}</Error><RequestId>-</RequestId></ErrorResponse>",
    "rest-xml": "<ErrorResponse><Error><Type>Sender</Type>{}</Error><RequestId>-</RequestId></ErrorResponse>",
    "ec2": "<Response><Errors><Error>{}</Error></Errors><RequestID>-</RequestID></Response>",
    "s3": "<Error>{}<RequestId>-</RequestId></Error>",
}
_SIGNING_NAMES = {
    "monitoring": "cloudwatch", "email": "sesv2", "elasticloadbalancing": "elbv2", "servicequotas": "service-quotas",
}  # fmt: skip


@cache
def model_of(service: str) -> ServiceModel:
    """Raises botocore's UnknownServiceError."""
    return get_service_model(service)


def recognise(request: Request) -> Call:
    """What the request asks for. An unknown service or operation is "" and passes through."""
    scope = _SCOPE.search(request.header("authorization"))
    if scope is None:
        return Call(request, "", "", "us-east-1", {})
    service, path = _SIGNING_NAMES.get(scope["service"], scope["service"]), urlsplit(request.target).path
    if service == "s3" and path.startswith("/v20180820/"):  # S3's own control plane signs as S3
        service = "s3control"
    if request.header("x-amz-target").startswith("DynamoDBStreams_"):  # streams sign as their tables
        service = "dynamodbstreams"
    if path.startswith("/service/"):
        raise AwsError("UnsupportedProtocol", f"The emulated {service} does not speak rpc-v2-cbor; use JSON.")
    operation, parameters = _routed(service, request)
    return Call(request, service, operation, scope["region"], parameters)


def _routed(service: str, request: Request) -> tuple[str, Mapping[str, Any]]:
    incoming = MotoRequest.from_primitives(
        request.method, f"http://localhost{request.target}", dict(request.headers), request.body
    )
    try:
        operation, in_path = get_service_router(service).match(incoming)
        model = model_of(service)
        protocol = determine_request_protocol(model, request.header("content-type"))
    except (HTTPException, NotImplementedError, ValueError):  # what moto's router says for "no such operation"
        return "", {}
    if service == "s3":
        return operation.name, in_path  # its bodies are data, not parameters
    parser = PROTOCOL_PARSERS[protocol](model.operation_model(operation.name))
    fields: RequestDict = {
        "method": request.method,
        "values": incoming.values,
        "headers": incoming.headers,
        "body": request.body,
        "url_path": incoming.path,
        "url_params": in_path,
    }
    return operation.name, parser.parse(fields)  # the labels of the path too, by the names of the parameters


def result_of(call: Call, reply: Reply) -> dict[str, Any]:
    """A good reply as boto3 shows it. Raises `AwsError` for a bad one."""
    parser = create_parser(_protocol(call))
    response = {"status_code": reply.status, "headers": dict(reply.headers), "body": reply.body}
    shape = model_of(call.service).operation_model(call.operation).output_shape
    parsed: dict[str, Any] = parser.parse(response, shape)
    if not reply.ok:
        error = parsed.get("Error", {})
        raise AwsError(error.get("Code", "Unknown"), error.get("Message", ""), reply.status)
    parsed.pop("ResponseMetadata", None)
    return parsed


def written(call: Call, result: Mapping[str, Any]) -> Reply:
    model = model_of(call.service)
    serializer = get_serializer_class(str(model.service_name), _protocol(call))(model.operation_model(call.operation))
    content = serializer.serialize(dict(result))
    headers = {str(key): str(value) for key, value in content["headers"].items()}
    body = content["body"]
    return Reply(content["status_code"], tuple(headers.items()), body.encode() if isinstance(body, str) else body)


def refused(call: Call, error: AwsError) -> Reply:
    """An error for a caller of any service, and for one whose service nobody knows."""
    protocol = _protocol(call) if call.operation else "query"
    if "json" in protocol:
        body = json.dumps({"__type": error.code, "message": error.message})
        headers = (("Content-Type", "application/x-amz-json-1.0"), ("X-Amzn-Errortype", error.code))
        return Reply(error.status, headers, body.encode())
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    outer = _XML_ERRORS["s3" if call.service == "s3" else protocol]
    return Reply(error.status, (("Content-Type", "text/xml"),), outer.format(inner).encode())


def _protocol(call: Call) -> str:
    return str(determine_request_protocol(model_of(call.service), call.request.header("content-type")))
