"""The Alibaba provider against aliyun-fc2 as it ships, and against a request signed by hand on such a pool."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hmac
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measure import Effort, Row, Samples, interleaved, limit, micro, repeated

import fcall

__all__ = ["by_hand", "rows"]

_SERVER = Path(__file__).with_name("fc_server.py")
_KEY_ID, _SECRET = "benchmark-id", "benchmark-secret"
_EVENT = json.dumps({"name": "Ada", "filler": "x" * 71}).encode()
_ANSWER = b'{"name": "Ada"}'
assert len(_EVENT) == 100
_FASTER = {"tls": 35.0, "plain": 2.5}
_WORDS = {"tls": "TLS", "plain": "HTTP"}
_AGENT = "hand-signed"


def rows(effort: Effort) -> list[Row]:
    """Calls per second against the SDK, and the processor's time against a request signed by hand."""
    if not (find_spec("fc2") and find_spec("fcall_aliyun")):
        return [
            Row(f"a call of Function Compute, {words}", "fcall-aliyun is not installed") for words in (*_WORDS, "CPU")
        ]
    made = []
    for scheme in ("plain", "tls"):
        with _server(scheme) as (url, ca_file), _calls(url, ca_file) as calls:
            assert all(call() == _ANSWER for call in calls.values())
            made.append(_speed(scheme, calls, effort))
            made += _processor(scheme, calls, effort)
    return made


@contextlib.contextmanager
def _server(scheme: str) -> Iterator[tuple[str, str | None]]:
    command = [sys.executable, str(_SERVER), scheme]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, ca_file = process.stdout.readline().split()
        yield url, None if ca_file == "-" else ca_file


@contextlib.contextmanager
def _calls(url: str, ca_file: str | None) -> Iterator[dict[str, Callable[[], bytes]]]:
    """What makes a call, by name."""
    import fc2
    import fcall_aliyun

    options: dict[str, Any] = {"endpoint": url, "access_key_id": _KEY_ID, "access_key_secret": _SECRET}
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    if ca_file is not None:
        options["ca_file"] = os.environ["REQUESTS_CA_BUNDLE"] = _with_public_roots(ca_file)
    sdk = fc2.Client(endpoint=url, accessKeyID=_KEY_ID, accessKeySecret=_SECRET)
    signed, pool = by_hand(url, ca_file)
    with fcall.Client(provider="aliyun", plugins=[fcall_aliyun], **options) as client:
        calls: dict[str, Callable[[], bytes]] = {
            "fcall": lambda: client.invoke("images/echo", payload=_EVENT).payload,
            "fc2": lambda: sdk.invoke_function("images", "echo", _EVENT).data,
            "by hand": lambda: signed(_EVENT),
        }
        if find_spec("alibabacloud_fc20230330"):
            calls["fcall, FC 3.0"] = lambda: client.invoke("echo", payload=_EVENT).payload
        yield calls
    pool.close()
    os.environ.pop("REQUESTS_CA_BUNDLE", None)
    if before is not None:
        os.environ["REQUESTS_CA_BUNDLE"] = before


def _with_public_roots(ca_file: str) -> str:
    """The file with what certifi trusts before it: as shipped, aliyun-fc2 reads all of that for every connection."""
    import certifi

    path = Path(ca_file).with_name("roots.pem")
    path.write_text(Path(certifi.where()).read_text(encoding="utf-8") + Path(ca_file).read_text(encoding="utf-8"))
    return str(path)


def by_hand(url: str, ca_file: str | None) -> tuple[Callable[[bytes], bytes], Any]:
    """What somebody would write who knows FC 2.0 and urllib3, and wants no more than the answer."""
    import urllib3

    scheme, _, host = url.partition("://")
    extra = {"ssl_context": ssl.create_default_context(cafile=ca_file)} if scheme == "https" else {}
    pool = urllib3.connection_from_url(url, maxsize=10, block=True, retries=False, **extra)
    path = "/2016-08-15/services/images/functions/echo/invocations"

    def call(payload: bytes) -> bytes:
        date = email.utils.formatdate(usegmt=True)
        text = f"POST\n\napplication/json\n{date}\nx-fc-invocation-type:Sync\n{path}"
        signature = base64.b64encode(hmac.digest(_SECRET.encode(), text.encode(), "sha256")).decode()
        headers = {
            "host": host,
            "date": date,
            "content-type": "application/json",
            "user-agent": _AGENT,
            "x-fc-invocation-type": "Sync",
            "authorization": f"FC {_KEY_ID}:{signature}",
        }
        answer = pool.urlopen("POST", path, body=payload, headers=headers, timeout=60.0)
        if answer.status != 200 or "x-fc-error-type" in answer.headers:
            raise RuntimeError("the call failed")
        data: bytes = answer.data
        return data

    return call, pool


def _speed(scheme: str, calls: dict[str, Callable[[], bytes]], effort: Effort) -> Row:
    """The wall clock; aliyun-fc2 is slow, so it gets few turns."""
    subjects = {name: repeated(calls[name]) for name in ("fcall", "fc2")}
    samples = interleaved(subjects, rounds=effort.rounds, times=max(1, effort.calls // 100))
    faster, to_reach = samples.ratio("fc2", "fcall"), _FASTER[scheme]
    return Row(
        f"`Client.invoke(…)` on FC 2.0, {_WORDS[scheme]}, one after the other",
        micro(samples.cost("fcall")),
        f"aliyun-fc2 alone {micro(samples.cost('fc2'))}",
        f"1/{faster:.1f}",
        limit(f"at most 1/{to_reach:g}", faster >= to_reach),
    )


def _processor(scheme: str, calls: dict[str, Callable[[], bytes]], effort: Effort) -> list[Row]:
    subjects = {name: repeated(call, time.process_time) for name, call in calls.items() if name != "fc2"}
    samples = interleaved(subjects, rounds=effort.rounds, times=max(1, effort.calls // 10))
    return [_processor_row(scheme, name, samples) for name in subjects if name != "by hand"]


def _processor_row(scheme: str, name: str, samples: Samples) -> Row:
    ratio = samples.ratio(name, "by hand")
    return Row(
        f"`Client.invoke(…)` on {'FC 3.0' if '3.0' in name else 'FC 2.0'}, {_WORDS[scheme]}, CPU",
        micro(samples.cost(name)),
        f"a request of FC 2.0 signed by hand, on a urllib3 pool {micro(samples.cost('by hand'))}",
        f"{ratio:.2f}",
        limit("at most 1.3", ratio <= 1.3) if name == "fcall" else "",
    )
