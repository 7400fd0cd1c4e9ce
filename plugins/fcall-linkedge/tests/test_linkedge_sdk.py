"""The SDK: recognised with the modules around it, and given what its generation wants."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fcall_linkedge
import pytest
from fcall_linkedge import _stand_ins
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fcall
from fcall import Executed
from fcall.errors import FunctionNotFoundError, InvalidParamsError, ProviderUnavailableError

Run = Callable[[str], "subprocess.CompletedProcess[str]"]

CALL = """
    import sys
    import fcall, fcall_linkedge
    client = fcall.Client(plugins=[fcall_linkedge], provider="linkedge")
    try:
        client.invoke("images/resize", {})
    except fcall.FcallError as error:
        print(type(error).__name__, error.executed.name, isinstance(error, ImportError))
        print(error)
"""

# A gateway with the top-level modules of 1.0, for a process of its own.
GATEWAY = {
    "config.py": "INVOCATION_TYPE_SYNC, INVOCATION_TYPE_ASYNC = 'Sync', 'Async'\n"
    "HEADER_INVOCATION_ID, HEADER_FUNCTION_ERROR = 'id', 'error'\n",
    "fc_error.py": "PY_RUNTIME_ERROR_INVAILD_PARAM = 1\nclass RequestException(Exception): ...\n",
    "sync.py": "class SyncMsg_Event: ...\n",
    "utils.py": "def check_param(params, key): return bool(params.get(key))\n"
    "def buildArnString(region, account, service, function): return f'{service}-{function}'\n",
    "ipc_wrapper.py": "class ipc:\n    invokeTask = lambda *_: {'msg': {'headers': {'id': '1'}}}\n"
    "    getTaskResult = lambda *_: {'msg': {'statusCode': 200, 'body': 'e30='}}\n",
}


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).write_text(text)


@pytest.mark.usefixtures("true_sdk")
def test_off_a_gateway_it_says_where_it_runs(run_program: Run) -> None:
    """Where the gateway's modules are missing, the provider is not installed, and the error says where it would be."""
    kind, words = run_program(CALL).stdout.splitlines()

    assert "ProviderNotInstalledError NO True" == kind
    assert "works only inside a Link IoT Edge gateway" in words
    assert "fcall_linkedge.emulator" in words
    assert "Here it took" not in words


def test_without_the_sdk_it_says_the_same(run_program: Run) -> None:
    """A machine that does not even have the SDK is no gateway either."""
    printed = run_program("import sys; sys.modules['lecoresdk'] = None\n" + CALL.replace("\n    ", "\n")).stdout

    assert "ProviderNotInstalledError NO True" in printed
    assert "works only inside a Link IoT Edge gateway" in printed


@pytest.mark.usefixtures("true_sdk")
def test_modules_of_ones_own_are_recognised(run_program: Run) -> None:
    """A config.py and a utils.py of the application are named with their places: the SDK takes them for others."""
    write({"config.py": "DEBUG = True\n", "utils.py": "def helper(): ...\n"})
    words = run_program(CALL).stdout

    assert "ProviderNotInstalledError NO True" in words
    assert f"it took 'config' ({Path('config.py').absolute()}) and 'utils' ({Path('utils.py').absolute()})" in words


@pytest.mark.usefixtures("true_sdk")
def test_a_package_of_ones_own_is_recognised(run_program: Run) -> None:
    """A folder of that name is taken as well."""
    Path("utils").mkdir()
    words = run_program(CALL).stdout

    assert f"it took 'utils' ({Path('utils').absolute()})" in words


@pytest.mark.usefixtures("true_sdk")
@pytest.mark.parametrize("line", ["raise KeyError('s3cr3t')", "raise SystemExit(3)", "import no_such_module", "no ("])
def test_a_module_of_ones_own_may_do_anything(run_program: Run, line: str) -> None:
    """Whatever happens while the SDK takes a module of the application, it is told, with its place."""
    write({"utils.py": line})
    finished = run_program(CALL)

    assert (0, "") == (finished.returncode, finished.stderr)
    assert "ProviderNotInstalledError NO True" in finished.stdout
    assert f"it found 'utils' ({Path('utils.py').absolute()})" in finished.stdout
    assert "s3cr3t" not in finished.stdout


@pytest.mark.usefixtures("true_sdk")
def test_a_gateway_is_recognised(run_program: Run) -> None:
    """With the gateway's five modules on the import path, the SDK is called."""
    write(GATEWAY)
    finished = run_program(CALL + "    else:\n        print('it ran')\n")

    assert ("it ran\n", "") == (finished.stdout, finished.stderr)


@pytest.mark.usefixtures("true_sdk")
@pytest.mark.parametrize("name", ["config", "utils", "sync", "ipc_wrapper"])
def test_on_a_gateway_a_module_of_ones_own_is_recognised_before_the_call(run_program: Run, name: str) -> None:
    """There the import works and the first call would fail with an AttributeError; the error says what to rename."""
    write({**GATEWAY, f"{name}.py": "DEBUG = True\nipc = None\n" if name != "ipc_wrapper" else "SOCKET = 1\n"})
    words = run_program(CALL).stdout

    assert "ProviderNotInstalledError NO True" in words
    assert f"'{name}' ({Path(f'{name}.py').absolute()})" in words


