"""Errors, failures and answers by themselves, without a server: every branch of the tables, quickly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import botocore.exceptions
import pytest
from fcall_aws._answers import Head, check_head, head_of, limit_wait, log_text, result_of
from fcall_aws._errors import EXPIRED, answer_error, call_error, creation_error
from fcall_aws._failures import FAILURES, function_error, stream_error

from fcall.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidPayloadError,
    InvalidRequestError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
    UnmappedProviderError,
)
from fcall.provider import Deadline, InvocationResult

NO, MAYBE, YES = Executed.NO, Executed.MAYBE, Executed.YES
SECRET = "s3cr3t-content"


def soon() -> Deadline:
    """A deadline that a test does not reach."""
    return Deadline.after(3600)


def passed() -> Deadline:
    """A deadline that has passed."""
    return Deadline.after(0)


def response(
    code: str | None = "Any", message: Any = "words", status: Any = 400, **metadata: Any
) -> dict[str, dict[str, Any]]:
    """What botocore makes of an answer that is an error."""
    said = {"Code": code, "Message": message} if code is not None else {}
    return {"Error": said, "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1", **metadata}}


def refusal(operation: str = "Invoke", **said: Any) -> botocore.exceptions.ClientError:
    return botocore.exceptions.ClientError(response(**said), operation)


def test_an_answer_becomes_an_error_with_everything() -> None:
    """Class, words, code, status, request id and pause are taken from where botocore puts them."""
    headers = {"retry-after": "2"}
    error = answer_error(response("TooManyRequestsException", "Rate Exceeded.", 429, HTTPHeaders=headers))

    assert isinstance(error, ThrottledError)
    assert "Lambda says: Rate Exceeded." == error.message
    assert ("TooManyRequestsException", 429, "r-1") == (error.code, error.status_code, error.request_id)
    assert 2.0 == error.retry_after


@pytest.mark.parametrize(
    ("body", "header", "seconds"),
    [
        ("3", "2", 3.0),
        ("soon", "2", 2.0),
        (None, "2", 2.0),
        ("inf", "0", 0.0),
        ("-1", None, None),
        ("nan", None, None),
        ("0", None, 0.0),
        ("0.25", None, 0.25),
        (None, None, None),
    ],
)
def test_the_pause_is_the_first_that_is_one(body: str | None, header: str | None, seconds: float | None) -> None:
    """The body's word goes before the header's, and what is no finite number of seconds is none."""
    answer: dict[str, Any] = response("ThrottlingException", status=429, HTTPHeaders={"retry-after": header})
    error = answer_error({**answer, "retryAfterSeconds": body})

    assert isinstance(error, ThrottledError)
    assert seconds == error.retry_after


@pytest.mark.parametrize("status", [100, 203, 302, 418])
def test_a_code_that_nobody_knows_is_in_doubt(status: int) -> None:
    """Whatever its status, it is not tried again on the off chance that it may pass."""
    error = answer_error(response("NobodyKnows", status=status))

    assert (ProviderUnavailableError, MAYBE, False) == (type(error), error.executed, error.retryable)
    assert "nothing is known of this answer" in error.message


@pytest.mark.parametrize("metadata", [None, {}, {"HTTPHeaders": None}, {"HTTPHeaders": {}}])
def test_an_answer_may_say_nothing(metadata: Any) -> None:
    """Without metadata there is no code, no status and no id, and the function may have run."""
    error = answer_error({"Error": None, "ResponseMetadata": metadata})

    assert UnmappedProviderError is type(error)
    assert (MAYBE, "", None, None) == (error.executed, error.code, error.status_code, error.request_id)
    assert "Lambda refused the call" == error.message


def test_a_throttled_answer_may_have_no_metadata() -> None:
    """A double gives the code alone."""
    error = answer_error({"Error": {"Code": "Throttling"}})

    assert isinstance(error, ThrottledError)
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"RequestId": "r"}, "r"),
        ({"RequestId": "", "HTTPHeaders": {"x-amzn-requestid": "h"}}, "h"),
        ({"HTTPHeaders": {"x-amzn-requestid": "h"}}, "h"),
        ({"RequestId": 5}, None),
    ],
)
def test_the_request_id_is_a_text(metadata: dict[str, Any], expected: str | None) -> None:
    """It is botocore's, or else the header's."""
    said = {"Error": {"Code": "ServiceException"}, "ResponseMetadata": metadata}

    assert expected == answer_error(said).request_id


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [(None, 404, InvalidRequestError), (None, 503, ProviderUnavailableError), ("404", 404, InvalidRequestError)],
)
def test_a_status_stands_for_the_code_that_is_not_there(
    code: str | None, status: int, expected: type[FcallError]
) -> None:
    """What stands before the service is told by its status, and not by its words."""
    error = answer_error(response(code, SECRET, status))

    assert expected is type(error)
    assert str(status) == error.code
    assert error.message.startswith(f"what answered said {status}")
    assert SECRET not in str(error)


def test_words_are_printable_and_short() -> None:
    """300 characters of one line, whichever key has them."""
    error = answer_error({"Error": {"Code": "ServiceException", "message": "a\nb" + "c" * 500}})

    assert "Lambda says: a b" + "c" * 297 == error.message


@pytest.mark.parametrize("message", [None, 5, ["x"], ""])
def test_words_that_are_none_are_ours(message: Any) -> None:
    """Where the service says nothing readable, we say that it refused."""
    assert (
        "Lambda refused the call"
        == answer_error({"Error": {"Code": "ServiceException", "Message": message or None}}).message
    )


@pytest.mark.parametrize("code", ["InvalidSignatureException", "InvalidRequestContentException", "NobodyKnows"])
def test_words_that_may_hold_a_secret_are_left_out(code: str) -> None:
    """A canonical request, a payload, and what has no row are not repeated."""
    raised = refusal(code=code, message=SECRET, status=None)
    error = call_error(raised, sent=True, deadline=soon())

    assert SECRET not in str(error)
    assert error.message.startswith("Lambda refused the call")
    assert (None if code != "NobodyKnows" else raised) is error.__cause__


def test_an_error_of_ours_passes() -> None:
    """What is mapped already is not mapped again."""
    ours = ConnectionFailedError("x")

    assert ours is call_error(ours, sent=True, deadline=passed())


def test_what_was_sent_is_named() -> None:
    """Whether something was is too important to go by its position."""
    with pytest.raises(TypeError):
        call_error(OSError(), True, soon())  # type: ignore[misc]


@pytest.mark.parametrize("operation", ["Invoke", "InvokeWithResponseStream", "ListFunctions"])
@pytest.mark.parametrize("sent", [True, False])
def test_a_refusal_of_lambda_is_one_whatever_was_sent(operation: str, sent: bool) -> None:
    """A double answers before anything is on its way; it has its row all the same, and the original as its cause."""
    raised = refusal(operation, code="ResourceConflictException")
    error = call_error(raised, sent=sent, deadline=soon())

    assert "ResourceConflictException" == error.code
    assert error.retryable
    assert raised is error.__cause__


def test_a_refusal_by_another_service_is_none_of_lambda() -> None:
    """The service that gives out credentials has the same codes."""
    error = call_error(refusal("AssumeRole", code="ServiceException"), sent=False, deadline=soon())

    assert (AuthenticationError, NO) == (type(error), error.executed)
    assert error.__cause__ is None


def test_an_event_of_a_stream_has_no_metadata() -> None:
    """An error amid a stream is a broken stream."""
    event = botocore.exceptions.EventStreamError({"Error": {"Code": "X"}}, "InvokeWithResponseStream")
    error = call_error(event, sent=True, deadline=soon(), executed=YES)

    assert (ConnectionFailedError, YES) == (type(error), error.executed)
    assert event is error.__cause__


def test_a_page_is_left_out_of_the_chain() -> None:
    """botocore takes the body of an answer without a code for its message."""
    error = call_error(refusal(code="502", message="<html>", status=502), sent=True, deadline=soon())

    assert error.__cause__ is None


def test_what_repeats_an_answer_is_left_out_of_the_chain() -> None:
    """Also where it stands behind another exception, and although that chain has no end."""
    try:
        json.loads(SECRET)
    except ValueError as inner:
        outer = OSError("x")
        outer.__context__ = inner
        inner.__context__ = outer
    plain = OSError("x")

    assert call_error(outer, sent=True, deadline=soon()).__cause__ is None
    assert plain is call_error(plain, sent=True, deadline=soon()).__cause__


@pytest.mark.parametrize("function", ["do_handshake", "ssl_wrap_socket", "_match_hostname", "recv"])
def test_what_breaks_in_the_handshake_did_not_run(function: str) -> None:
    """It is told by the function of Python or urllib3 that raised it, however deep in the chain."""
    program = f"def {function}(): raise OSError('x')\ndef around(): {function}()\n"
    names: dict[str, Any] = {}
    exec(program, names)
    try:
        try:
            names["around"]()
        except OSError as cause:
            raise botocore.exceptions.SSLError(endpoint_url="x", error="y") from cause
    except botocore.exceptions.SSLError as raised:
        error = call_error(raised, sent=True, deadline=soon())

    assert ConnectionFailedError is type(error)
    assert (MAYBE if function == "recv" else NO) is error.executed
    assert (function != "recv") is ("no secure connection" in error.message)


def test_a_connection_lost_when_time_is_up_is_a_timeout() -> None:
    """Whether it ran stays as it is known."""
    for sent, executed in ((True, MAYBE), (False, NO)):
        raised = botocore.exceptions.ConnectionClosedError(endpoint_url="x")
        late = call_error(raised, sent=sent, deadline=passed())
        early = call_error(raised, sent=sent, deadline=soon())

        assert (InvocationTimeoutError, executed) == (type(late), late.executed)
        assert (ConnectionFailedError, executed) == (type(early), early.executed)
        assert ("nothing was sent" in early.message) is not sent


def test_only_a_lost_connection_is_a_timeout_when_time_is_up() -> None:
    """A mistake in the parameters is none because it comes late."""
    raised = botocore.exceptions.ParamValidationError(report="x")
    error = call_error(raised, sent=False, deadline=passed())

    assert isinstance(error, ConfigurationError)


@pytest.mark.parametrize("known", [None, NO, YES])
def test_who_knows_more_says_whether_it_ran(known: Executed | None) -> None:
    """What the caller knows of an answer's head goes before the row."""
    error = call_error(OSError(), sent=True, deadline=soon(), executed=known)

    assert (known or (MAYBE if known is None else NO)) is error.executed


