"""Real clients of AWS Lambda against `fcall serve`: boto3, the AWS CLI and the JavaScript SDK, over every outcome."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from serve_clients.node import run_node
from serve_clients.outcomes import server_of_outcomes

import fcall

SIX_MEBIBYTES = 6 * 1_048_576
UNICODE = {"text": "naïve 日本 🎉"}

Call = dict[str, Any]
Outcome = dict[str, Any]

for _module in ("uvicorn", "httptools", "fcall_aws"):
    pytest.importorskip(_module, reason=f"{_module} is not installed; `tox -e serve` has it")


@dataclass
class Row:
    """A call, and what the service's documents say of the answer.

    Attributes:
        call: the arguments of Invoke, the payload in bytes.
        status: the HTTP status.
        error: what `FunctionError` says.
        version: the executed version.
        payload: the payload as decoded JSON; None where there is none, or where `check` looks at it.
        code: the error's code, where the call is refused.
        check: looks at what else there is.
    """

    call: Call
    status: int = 200
    error: str | None = None
    version: str | None = "$LATEST"
    payload: Any = None
    code: str | None = None
    check: Callable[[Outcome], bool] = field(default=lambda outcome: True)


def _text(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def _call(function: str, payload: bytes = b"{}", **more: str) -> Call:
    return {"FunctionName": function, "Payload": payload, **more}


def _reports(error_type: str, message: str) -> Callable[[Outcome], bool]:
    """Whether the platform reports a failure with its request id, as it does of what the runtime could not."""

    def check(outcome: Outcome) -> bool:
        expected = {"errorType": error_type, "errorMessage": f"RequestId: {outcome['id']} Error: {message}"}
        return expected == json.loads(outcome["payload"])

    return check


def _is_of_the_handler(outcome: Outcome) -> bool:
    document = json.loads(outcome["payload"])
    (frame,) = document.pop("stackTrace")
    expected = {"errorMessage": "no good", "errorType": "ValueError", "requestId": outcome["id"]}
    return expected == document and frame.endswith(', in boom\n    raise ValueError("no good")\n')


def _is_an_import_error(outcome: Outcome) -> bool:
    message = "Unable to import module 'broken': No module named 'no_module_of_this_name'"
    expected = {"errorMessage": message, "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}
    return expected == json.loads(outcome["payload"])


def _has_log(outcome: Outcome) -> bool:
    start, said, end, report = base64.b64decode(outcome["log"]).decode().splitlines()
    return (
        start == f"START RequestId: {outcome['id']} Version: $LATEST"
        and said == "said by the function"
        and end == f"END RequestId: {outcome['id']}"
        and report.startswith(f"REPORT RequestId: {outcome['id']}\tDuration: ")
    )


NAMES = ["boom", "broken", "context_of", "crash", "echo", "note", "note_and_fail", "nothing", "slow", "talk"]
CONTEXT = base64.b64encode(_text({"custom": {"tenant": "ünit"}})).decode()
LARGEST = b'"' + b"x" * (SIX_MEBIBYTES - 2) + b'"'
ROWS = {
    "result": Row(_call("echo", _text({"a": [1, 2.5, None, True]})), payload={"a": [1, 2.5, None, True]}),
    "none": Row(_call("nothing"), check=lambda outcome: outcome["payload"] == b"null"),
    "no payload": Row({"FunctionName": "echo"}, check=lambda outcome: outcome["payload"] == b"{}"),
    "unicode": Row(_call("echo", json.dumps(UNICODE, ensure_ascii=False).encode()), payload=UNICODE),
    "6 MB": Row(_call("echo", LARGEST), check=lambda outcome: outcome["payload"] == LARGEST),
    "function error": Row(_call("boom"), error="Unhandled", check=_is_of_the_handler),
    "import error": Row(_call("broken"), error="Unhandled", check=_is_an_import_error),
    "time-out": Row(
        _call("slow"), error="Unhandled", check=_reports("Sandbox.Timedout", "Task timed out after 2.00 seconds")
    ),
    "crash": Row(
        _call("crash"),
        error="Unhandled",
        check=_reports("Runtime.ExitError", "Runtime exited with error: exit status 3"),
    ),
    "event": Row(_call("note", b'"CLIENT ok"', InvocationType="Event"), 202, version=None),
    "event that fails": Row(_call("note_and_fail", b'"CLIENT bad"', InvocationType="Event"), 202, version=None),
    "dry run": Row(_call("echo", InvocationType="DryRun"), 204, version=None),
    "version": Row(_call("echo", Qualifier="7"), version="7", payload={}),
    "alias": Row(_call("echo:live"), version="3", payload={}),
    "by ARN": Row(_call("arn:aws:lambda:eu-west-1:000000000000:function:echo"), payload={}),
    "log tail": Row(_call("talk", LogType="Tail"), payload="done", check=_has_log),
    "client context": Row(_call("context_of", ClientContext=CONTEXT), payload={"tenant": "ünit"}),
    "missing function": Row(_call("absent"), 404, code="ResourceNotFoundException"),
    "missing alias": Row(_call("echo", Qualifier="absent"), 404, code="ResourceNotFoundException"),
    "malformed JSON": Row(_call("echo", b"{"), 400, code="InvalidRequestContentException"),
    "too large": Row(_call("echo", LARGEST + b" "), 413, code="RequestEntityTooLargeException"),
    "event too large": Row(
        _call("echo", b'"%s"' % (b"x" * 1_048_576), InvocationType="Event"), 413, code="RequestEntityTooLargeException"
    ),
}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where functions note that they ran."""
    return tmp_path_factory.mktemp("notes") / "notes"