def test_a_file_that_is_called_as_the_sdk_is_recognised(run_program: Run) -> None:
    """An application's own lecoresdk.py is not the SDK."""
    write({"lecoresdk.py": "VERSION = 1\n"})

    assert f"'lecoresdk' ({Path('lecoresdk.py').absolute()}) is not the gateway's SDK" in run_program(CALL).stdout


@pytest.mark.parametrize("context", [None, {}, {"custom": {"a": "é"}}, {"custom": {}, "other": [1, None]}])
@pytest.mark.parametrize("kind", ["Sync", "Async"])
def test_the_context_is_encoded_once(
    generation: str, scripted: Any, client: fcall.Client, kind: Any, context: Any
) -> None:
    """Whichever SDK it is, the gateway gets base64 of the object's JSON text, and never base64 of that."""
    scripted.answer(202 if (generation, kind) == ("1.0", "Async") else 200)
    verb = client.invoke if kind == "Sync" else client.enqueue
    verb("images/resize", payload=b"", context=context)
    (_, sent, _, _) = scripted.asked[0]

    assert (context or {}) == (json.loads(base64.b64decode(sent, validate=True)) if sent else {})
    assert sent or (generation == "1.1" and context is None)


@pytest.mark.parametrize("spelling", ["object", "text", "base64"])
def test_every_spelling_of_a_context_arrives(
    generation: str, scripted: Any, client: fcall.Client, spelling: str
) -> None:
    """Code for either SDK says the context its own way, and it arrives the same."""
    context = {"custom": {"data": "customData"}}
    text = json.dumps(context)
    encoded = base64.standard_b64encode(text.encode()).decode()
    scripted.answer()
    given = {"object": context, "text": text, "base64": encoded}[spelling]
    client.invoke_function({"serviceName": "s", "functionName": "f", "invokerContext": given})

    assert encoded == scripted.asked[0][1]


def test_the_generations_are_told_apart(generation: str, scripted: Any) -> None:
    """No version says which SDK it is; what it imports does."""
    import lecoresdk
    from fcall_linkedge._sdk import generation_of

    assert generation == generation_of(lecoresdk)


def test_a_newer_sdk_knows_what_is_missing(sdk_1_1: None, scripted: Any, client: fcall.Client) -> None:
    """With 1.1 a call is one step, so a status of 404 says for sure that nothing ran."""
    scripted.answer(404)
    with pytest.raises(FunctionNotFoundError) as raised:
        client.invoke("images/resize")

    assert (Executed.NO, 404) == (raised.value.executed, raised.value.status_code)


def test_an_older_sdk_does_not(true_sdk: None, scripted: Any, client: fcall.Client) -> None:
    """With 1.0 the status is that of a result, and the task it belongs to was taken."""
    scripted.answer(404)
    with pytest.raises(FunctionNotFoundError) as raised:
        client.invoke("images/resize")

    assert (Executed.MAYBE, 404) == (raised.value.executed, raised.value.status_code)


def test_a_newer_sdk_accepts_without_an_id(sdk_1_1: None, scripted: Any, client: fcall.Client) -> None:
    """With 1.1 an accepted event is "success", which is no id."""
    scripted.answer(200)
    accepted = client.enqueue("images/resize")

    assert (None, 202) == (accepted.request_id, accepted.status_code)


@pytest.mark.parametrize("status", [202, 404, 500, None], ids=["202", "404", "500", "no reply"])
def test_a_newer_sdk_refuses_in_band(sdk_1_1: None, scripted: Any, client: fcall.Client, status: int | None) -> None:
    """With 1.1 an event that is not accepted is None, or "fail" where nobody replied: it may run all the same."""
    if status is not None:
        scripted.answer(status)
    with pytest.raises(ProviderUnavailableError) as raised:
        client.enqueue("images/resize")

    assert (Executed.MAYBE, False) == (raised.value.executed, raised.value.retryable)


def test_a_newer_sdk_without_a_reply_may_have_called(sdk_1_1: None, scripted: Any, client: fcall.Client) -> None:
    """With 1.1 no reply to a Sync call is None."""
    with pytest.raises(ProviderUnavailableError) as raised:
        client.invoke("images/resize")

    assert Executed.MAYBE is raised.value.executed