def test_a_client_that_cannot_be_made() -> None:
    """Credentials are credentials, and everything else is configuration; secrets stay out of the chain."""
    no_profile = botocore.exceptions.ProfileNotFound(profile="x")
    no_keys = botocore.exceptions.PartialCredentialsError(provider="x", cred_var="y")
    process = botocore.exceptions.CredentialRetrievalError(provider="x", error_msg=SECRET)
    late = RuntimeError("refreshed credentials are still expired")
    made = [creation_error(each) for each in (no_profile, no_keys, process, late, LookupError())]

    assert [ConfigurationError, AuthenticationError, AuthenticationError, ConfigurationError, ConfigurationError] == [
        type(error) for error in made
    ]
    assert [NO] * 5 == [error.executed for error in made]
    assert [no_profile, no_keys, None, late] == [error.__cause__ for error in made[:4]]
    assert "look at the profile" in made[1].message
    assert "region, profile and endpoint_url" in made[0].message


def test_which_credentials_can_be_renewed() -> None:
    """The codes for which a call is made again with fresh credentials are those of the API."""
    assert {"ExpiredToken", "ExpiredTokenException", "RequestExpired"} == EXPIRED


def failed(document: Any, log_tail: str | None = "log") -> FcallError:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return function_error(InvocationResult(payload, 200, "r-1", "7", log_tail))


