"""Secrets: no credential shows in a log, an error, a repr or a pickle, whatever goes wrong."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fcall_aliyun import AliyunOptions, Credentials
from fcall_aliyun.testing import FcEndpoint

import fcall
from fcall.errors import FcallError
from fcall.testing.faults import FAULTS, Fault

ID, SECRET, TOKEN = "canary-key-id", "canary-secret-8a1f", "canary-token-77c2"
PAYLOAD = b'{"canary": "payload-canary-19"}'
CANARIES = (SECRET, TOKEN, "payload-canary-19")
QUICK = [fault for fault in FAULTS if not fault.needs_tls and "HANG" not in fault.name and fault.name != "BLACK_HOLE"]


class _Everything(logging.Handler):
    """Keeps every record, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[int, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelno, record.name, self.format(record)))


@pytest.fixture
def logged() -> Iterator[_Everything]:
    root, handler = logging.getLogger(), _Everything()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def _shown(error: BaseException) -> str:
    """Everything that a program may show, store or send of an error, its causes included."""
    texts = ["".join(traceback.format_exception(error))]
    link: BaseException | None = error
    while link is not None:
        texts += [str(link), repr(link), repr(link.args)]
        link = link.__cause__ or link.__context__
    return "\n".join([*texts, repr(pickle.dumps(error)), repr(vars(error))])


@pytest.mark.parametrize("name", ["images/echo", "echo"], ids=["fc2", "fc3"])
def test_no_canary_shows_over_the_fault_run(
    client: Callable[..., fcall.Client], logged: _Everything, name: str
) -> None:
    """Over every fault, nothing of the credentials or the payload is in an error or a log record of anyone's."""
    with FcEndpoint({"images/echo": _boom, "echo": _boom}, keys={ID: SECRET}) as endpoint:
        caller = client(endpoint, security_token=TOKEN)
        for fault in (*QUICK, Fault.status(403, b'{"ErrorCode": "SignatureNotMatch"}'), Fault.NONE):
            endpoint.reset()
            endpoint.inject(fault)
            try:
                caller.invoke(name, payload=PAYLOAD, timeout=0.3)
            except FcallError as error:
                shown = _shown(error)

                assert not [canary for canary in CANARIES if canary in shown], fault
    assert logged.lines
    assert not [line for line in logged.lines if any(canary in line[2] for canary in CANARIES)]


def _boom(event: bytes, context: Any) -> None:
    raise ValueError("the handler fails")


def test_the_root_logger_is_left_alone(client: Callable[..., fcall.Client], plain: FcEndpoint) -> None:
    """aliyun-fc2 configures the root logger with its first message; here it never speaks."""
    root = logging.getLogger()
    before = list(root.handlers)
    kept, root.handlers[:] = list(root.handlers), []
    try:
        caller = client(plain)
        for name in ("images/echo", "images/fail", "images/missing"):
            try:
                caller.invoke(name, 1)
            except FcallError:
                continue

        assert root.handlers == []
    finally:
        root.handlers[:] = kept
    assert root.handlers == before


def test_a_repr_shows_nothing() -> None:
    """Options, credentials, requests and everything that holds them can be printed."""
    from fcall_aliyun._credentials import Environment, Fixed, Renewed
    from fcall_aliyun._exchange import Request
    from fcall_aliyun._provider import AliyunProvider

    credentials = Credentials(ID, SECRET, TOKEN)
    options = AliyunOptions(
        endpoint="fc.example",
        access_key_id=ID,
        access_key_secret=SECRET,
        security_token=TOKEN,
        proxy="http://proxy.example:3128",
        proxy_credentials=f"user:{SECRET}",
    )
    shown = [
        options,
        credentials,
        Request("POST", "/", {"authorization": SECRET}, PAYLOAD),
        Fixed(credentials),
        Environment({}),
        Renewed(lambda: credentials),
        AliyunProvider(options),
    ]

    assert not [canary for canary in CANARIES if any(canary in repr(each) for each in shown)]


@pytest.mark.parametrize(
    "options",
    [
        {"access_key_id": ID},
        {"access_key_secret": SECRET},
        {"security_token": TOKEN},
        {"access_key_id": ID, "access_key_secret": f"{SECRET}\r\nX: y"},
        {"access_key_id": ID, "access_key_secret": SECRET, "security_token": f"{TOKEN}é"},
        {"access_key_id": ID, "access_key_secret": SECRET, "credentials": lambda: Credentials(ID, SECRET)},
        {"proxy_credentials": SECRET},
        {"endpoint": f"https://user:{SECRET}@fc.example"},
        {"proxy": f"http://user:{SECRET}@proxy.example"},
    ],
)
def test_a_mistake_in_the_options_shows_nothing(options: dict[str, Any]) -> None:
    """An error about the options names them, and never shows one."""
    with pytest.raises((FcallError, ValueError)) as raised:
        fcall.Client(
            provider="aliyun", plugins=[__import__("fcall_aliyun")], **{"endpoint": "fc.example", **options}
        ).invoke("echo")

    assert not [canary for canary in CANARIES if canary in _shown(raised.value)]
