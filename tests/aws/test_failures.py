"""bot/aws/failures.py: what each of AWS's errors means to a run and to a person."""

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from bot.aws.failures import translate
from bot.errors import ActionFailed


def client_error(code: str, status: int = 400, message: str = "it says so") -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "UpdateTable")  # type: ignore[arg-type]  # the parts that AWS always sends


@pytest.mark.parametrize(
    ("code", "status", "retry", "word"),
    [
        ("ThrottlingException", 400, True, "limiting"),
        ("ProvisionedThroughputExceededException", 400, True, "limiting"),
        ("TooManyUpdates", 400, True, "limiting"),
        ("Anything", 429, True, "limiting"),
        ("InternalServerError", 500, True, "AWS's side"),
        ("503", 503, True, "AWS's side"),
        ("ResourceInUseException", 400, True, "busy"),
        ("ContinuousBackupsUnavailableException", 400, True, "busy"),
        ("LimitExceededException", 400, True, "busy"),
        ("ExpiredTokenException", 403, False, "credentials"),
        ("UnrecognizedClientException", 400, False, "credentials"),
        ("SignatureDoesNotMatch", 403, False, "credentials"),
        ("AccessDeniedException", 400, False, "dynamodb:UpdateTable"),
        ("Forbidden", 403, False, "dynamodb:UpdateTable"),
        ("ValidationException", 400, False, "it says so"),
        ("ResourceNotFoundException", 400, False, "ResourceNotFoundException"),
        ("TableAlreadyExistsException", 400, False, "UpdateTable"),
    ],
)
def test_what_aws_answers(code: str, status: int, retry: bool, word: str) -> None:
    failed = translate(client_error(code, status), "dynamodb", "UpdateTable")
    assert (failed.code, failed.retry) == (code, retry)
    assert word in str(failed)


def test_a_quota_of_another_service_is_not_tried_again() -> None:
    assert not translate(client_error("LimitExceededException"), "application-autoscaling", "PutScalingPolicy").retry


def test_the_permission_that_aws_names_is_the_one_we_name() -> None:
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/lifeboat/x is not authorized to perform: "
        "dynamodb:RestoreTableToPointInTime on resource: arn:aws:dynamodb:us-east-1:123456789012:table/orders"
    )
    failed = translate(client_error("AccessDeniedException", 400, message), "dynamodb", "UpdateTable")
    assert "permission dynamodb:RestoreTableToPointInTime is missing" in str(failed)


@pytest.mark.parametrize(
    ("error", "retry", "word"),
    [
        (exceptions.ConnectTimeoutError(endpoint_url="http://x"), True, "Nothing was sent"),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), True, "Nothing was sent"),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), True, "may or may not"),
        (exceptions.ConnectionClosedError(endpoint_url="http://x"), True, "may or may not"),
        (exceptions.HTTPClientError(error="reset"), True, "may or may not"),
        (exceptions.NoCredentialsError(), False, "AWS_PROFILE"),
        (exceptions.NoRegionError(), False, "region"),
        (exceptions.ProfileNotFound(profile="dr"), False, "AWS_PROFILE"),
        (exceptions.ParamValidationError(report="Missing TableName"), False, "Missing TableName"),
        (ValueError("what is this"), False, "what is this"),
    ],
)
def test_what_happens_before_aws_answers(error: Exception, retry: bool, word: str) -> None:
    failed = translate(error, "dynamodb", "UpdateTable")
    assert failed.retry is retry
    assert failed.code == type(error).__name__
    assert word in str(failed)


def test_a_look_without_an_answer_has_perhaps_done_nothing() -> None:
    failed = translate(exceptions.ReadTimeoutError(endpoint_url="http://x"), "dynamodb", "DescribeTable", reads=True)
    assert failed.retry
    assert "did not answer DescribeTable" in str(failed)
    assert "done" not in str(failed)


def test_every_name_of_botocore_that_we_know_exists() -> None:
    from bot.aws import failures

    ours = failures.NO_CREDENTIALS | failures.UNANSWERED | failures.UNREACHABLE
    assert {name for name in ours if not hasattr(exceptions, name)} == set()


def test_our_own_error_stays_as_it_is() -> None:
    failed = translate(client_error("Throttling"), "dynamodb", "Scan")
    assert translate(failed) is failed
    assert isinstance(failed, ActionFailed)