@pytest.mark.parametrize("name", sorted(FAILURES))
def test_a_platforms_failure_is_told_by_its_type(name: str) -> None:
    """The type is the code, and goes to the error whatever its class; one that did not reach the function is ours."""
    error = failed({"errorType": name, "errorMessage": "it", "requestId": "1"})

    assert (name, 200, "r-1") == (error.code, error.status_code, error.request_id)
    if isinstance(error, InvalidPayloadError):
        assert "the function's runtime cannot read what it was sent" == error.message
    else:
        assert isinstance(error, FunctionError)
        assert (name, "it", "log") == (error.error_type, error.error_message, error.log_tail)


STACK = ["  a", "  b"]
LATE = "2024 1 Task timed out after 1.00 seconds"


@pytest.mark.parametrize(
    ("document", "expected", "executed"),
    [
        ({"errorType": "ValueError", "errorMessage": "x", "stackTrace": STACK}, FunctionError, YES),
        ({"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"}, FunctionOutOfMemoryError, YES),
        ({"errorType": "Runtime.ExitError", "errorMessage": "signal: killed!"}, FunctionCrashedError, YES),
        ({"errorType": "Mine", "errorMessage": "signal: killed"}, FunctionError, YES),
        ({"errorType": "Zed", "errorMessage": "signal: killed"}, FunctionError, YES),
        ({"errorMessage": LATE}, FunctionTimeoutError, YES),
        ({"errorMessage": "Task timed out"}, FunctionError, YES),
        ({"errorType": "Mine", "errorMessage": LATE}, FunctionError, YES),
        ({"errorType": "Sandbox.Timedout", "stackTrace": STACK}, FunctionError, YES),
        ({"errorType": "Function.ResponseSizeTooLarge", "stackTrace": STACK}, FunctionError, YES),
        ({"errorType": "Runtime.MarshalError", "stackTrace": STACK}, FunctionResponseError, YES),
        ({"errorType": "KeyError", "requestId": "", "stackTrace": STACK}, FunctionLoadError, NO),
        ({"errorType": "Runtime.Unheard", "requestId": ""}, FunctionLoadError, NO),
        ({"errorType": "KeyError", "requestId": "1"}, FunctionError, YES),
        ({"errorType": "Runtime.Unheard"}, FunctionError, MAYBE),
        ({"errorType": "Extension.Unheard"}, FunctionError, MAYBE),
        ({"errorType": "Runtime.Unheard", "stackTrace": STACK}, FunctionError, YES),
        ({"errorType": "Runtime.Unheard.Of"}, FunctionError, YES),
        ({"errorType": "My.Error"}, FunctionError, YES),
    ],
)
def test_a_failure_is_told_by_type_stack_and_words(document: Any, expected: type[FcallError], executed: Any) -> None:
    """A class of the function's own may have any name; a stack, or its absence, shows whose word it is."""
    error = failed(document)

    assert (expected, executed) == (type(error), error.executed)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"errorType": 5, "errorMessage": {"a": 1}, "trace": ["x", 7]}, ("5", '{"a": 1}', ("x", "7"))),
        ({"stackTrace": "no list"}, ("", "", ())),
        ({"stackTrace": [], "trace": ["x"]}, ("", "", ("x",))),
        ([1], ("", "", ())),
        (b"no JSON", ("", "", ())),
        (b"[" * 100_000, ("", "", ())),
        (b"", ("", "", ())),
    ],
)
def test_a_document_may_be_anything(document: Any, said: tuple[Any, ...]) -> None:
    """What is said is said as text, and what cannot be read says nothing."""
    error: Any = failed(document)

    assert FunctionError is type(error)
    assert said == (error.error_type, error.error_message, error.stack_trace)
    assert error.result is not None
    assert (error.code or "") == said[0]
    assert error.code != ""


