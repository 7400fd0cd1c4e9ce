"""Real clients of Function Compute against `fcall serve`: three SDKs, two APIs, two languages, over every outcome."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from serve_clients.node import run_node
from serve_clients.outcomes import server_of_outcomes

import fcall

Call = dict[str, Any]
Outcome = dict[str, Any]

for _module in ("uvicorn", "httptools", "fcall_aliyun"):
    pytest.importorskip(_module, reason=f"{_module} is not installed; `tox -e serve` has it")

SIX_MEBIBYTES = 6 * 1_048_576


@dataclass
class Row:
    """A call, and what the service's documents say of the answer.

    Attributes:
        function: the function.
        payload: the event.
        headers: what the call says beside it.
        qualifier: the version or alias, or None.
        answer: the payload of the answer; None where `report` stands for it.
        report: the error document, less its stack.
        code: the error's code, where the call is refused.
        check: looks at what else there is.
    """

    function: str
    payload: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    qualifier: str | None = None
    answer: bytes | None = None
    report: Mapping[str, str] | None = None
    code: str | None = None
    check: Callable[[Outcome], bool] = field(default=lambda outcome: True)


ASYNC = {"x-fc-invocation-type": "Async"}
TAIL = {"x-fc-log-type": "Tail"}


def _has_log(outcome: Outcome) -> bool:
    request_id = outcome["headers"]["x-fc-request-id"]
    expected = f"FC Invoke Start RequestId: {request_id}\nsaid by the function\nFC Invoke End RequestId: {request_id}\n"
    return expected == base64.b64decode(outcome["headers"]["x-fc-log-result"]).decode()


ROWS = {
    "result": Row("echo", b'{"a": 1}', answer=b'{"a": 1}'),
    "none": Row("nothing", answer=b"null"),
    "unicode": Row("echo", "naïve 日本 🎉".encode(), answer="naïve 日本 🎉".encode()),
    "bytes": Row("echo", bytes(range(256)), answer=bytes(range(256))),
    "6 MB": Row("echo", b"x" * SIX_MEBIBYTES, answer=b"x" * SIX_MEBIBYTES),
    "not JSON": Row("echo", b"{", answer=b"{"),
    "function error": Row("boom", report={"errorMessage": "no good", "errorType": "ValueError"}),
    "import error": Row(
        "broken", report={"errorMessage": "Unable to import module 'broken'", "errorType": "ImportModuleError"}
    ),
    "time-out": Row("slow", report={"errorMessage": "Function time out after 2 seconds"}),
    "crash": Row("crash", report={"errorMessage": "Process exited unexpectedly before completing request"}),
    "async": Row("note", b"CLIENT ok", ASYNC, answer=b""),
    "async that fails": Row("note_and_fail", b"CLIENT bad", ASYNC, answer=b""),
    "version": Row("echo", b"1", qualifier="7", answer=b"1"),
    "alias": Row("echo", b"1", qualifier="live", answer=b"1"),
    "log tail": Row("talk", headers=TAIL, answer=b"done", check=_has_log),
    "missing function": Row("absent", code="FunctionNotFound"),
    "missing alias": Row("echo", qualifier="absent", code="AliasNotFound"),
    "async too large": Row("echo", b"x" * (128 * 1_024 + 1), ASYNC, code="EntityTooLarge"),
}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where functions note that they ran."""
    return tmp_path_factory.mktemp("notes") / "notes"


@pytest.fixture(scope="module")
def url(notes: Path) -> Iterator[str]:
    """A server of every kind of function, in processes of their own, that looks at signatures."""
    from fcall_aliyun._service import Fc2Api, Fc3Api

    with server_of_outcomes(notes, Fc2Api(), Fc3Api()) as server:
        yield server.url


@pytest.fixture(autouse=True)
def _quiet_root_logger() -> Iterator[None]:
    """The older SDK logs on the root logger, and configures it."""
    root = logging.getLogger()
    before = [*root.handlers]
    yield
    for handler in {*root.handlers} - {*before}:
        root.removeHandler(handler)


def _fc2(url: str, rows: list[Row]) -> list[Outcome]:
    fc2 = pytest.importorskip("fc2")
    client = fc2.Client(endpoint=url, accessKeyID="key", accessKeySecret="secret")

    def made(row: Row) -> Outcome:
        try:
            answer = client.invoke_function("any", row.function, row.payload, dict(row.headers), row.qualifier)
        except fc2.FcError as error:
            if error.status_code != 200:
                return {"code": error.err_code, "status": error.status_code}
            document = json.loads(error.message)  # to which the SDK has added the request's id
            headers = {"x-fc-error-type": "UnhandledInvocationError", "x-fc-request-id": document.pop("RequestId")}
            return {"headers": headers, "payload": json.dumps(document).encode()}
        return {"headers": {name.lower(): value for name, value in answer.headers.items()}, "payload": answer.data}

    return [*map(made, rows)]