HOSTILE = ["", "a:b", "a/b", "../x", "a b", "a?b", "a#b", "a\nb", "a\0b", "é", "9lives", "-a", "a" * 129, "{x}", "a.b"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
@pytest.mark.parametrize("key", ["serviceName", "functionName"])
def test_a_name_that_says_more_is_refused(
    generation: str, scripted: Any, client: fcall.Client, key: str, name: str
) -> None:
    """Names become parts of an ARN: one that could mean another function is refused before anything is sent."""
    with pytest.raises(InvalidParamsError):
        client.invoke_function({"serviceName": "s", "functionName": "f", key: name})

    assert [] == scripted.asked


@pytest.mark.parametrize("name", ["a", "_a", "A-9_z", "a" * 128])
def test_a_good_name_arrives_unchanged(generation: str, scripted: Any, client: fcall.Client, name: str) -> None:
    """Every name that a gateway can have is in the ARN as it is."""
    scripted.answer()
    client.invoke_function({"serviceName": name, "functionName": name})

    assert f"acs:fc:::service:{name}:function:{name}" == scripted.asked[0][0]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=130) | st.from_regex(r"[a-z:/_ -]{1,8}", fullmatch=True))
def test_a_name_arrives_unchanged_or_not_at_all(true_sdk: None, scripted: Any, client: fcall.Client, name: str) -> None:
    """Whatever the name, it is that function of that service which is asked for, or none."""
    scripted.answer()
    scripted.asked.clear()
    with contextlib.suppress(InvalidParamsError):
        client.invoke_function({"serviceName": "s", "functionName": name})

    assert {asked[0] for asked in scripted.asked} <= {f"acs:fc:::service:s:function:{name}"}
    assert bool(scripted.asked) == bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", name))


def test_a_function_has_a_service(generation: str, scripted: Any, client: fcall.Client) -> None:
    """A function without a service is refused, and the error says how to name one."""
    with pytest.raises(InvalidParamsError, match="service/function"):
        client.invoke("resize")

    assert [] == scripted.asked


def test_the_service_is_the_bindings_name(generation: str, scripted: Any) -> None:
    """A configured service is called by its own name on the gateway, unless the configuration says another."""
    services = {"images": {"provider": "linkedge"}, "sounds": {"provider": "linkedge", "service": "EdgeSounds"}}
    scripted.answer()
    with fcall.Client({"services": services}, plugins=[fcall_linkedge]) as client:
        client.invoke("images/resize")
        client.invoke("sounds/cut")

    assert ["service:images:function:resize", "service:EdgeSounds:function:cut"] == [
        asked[0].removeprefix("acs:fc:::") for asked in scripted.asked
    ]


@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_is_one_or_more(value: int) -> None:
    """At least one call may be under way."""
    with pytest.raises(fcall.errors.ConfigurationError, match="1 or more"):
        fcall.Client(plugins=[fcall_linkedge], provider="linkedge", max_concurrency=value).invoke("s/f")


@pytest.mark.parametrize("asked", [{"qualifier": "prod"}, {"log_tail": True}, {"idempotency_key": "k"}])
def test_what_a_gateway_does_not_have_is_refused(
    generation: str, scripted: Any, client: fcall.Client, asked: dict[str, Any]
) -> None:
    """Versions, logs and idempotency keys are none of a gateway's."""
    with pytest.raises(fcall.errors.UnsupportedFeatureError):
        client.invoke("s/f", {}, **asked)

    assert [] == scripted.asked


CANARY = "c4n4ry"


def test_no_log_of_ours_shows_a_canary(
    generation: str, scripted: Any, client: fcall.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """No payload and no context is in a log of ours at any level, nor in anyone's from INFO up, nor in an error."""
    caplog.set_level(logging.DEBUG)
    scripted.answer(body=CANARY.encode())
    client.invoke("s/f", CANARY, context={"custom": {"token": CANARY}})
    scripted.answer(500, body=CANARY.encode())
    with pytest.raises(ProviderUnavailableError) as raised:
        client.invoke("s/f", CANARY, context={"custom": {"token": CANARY}})
    told = [record for record in caplog.records if record.name.startswith("fcall") or record.levelno > logging.DEBUG]
    encoded = base64.b64encode(CANARY.encode()).decode()

    assert not [record for record in told if {CANARY, encoded} & {*record.getMessage().split()}]
    assert not [record for record in told if CANARY in record.getMessage() or encoded in record.getMessage()]
    assert CANARY not in f"{raised.value!r} {vars(raised.value)}"


def test_calling_configures_no_logging(run_program: Run) -> None:
    """The SDK logs on the root logger, which gives it a handler where there is none; a call of ours leaves it alone."""
    write({"config.py": ""})
    finished = run_program(
        """
        import logging
        import fcall, fcall_linkedge
        from fcall_linkedge import emulator

        @fcall.local.function("s/f")
        def f(event, context):
            return event

        with emulator.gateway(), fcall.Client(plugins=[fcall_linkedge], provider="linkedge") as client:
            client.invoke("s/f", {})
        print(logging.getLogger().handlers)
        """
    )

    assert ("[]\n", "") == (finished.stdout, finished.stderr)


def test_the_stand_ins_have_what_is_used() -> None:
    """The emulated gateway would be recognised as one."""
    from fcall_linkedge._sdk import USED_OF_THE_GATEWAY

    for name, used in USED_OF_THE_GATEWAY.items():
        assert set(used) <= set(dir(_stand_ins._TOP[name]))
    assert "lecoresdk" not in sys.modules