def test_a_stream_ends_with_an_error() -> None:
    """Its details are the document, or else the words; its code the type where the document has none."""
    result = InvocationResult(b"", 200, "r-1")
    plain = stream_error("Runtime.ExitError", "signal: killed", result)
    told = stream_error("Any", json.dumps({"errorType": "KeyError", "errorMessage": "'x'"}), result)

    assert (FunctionOutOfMemoryError, "Runtime.ExitError") == (type(plain), plain.code)
    assert isinstance(told, FunctionError)
    assert ("KeyError", "'x'") == (told.error_type, told.error_message)
    assert isinstance(stream_error("X", "\ud800", result), FunctionError)


class Body:
    """An answer's body as botocore gives it: pieces, or an exception amid them."""

    def __init__(self, *pieces: bytes | Exception, then: Callable[[], None] = lambda: None) -> None:
        self.pieces = list(pieces)
        self.closed = False
        self.sizes: list[int] = []
        self.then = then

    def read(self, size: int) -> bytes:
        self.sizes.append(size)
        piece = self.pieces.pop(0) if self.pieces else b""
        self.then()
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        self.closed = True


def answered(
    body: Any = None, kind: Any = "Sync", status: int = 200, deadline: Deadline | None = None, **more: Any
) -> InvocationResult:
    """The result of an answer with these headers and fields."""
    headers = {"x-amzn-requestid": "r-1", "transfer-encoding": "chunked", **more.pop("headers", {})}
    said = {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}, **more}
    if body is not None:
        said["Payload"] = body
    return result_of(said, kind, deadline or soon())


