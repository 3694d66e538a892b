"""What went wrong in AWS, told in our own error: what, where, what to do, and whether to try again.

No import of botocore: its errors are told apart by their names and by the `response` that they carry, so that reading
this module costs nothing at start-up.
"""

import re
from typing import Any

from bot.errors import N_, ActionFailed, Phrase, phrase

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
BAD_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TooManyUpdates",
    }
)
#: Another change of the same thing is under way; AWS takes ours when that has ended.
BUSY = frozenset({"ConcurrentUpdateException", "ContinuousBackupsUnavailableException", "ResourceInUseException"})

NO_CREDENTIALS = frozenset(
    {
        "CredentialRetrievalError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "NoRegionError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)
#: The request may have arrived: whether it was done is known only after a read.
UNANSWERED = frozenset(
    {"ConnectionClosedError", "HTTPClientError", "IncompleteReadError", "ReadTimeoutError", "ResponseStreamingError"}
)
UNREACHABLE = frozenset(
    {"ConnectTimeoutError", "ConnectionError", "EndpointConnectionError", "ProxyConnectionError", "SSLError"}
)

_NOT_SHOWN = N_("{service} did not answer {operation} in time: {error} Try again; is the region down?")
_PERHAPS_DONE = N_(
    "{service} did not answer {operation} in time, so it may or may not have been done: {error} "
    "The next attempt looks first."
)


def translate(error: Exception, service: str = "aws", operation: str = "", *, reads: bool = False) -> ActionFailed:
    """Our error for one of botocore's. `service` is the prefix that IAM uses (`elasticloadbalancing`, not `elbv2`).

    `reads`: the operation only looks, so there is nothing that may have been done.
    """
    if isinstance(error, ActionFailed):
        return error
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return _refused(response, service, operation)
    name = type(error).__name__
    where = {"service": service, "operation": operation or "-"}
    if name in NO_CREDENTIALS:
        what = N_("AWS cannot be called: {error} Set AWS_PROFILE, AWS_ACCESS_KEY_ID or a role, and the region.")
        return ActionFailed(phrase(what, error=str(error)), code=name)
    if name in UNREACHABLE:
        what = N_("{service} does not answer ({operation}): {error} Nothing was sent. Try again; is the region down?")
        return ActionFailed(phrase(what, error=str(error), **where), retry=True, code=name)
    if name in UNANSWERED:
        what = _NOT_SHOWN if reads else _PERHAPS_DONE
        return ActionFailed(phrase(what, error=str(error), **where), retry=True, code=name)
    what = N_("{service} could not be asked for {operation}: {error} Correct the step's parameters.")
    return ActionFailed(phrase(what, error=str(error), **where), code=name)


def _refused(response: dict[str, Any], service: str, operation: str) -> ActionFailed:
    """AWS answered, with an error."""
    code = str(response["Error"].get("Code", ""))
    message = str(response["Error"].get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    where = {"service": service, "operation": operation or "-", "code": code, "message": message}
    if code in DENIED or (status == 403 and code not in BAD_CREDENTIALS):
        return ActionFailed(_denied(message, service, operation), code=code)
    if code in BAD_CREDENTIALS:
        what = N_("AWS does not accept our credentials ({code}: {message}). Renew them, then try again.")
        return ActionFailed(phrase(what, **where), code=code)
    if code in THROTTLED or status == 429:
        what = N_("{service} is limiting our calls ({operation}: {code}). Try again in a moment.")
        return ActionFailed(phrase(what, **where), retry=True, code=code, kind="throttled")
    if code in BUSY or (service, code) == ("dynamodb", "LimitExceededException"):
        what = N_("{service} is busy with another change ({operation}: {message}). Try again when that has ended.")
        return ActionFailed(phrase(what, **where), retry=True, code=code, kind="conflict")
    if status >= 500:
        what = N_("{service} failed on AWS's side ({operation}: {code} {message}). Try again; see the AWS Health page.")
        return ActionFailed(phrase(what, **where), retry=True, code=code)
    what = N_("{service} refuses {operation} ({code}): {message} Correct what it names, then retry the step.")
    return ActionFailed(phrase(what, **where), code=code)


def _denied(message: str, service: str, operation: str) -> Phrase:
    """AWS names the permission in its message, except when it hides it."""
    named = re.search(r"perform:? ([\w-]+:\w+)", message)
    permission = named.group(1) if named else f"{service}:{operation or '*'}"
    what = N_("The IAM permission {permission} is missing: {message} Add it to Lifeboat's role, then retry.")
    return phrase(what, permission=permission, message=message)