@pytest.fixture(scope="module")
def url(notes: Path) -> Iterator[str]:
    """A server of every kind of function, in processes of their own, that looks at signatures."""
    from fcall_aws._service._api import LambdaApi

    with server_of_outcomes(notes, LambdaApi()) as server:
        yield server.url


def test_the_lines_for_the_cli_work_as_they_are(tmp_path: Path) -> None:
    """What the banner says for the AWS CLI is pasted into a shell without settings for AWS, and calls a function."""
    from fcall_aws._service._api import LambdaApi

    from fcall.serve import Server

    command = Path(sys.executable).with_name("aws")
    if not command.exists():
        pytest.skip("the AWS CLI is not installed; `tox -e serve` has it")
    registry = fcall.local.Registry()
    registry.function("echo")(lambda event, context: {"got": event})
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    environment["PATH"] = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    with Server(apis=[LambdaApi()], registry=registry) as server:
        (function,) = server.functions.functions()
        lines = "\n".join(LambdaApi().usage(server.url, function)["AWS CLI"])
        done = subprocess.run(["sh", "-c", lines], env=environment, cwd=tmp_path, capture_output=True, text=True)

    assert (0, "") == (done.returncode, done.stderr)
    assert '{"got": {}}' in done.stdout


def _boto3(url: str, calls: list[Call], folder: Path) -> list[Outcome]:
    boto3 = pytest.importorskip("boto3")
    from botocore.config import Config
    from botocore.exceptions import ClientError

    client = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret").client(
        "lambda", region_name="eu-west-1", endpoint_url=url, config=Config(retries={"total_max_attempts": 1})
    )

    def made(call: Call) -> Outcome:
        try:
            answer = client.invoke(**call)
        except ClientError as error:
            facts = error.response["ResponseMetadata"]
            return {"status": facts["HTTPStatusCode"], "code": error.response["Error"]["Code"]}
        return {
            "status": answer["StatusCode"],
            "error": answer.get("FunctionError"),
            "payload": answer["Payload"].read(),
            "version": answer.get("ExecutedVersion"),
            "log": answer.get("LogResult"),
            "id": answer["ResponseMetadata"]["RequestId"],
        }

    return [*map(made, calls)]


def _aws_cli(url: str, calls: list[Call], folder: Path) -> list[Outcome]:
    command = Path(sys.executable).with_name("aws")
    if not command.exists():
        pytest.skip("the AWS CLI is not installed; `tox -e serve` has it")
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL_LAMBDA": url,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def made(numbered: tuple[int, Call]) -> Outcome:
        number, call = numbered
        event, answer = folder / f"{number}.event", folder / f"{number}.answer"
        arguments = [str(command), "lambda", "invoke", "--debug"]  # which alone shows the request id
        for name, option in (
            ("FunctionName", "--function-name"),
            ("InvocationType", "--invocation-type"),
            ("LogType", "--log-type"),
            ("ClientContext", "--client-context"),
            ("Qualifier", "--qualifier"),
        ):
            arguments += [option, call[name]] if name in call else []
        if "Payload" in call:
            event.write_bytes(call["Payload"])
            arguments += ["--payload", f"fileb://{event}"]
        done = subprocess.run([*arguments, str(answer)], env=environment, capture_output=True, text=True, timeout=120)
        if done.returncode:
            said = done.stderr[done.stderr.rindex("An error occurred (") :]
            return {"status": _cli_status(done.stderr), "code": said.partition("(")[2].partition(")")[0]}
        document = json.loads(done.stdout)
        return {
            "status": document["StatusCode"],
            "error": document.get("FunctionError"),
            "payload": answer.read_bytes(),
            "version": document.get("ExecutedVersion"),
            "log": document.get("LogResult"),
            "id": _cli_request_id(done.stderr),
        }

    with ThreadPoolExecutor(4) as threads:
        return [*threads.map(made, enumerate(calls))]


def _cli_status(debugging: str) -> int:
    return int(debugging.rpartition(' HTTP/1.1" ')[2].split()[0])