def failure(*arguments: Any, **more: Any) -> Any:
    with pytest.raises(FcallError) as caught:
        answered(*arguments, **more)
    return caught.value


def test_an_answer_becomes_a_result_with_everything() -> None:
    """Payload in pieces, status, id, version, log and headers."""
    body = Body(b'{"a', b'": 1}')
    result = answered(body, ExecutedVersion="7", LogResult="U1RBUlQ=")

    assert (b'{"a": 1}', 200, "r-1", "7", "START") == (
        result.payload,
        result.status_code,
        result.request_id,
        result.executed_version,
        result.log_tail,
    )
    assert "chunked" == result.headers["transfer-encoding"]
    assert [1 << 20] * 3 == body.sizes
    assert not body.closed


@pytest.mark.parametrize(("kind", "status"), [("Async", 202), ("DryRun", 204)])
def test_what_is_only_accepted_has_no_payload(kind: str, status: int) -> None:
    """Whatever stands there is read, and is no answer of the function's."""
    body = Body(b"x")

    assert (b"", status) == ((result := answered(body, kind, status)).payload, result.status_code)
    assert [] == body.pieces


def test_an_answer_may_have_no_body() -> None:
    """An acceptance without one is one; an answer of a function is none."""
    assert b"" == answered(None, "Async", 202).payload
    assert FunctionResponseError is type(failure(None))


@pytest.mark.parametrize(("length", "whole"), [("8", True), ("9", False), ("7", False)])
def test_an_answer_is_as_long_as_it_says(length: str, whole: bool) -> None:
    """Anything else was cut on the way; the service had answered, so the function ran."""
    headers = {"content-length": length, "transfer-encoding": ""}
    if whole:
        assert b'{"a": 1}' == answered(Body(b'{"a": 1}'), headers=headers).payload
        return
    error = failure(Body(b'{"a": 1}'), headers=headers)

    assert (ConnectionFailedError, YES, 200, "r-1") == (
        type(error),
        error.executed,
        error.status_code,
        error.request_id,
    )