def _fc3(url: str, rows: list[Row]) -> list[Outcome]:
    pytest.importorskip("alibabacloud_fc20230330")
    from alibabacloud_fc20230330.client import Client
    from alibabacloud_fc20230330.models import InvokeFunctionHeaders, InvokeFunctionRequest
    from alibabacloud_tea_openapi.exceptions import ClientException
    from alibabacloud_tea_openapi.models import Config
    from darabonba.runtime import RuntimeOptions

    address = url.removeprefix("http://")
    client = Client(Config(access_key_id="key", access_key_secret="secret", protocol="HTTP", endpoint=address))

    def made(row: Row) -> Outcome:
        request = InvokeFunctionRequest(body=io.BytesIO(row.payload), qualifier=row.qualifier)
        headers = InvokeFunctionHeaders(common_headers=dict(row.headers))
        try:
            answer = client.invoke_function_with_options(row.function, request, headers, RuntimeOptions())
        except ClientException as error:
            return {"code": error.code, "status": error.status_code}
        return {"headers": answer.headers, "payload": answer.body.read()}

    return [*map(made, rows)]


def _node(url: str, rows: list[Row]) -> list[Outcome]:
    calls = [
        {
            "service": "any",
            "function": row.function,
            "payload": row.payload,
            "headers": row.headers,
            "qualifier": row.qualifier,
        }
        for row in rows
    ]
    return run_node("fc2.mjs", "@alicloud/fc2", url, calls)


CLIENTS: Mapping[str, Callable[[str, list[Row]], list[Outcome]]] = {
    "aliyun-fc2": _fc2,
    "alibabacloud-fc20230330": _fc3,
    "Node": _node,
}


@pytest.fixture(scope="module", params=CLIENTS)
def outcomes(request: pytest.FixtureRequest, url: str) -> dict[str, Outcome]:
    """What one client saw of every call, by the name of the row."""
    client: str = request.param
    rows = [Row(**{**vars(row), "payload": row.payload.replace(b"CLIENT", client.encode())}) for row in ROWS.values()]
    made = CLIENTS[client](url, rows)
    return {"client": {"name": client}, **dict(zip(ROWS, made, strict=True))}


@pytest.mark.parametrize("row", ROWS)
def test_a_client_of_function_compute_sees_what_the_service_would_say(outcomes: dict[str, Outcome], row: str) -> None:
    """Every client gets, for every outcome, the answer that the documents of Function Compute say."""
    expected, outcome = ROWS[row], outcomes[row]

    assert expected.code == outcome.get("code")
    if expected.report is not None:
        document = json.loads(outcome["payload"])
        document.pop("stackTrace", None)
        assert expected.report == document
        assert "UnhandledInvocationError" == outcome["headers"]["x-fc-error-type"]
    elif expected.code is None:
        assert expected.answer == outcome["payload"]
        assert "x-fc-error-type" not in outcome["headers"]
        assert expected.check(outcome)


def test_accepted_events_run_as_often_as_the_service_would_run_them(outcomes: dict[str, Outcome], notes: Path) -> None:
    """An Async call runs once, and one whose function fails four times: the first attempt and three more."""
    client = outcomes["client"]["name"]
    assert fcall.local.drain(60)
    lines = notes.read_text(encoding="utf-8").splitlines()

    assert (1, 4) == (lines.count(f"{client} ok"), lines.count(f"{client} bad"))


def test_both_apis_list_page_by_page(url: str) -> None:
    """The functions are listed over both APIs, a page at a time."""
    fc2 = pytest.importorskip("fc2")
    pytest.importorskip("alibabacloud_fc20230330")
    from alibabacloud_fc20230330.client import Client
    from alibabacloud_fc20230330.models import ListFunctionsRequest
    from alibabacloud_tea_openapi.models import Config

    names = ["boom", "broken", "context_of", "crash", "echo", "note", "note_and_fail", "nothing", "slow", "talk"]
    old = fc2.Client(endpoint=url, accessKeyID="key", accessKeySecret="secret")
    address = url.removeprefix("http://")
    new = Client(Config(access_key_id="key", access_key_secret="secret", protocol="HTTP", endpoint=address))
    first = old.list_functions("any", limit=4).data
    second = old.list_functions("any", nextToken=first["nextToken"]).data
    listed = new.list_functions(ListFunctionsRequest(limit=3)).body

    assert names == [each["functionName"] for page in (first, second) for each in page["functions"]]
    assert names[:3] == [each.function_name for each in listed.functions]
    assert names[3] == listed.next_token


def test_a_wrong_secret_is_refused(url: str) -> None:
    """With verify, a request that another secret signed does not come through."""
    fc2 = pytest.importorskip("fc2")
    client = fc2.Client(endpoint=url, accessKeyID="key", accessKeySecret="wrong")

    with pytest.raises(fc2.FcError) as caught:
        client.invoke_function("any", "echo")
    assert (403, "SignatureNotMatch") == (caught.value.status_code, caught.value.err_code)