def _cli_request_id(debugging: str) -> str:
    return debugging.lower().partition("'x-amzn-requestid': '")[2].partition("'")[0]


def _node(url: str, calls: list[Call], folder: Path) -> list[Outcome]:
    return run_node("lambda.mjs", "@aws-sdk/client-lambda", url, calls)


CLIENTS: Mapping[str, Callable[[str, list[Call], Path], list[Outcome]]] = {
    "boto3": _boto3,
    "AWS CLI": _aws_cli,
    "Node": _node,
}


@pytest.fixture(scope="module", params=CLIENTS)
def outcomes(request: pytest.FixtureRequest, url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What one client saw of every call, by the name of the row."""
    client: str = request.param
    calls = [dict(row.call) for row in ROWS.values()]
    for call in calls:
        if "Payload" in call:
            call["Payload"] = call["Payload"].replace(b"CLIENT", client.encode())
    made = CLIENTS[client](url, calls, tmp_path_factory.mktemp("calls"))
    return {"client": {"name": client}, **dict(zip(ROWS, made, strict=True))}


@pytest.mark.parametrize("row", ROWS)
def test_a_client_of_lambda_sees_what_the_service_would_say(outcomes: dict[str, Outcome], row: str) -> None:
    """Every client gets, for every outcome, the answer that Lambda's documents and recordings say."""
    expected, outcome = ROWS[row], outcomes[row]

    assert (expected.status, expected.code) == (outcome["status"], outcome.get("code"))
    if expected.code is None:
        assert (expected.error, expected.version) == (outcome["error"], outcome["version"])
        assert expected.payload is None or expected.payload == json.loads(outcome["payload"])
        assert expected.status == 200 or outcome["payload"] == b""
        assert expected.check(outcome)


def test_accepted_events_run_as_often_as_the_service_would_run_them(outcomes: dict[str, Outcome], notes: Path) -> None:
    """An Event runs once, and one whose function fails three times: the first attempt and two more."""
    client = outcomes["client"]["name"]
    assert fcall.local.drain(60)
    lines = notes.read_text(encoding="utf-8").splitlines()

    assert (1, 3) == (lines.count(f"{client} ok"), lines.count(f"{client} bad"))


def test_boto3_reads_streams_listings_and_what_is_deprecated(url: str) -> None:
    """The rest of the API answers too: streamed answers, their failures, InvokeAsync, GetFunction, ListFunctions."""
    boto3 = pytest.importorskip("boto3")
    session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret")
    client = session.client("lambda", region_name="eu-west-1", endpoint_url=url)

    def streamed(function: str) -> list[Any]:
        return [*client.invoke_with_response_stream(FunctionName=function, Payload=b'{"a": 1}')["EventStream"]]

    *pieces, complete = streamed("echo")
    (failure,) = streamed("boom")
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 4})
    names = [each["FunctionName"] for page in pages for each in page["Functions"]]

    assert b'{"a": 1}' == b"".join(piece["PayloadChunk"]["Payload"] for piece in pieces)
    assert {"InvokeComplete": {}} == complete
    assert "Unhandled" == failure["InvokeComplete"]["ErrorCode"]
    assert "ValueError" == json.loads(failure["InvokeComplete"]["ErrorDetails"])["errorType"]
    assert NAMES == names
    assert 202 == client.invoke_async(FunctionName="echo", InvokeArgs=b"{}")["Status"]
    assert "outcomes.echo" == client.get_function(FunctionName="echo")["Configuration"]["Handler"]


def test_a_wrong_secret_is_refused(url: str) -> None:
    """With verify, a request that another secret signed does not come through."""
    boto3 = pytest.importorskip("boto3")
    from botocore.exceptions import ClientError

    session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="wrong")
    client = session.client("lambda", region_name="eu-west-1", endpoint_url=url)

    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName="echo")
    assert "InvalidSignatureException" == caught.value.response["Error"]["Code"]


def test_the_test_of_the_guide_passes(repository: Path, tmp_path: Path) -> None:
    """What "Call functions on this machine" shows as a test is one that passes, with the fixture and boto3."""
    pytest.importorskip("boto3")
    page = (repository / "docs" / "how-to" / "serve.md").read_text(encoding="utf-8")
    for name in ("app/handlers.py", "test_resize.py"):
        (block,) = re.findall(rf"```python\n(# {re.escape(name)}\n.*?)```", page, flags=re.DOTALL)
        tmp_path.joinpath(name).parent.mkdir(exist_ok=True)
        tmp_path.joinpath(name).write_text(block)
    command = [sys.executable, "-m", "pytest", "--strict-markers", "-p", "no:cacheprovider", "test_resize.py"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert 0 == finished.returncode, finished.stdout
    assert "1 passed" in finished.stdout