def test_an_answer_of_another_status_may_be_cut_short_too() -> None:
    """Then that is what is said first: nobody knows what was to come."""
    assert ConnectionFailedError is type(failure(Body(b"x"), status=299, headers={"content-length": "9"}))


def test_a_dry_runs_length_is_not_counted() -> None:
    """204 has no body, whatever length it names."""
    assert 204 == answered(Body(), "DryRun", 204, headers={"content-length": "5"}).status_code


def test_an_answer_without_an_end_is_json() -> None:
    """Where nothing marks its end, it is whole if it can be read."""
    bare = {"transfer-encoding": "identity"}
    error = failure(Body(b'{"a": '), headers=bare)

    assert b"[1]" == answered(Body(b"[1]"), headers=bare).payload
    assert (ConnectionFailedError, YES) == (type(error), error.executed)
    assert error.__context__ is None
    assert ConnectionFailedError is type(failure(Body(b"[" * 100_000), headers=bare))
    assert b"no JSON" == answered(Body(b"no JSON"), headers={"transfer-encoding": "Chunked"}).payload
    assert b"no JSON" == answered(Body(b"no JSON"), headers={"transfer-encoding": "", "content-length": "7"}).payload


def test_an_empty_answer_is_none() -> None:
    """Lambda's answer is JSON, which nothing at all is not; without its id, it is not Lambda's."""
    ours, other = failure(Body()), failure(Body(), headers={"x-amzn-requestid": None})

    assert (FunctionResponseError, YES, "r-1", 200) == (type(ours), ours.executed, ours.request_id, ours.status_code)
    assert ours.result is not None
    assert (ProviderUnavailableError, MAYBE) == (type(other), other.executed)


def test_a_broken_body_is_closed() -> None:
    """What breaks amid the body has its row, with what the head says; the connection serves nobody again."""
    broken = OSError("x")
    body = Body(b"{", broken)
    error = failure(body)

    assert (ConnectionFailedError, YES, 200, "r-1") == (
        type(error),
        error.executed,
        error.status_code,
        error.request_id,
    )
    assert broken is error.__cause__
    assert body.closed


def test_a_body_that_is_late_is_closed() -> None:
    """The deadline covers the body; what came until then is no answer."""
    now = [0.0]

    def later() -> None:
        now[0] += 1

    body = Body(*[b"x"] * 9, then=later)
    error = failure(body, deadline=Deadline(3.0, lambda: now[0]))

    assert (InvocationTimeoutError, YES, 200, "r-1") == (
        type(error),
        error.executed,
        error.status_code,
        error.request_id,
    )
    assert (3, True) == (len(body.sizes), body.closed)


class Raw:
    """What stands behind a body: by the lane with `whole` or `limit`, by urllib3 with `read1`."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


def test_a_body_that_is_there_already_is_taken() -> None:
    """The lane reads small answers whole, before anybody asks."""
    body = Body()
    body._raw_stream = Raw(whole=b"[1]")  # type: ignore[attr-defined]

    assert b"[1]" == answered(body).payload
    assert [] == body.sizes


def test_what_has_come_is_read() -> None:
    """Where urllib3 can give what is there, nobody waits for more."""
    pieces = [b"[", b"1]", b""]
    body = Body()
    body._raw_stream = Raw(read1=lambda size: pieces.pop(0))  # type: ignore[attr-defined]

    assert b"[1]" == answered(body).payload
    assert [] == body.sizes


def test_a_read_waits_no_longer_than_the_call() -> None:
    """By the lane's own way, or by the socket where botocore shows it, and never for no time at all."""
    told: list[Any] = []
    sock = Raw(settimeout=told.append)
    behind = Raw(_fp=Raw(fp=Raw(raw=Raw(_sock=sock))))
    lane = Raw(limit=told.append)
    deadline = soon()
    limit_wait(Raw(_raw_stream=lane), deadline)
    limit_wait(Raw(_raw_stream=behind), Deadline(7.0, lambda: 2.0))
    limit_wait(Raw(_raw_stream=behind), passed())
    limit_wait(Raw(), deadline)

    assert [deadline, 5.0, 0.001] == told


