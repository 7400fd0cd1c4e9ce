"""The vendor's own clients talk to the endpoint: what it takes and gives is what they send and understand."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fcall_aliyun.testing import FcEndpoint

fc2 = pytest.importorskip("fc2", reason="aliyun-fc2 is the client that is tested")


@pytest.fixture
def _quiet_root() -> Iterator[None]:
    """The root logger as it was: aliyun-fc2 configures it."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers


def _fc2(endpoint: FcEndpoint, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Any:
    if endpoint.ca_file is not None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", endpoint.ca_file)
    keys = endpoint.options
    made = {"accessKeyID": keys["access_key_id"], "accessKeySecret": keys["access_key_secret"], **changes}
    return fc2.Client(endpoint=endpoint.url, Timeout=10, **made)


@pytest.mark.usefixtures("_quiet_root")
class TestFc2Client:
    """aliyun-fc2 as it ships."""

    def test_it_invokes(self, endpoint: FcEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Sync call brings the handler's answer back, and is signed as the endpoint reads the documentation."""
        answer = _fc2(endpoint, monkeypatch).invoke_function("images", "echo", b"\x00\xff", qualifier="prod")

        assert answer.data == b"\x00\xff"
        assert "X-Fc-Request-Id" in answer.headers

    def test_it_signs_a_token(self, endpoint: FcEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        """Temporary credentials are part of the signature."""
        client = _fc2(endpoint, monkeypatch, securityToken="token-1")

        assert client.invoke_function("images", "echo", b"{}").data == b"{}"

    def test_it_enqueues(self, endpoint: FcEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        """An Async call is accepted with an empty body."""
        headers = {"x-fc-invocation-type": "Async"}

        assert _fc2(endpoint, monkeypatch).invoke_function("images", "echo", b"{}", headers).data == b""

    def test_it_reads_a_function_error(self, endpoint: FcEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        """A handler that raises is what the SDK takes for a function error."""
        with pytest.raises(fc2.fc_exceptions.FcError) as raised:
            _fc2(endpoint, monkeypatch).invoke_function("images", "fail", b"{}")

        assert raised.value.status_code == 200
        assert "the handler fails" in raised.value.message

    def test_it_reads_a_refusal(self, endpoint: FcEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        """A function that is not there has the code and the status that the SDK reads."""
        with pytest.raises(fc2.fc_exceptions.FcError) as raised:
            _fc2(endpoint, monkeypatch).invoke_function("images", "missing", b"{}")

        assert (raised.value.status_code, raised.value.err_code) == (404, "FunctionNotFound")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [({"accessKeySecret": "wrong"}, "SignatureNotMatch"), ({"accessKeyID": "unknown"}, "InvalidAccessKeyID")],
    )
    def test_a_wrong_key_is_refused(
        self, endpoint: FcEndpoint, monkeypatch: pytest.MonkeyPatch, changes: Any, code: str
    ) -> None:
        """The signature is checked."""
        with pytest.raises(fc2.fc_exceptions.FcError) as raised:
            _fc2(endpoint, monkeypatch, **changes).invoke_function("images", "echo", b"{}")

        assert (raised.value.status_code, raised.value.err_code) == (403, code)

    def test_it_lists(self, endpoint: FcEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        """The listing has the SDK's shape, page by page."""
        client = _fc2(endpoint, monkeypatch)
        first = client.list_functions("images", limit=1).data
        second = client.list_functions("images", limit=1, nextToken=first["nextToken"]).data

        assert [*first["functions"], *second["functions"]] == [
            {"functionName": name, "runtime": "python3.10", "lastModifiedTime": "2024-01-01T00:00:00Z"}
            for name in ("echo", "fail")
        ]
        assert second["nextToken"] == ""


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK asks for the time so
class TestFc3Client:
    """alibabacloud-fc20230330 as it ships."""

    @pytest.fixture
    def invoke(self, endpoint: FcEndpoint) -> Any:
        pytest.importorskip("alibabacloud_fc20230330", reason="the SDK of FC 3.0 is the client that is tested")
        from alibabacloud_fc20230330 import models
        from alibabacloud_fc20230330.client import Client
        from alibabacloud_tea_openapi.utils_models import Config
        from darabonba.runtime import RuntimeOptions

        def invoke(function: str, body: bytes, secret: str | None = None, token: str = "", **headers: Any) -> Any:
            scheme, _, host = endpoint.url.partition("://")
            config = Config(
                access_key_id=endpoint.options["access_key_id"],
                access_key_secret=secret or endpoint.options["access_key_secret"],
                security_token=token,
                endpoint=host,
                protocol=scheme.upper(),
            )
            return Client(config).invoke_function_with_options(
                function,
                models.InvokeFunctionRequest(body=body, qualifier="prod"),
                models.InvokeFunctionHeaders(**headers),
                RuntimeOptions(ca=endpoint.ca_file),
            )

        return invoke

    def test_it_invokes(self, invoke: Any) -> None:
        """A Sync call brings the handler's answer back, and is signed as the endpoint reads the documentation."""
        answer = invoke("echo", b"\x00\xff")

        assert (answer.status_code, answer.body.read()) == (200, b"\x00\xff")

    def test_it_signs_a_token(self, invoke: Any) -> None:
        """Temporary credentials are part of the signature."""
        assert invoke("echo", b"{}", token="token-1").body.read() == b"{}"

    def test_it_enqueues(self, invoke: Any) -> None:
        """An Async call is accepted."""
        assert invoke("echo", b"{}", x_fc_invocation_type="Async", x_fc_async_task_id="task_vendor").status_code == 202

    def test_it_reads_a_function_error(self, invoke: Any) -> None:
        """A handler that raises is told by its header."""
        answer = invoke("fail", b"{}")

        assert (answer.status_code, answer.headers["x-fc-error-type"]) == (200, "UnhandledInvocationError")

    @pytest.mark.parametrize(
        ("function", "secret", "expected"),
        [("missing", None, (404, "FunctionNotFound")), ("echo", "wrong", (403, "SignatureNotMatch"))],
    )
    def test_it_reads_a_refusal(
        self, invoke: Any, function: str, secret: str | None, expected: tuple[int, str]
    ) -> None:
        """A refusal has the code and the status that the SDK reads."""
        from alibabacloud_tea_openapi.exceptions import ClientException

        with pytest.raises(ClientException) as raised:
            invoke(function, b"{}", secret=secret)

        assert (raised.value.status_code, raised.value.code) == expected