def test_a_function_failed_whatever_the_header_says() -> None:
    """Its presence counts, and the head is looked at before."""
    document = json.dumps({"errorType": "KeyError"}).encode()
    error = failure(Body(document), FunctionError="")
    page = failure(Body(b"<html>"), FunctionError="", headers={"content-type": "text/HTML"})

    assert (FunctionError, "KeyError") == (type(error), error.error_type)
    assert ProviderUnavailableError is type(page)


@pytest.mark.parametrize(
    ("headers", "beginning", "status", "words", "executed"),
    [
        ({"content-encoding": "gzip"}, b"", 200, "compressed", YES),
        ({"content-encoding": "Identity"}, b"", 200, None, None),
        ({"content-type": "Text/HTML"}, b"", 200, "a page", MAYBE),
        ({"x-amzn-requestid": None}, b" <x", 200, "a page", MAYBE),
        ({}, b" <x", 200, None, None),
        ({"x-amzn-requestid": None}, b"{", 200, None, None),
        ({"x-amzn-requestid": None}, b'"', 200, None, None),
        ({"content-encoding": "zstd"}, b"", 200, "compressed", YES),
        ({}, b"", 201, "status 201 where Lambda gives 200", MAYBE),
        ({}, b"", 199, "status 199 where Lambda gives 200", MAYBE),
    ],
)
def test_an_answer_is_lambdas(
    headers: Mapping[str, Any], beginning: bytes, status: int, words: str | None, executed: Executed | None
) -> None:
    """Neither a page, nor what is compressed, nor another status is."""
    head = Head(status, {"x-amzn-requestid": "r-1", **headers})
    if words is None:
        check_head(head, 200, beginning)
        return
    with pytest.raises(ProviderUnavailableError, match=words) as caught:
        check_head(head, 200, beginning)

    assert (executed, status) == (caught.value.executed, caught.value.status_code)
    assert head.request_id == caught.value.request_id


@pytest.mark.parametrize(
    ("request_id", "status", "ran"),
    [("r", 200, YES), ("r", 202, MAYBE), ("r", 199, MAYBE), (None, 200, MAYBE), ("", 200, MAYBE)],
)
def test_a_head_shows_whether_it_ran(request_id: str | None, status: int, ran: Executed) -> None:
    """Lambda's id and the status of an answer together do."""
    assert ran is Head(status, {"x-amzn-requestid": request_id}).ran  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, 200),
        ({"StatusCode": 201}, 201),
        ({"ResponseMetadata": {"HTTPStatusCode": 203}, "StatusCode": 201}, 203),
        ({"ResponseMetadata": None}, 200),
    ],
)
def test_a_double_may_give_no_head(said: dict[str, Any], status: int) -> None:
    """The status is the answer's, the double's, or the one that is expected."""
    assert Head(status, {}) == head_of(said, 200)


@pytest.mark.parametrize(
    ("encoded", "text"), [(None, None), ("", ""), ("gA==", "\ufffd"), ("U1RBUlQ=", "START"), ("a", None), ("é", None)]
)
def test_the_logs_end_is_text(encoded: str | None, text: str | None) -> None:
    """It may begin amid a character, and what is not base64 is no log."""
    assert text == log_text(encoded)


def test_a_payload_is_too_large_by_the_code_of_any_layer() -> None:
    """Three layers have a word for it."""
    codes = ("RequestEntityTooLargeException", "RequestTooLargeException", "SerializedRequestEntityTooLargeException")

    assert {PayloadTooLargeError} == {type(answer_error(response(code))) for code in codes}
