"""The AWS provider against boto3 alone: the processor's time for one call, in this process, over plain HTTP and TLS."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measure import Effort, Row, Samples, Subject, interleaved, limit, micro, repeated

import fcall

__all__ = ["rows"]

_SERVER = Path(__file__).with_name("lambda_server.py")
_SMALL = json.dumps({"name": "Ada", "filler": "x" * 71}).encode()
_LARGE = json.dumps({"name": "Ada", "filler": "x" * 1_048_547}).encode()
assert (len(_SMALL), len(_LARGE)) == (100, 1_048_576)
_SIZES = {"100 bytes": (_SMALL, 10), "1 MB": (_LARGE, 100)}
_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def rows(effort: Effort) -> list[Row]:
    """A call from JSON text to a Python object: a small one and a large one, by fcall and by boto3."""
    if not (find_spec("boto3") and find_spec("fcall_aws")):
        return [Row(f"a call of AWS Lambda, {size}", "fcall-aws is not installed") for size in _SIZES]
    made = []
    with _environment():
        for scheme in ("plain", "tls"):
            with _server(scheme) as (url, ca_file), _clients(url, ca_file) as subjects:
                for size, (payload, share) in _SIZES.items():
                    samples = _measured(subjects, payload, effort.rounds, max(1, effort.calls // share))
                    made.append(_row(size, scheme, samples))
    return made


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """Credentials that mean nothing, and none of this machine's settings."""
    kept = dict(os.environ)
    for name in kept:
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(_SETTINGS)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@contextlib.contextmanager
def _server(scheme: str) -> Iterator[tuple[str, str | None]]:
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, str(_SERVER), scheme],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        url, ca_file = process.stdout.readline().split()
        yield url, None if ca_file == "-" else ca_file


@contextlib.contextmanager
def _clients(url: str, ca_file: str | None) -> Iterator[dict[str, Callable[[bytes], Any]]]:
    """What makes a call, by name. boto3 has its defaults, as whoever writes these three lines has them."""
    import boto3
    import fcall_aws

    if ca_file is not None:
        os.environ["AWS_CA_BUNDLE"] = ca_file
    bare = boto3.client("lambda", region_name="us-east-1", endpoint_url=url)
    with fcall.Client(provider="aws", region="us-east-1", endpoint_url=url, plugins=[fcall_aws]) as client:
        yield {
            "fcall": lambda payload: client.invoke("echo", payload=payload).json(),
            "boto3": lambda payload: json.loads(bare.invoke(FunctionName="echo", Payload=payload)["Payload"].read()),
        }
    bare.close()


def _measured(calls: dict[str, Callable[[bytes], Any]], payload: bytes, rounds: int, times: int) -> Samples:
    assert all(call(payload) == json.loads(payload) for call in calls.values())
    subjects: dict[str, Subject] = {
        name: repeated(lambda call=call: call(payload), time.process_time) for name, call in calls.items()
    }
    return interleaved(subjects, rounds=rounds, times=times)


def _row(size: str, scheme: str, samples: Samples) -> Row:
    ratio = samples.ratio("fcall", "boto3")
    words, most = ("at most 1/2", 0.5) if size == "100 bytes" else ("at most 1", 1.0)
    return Row(
        f"`Client.invoke(…).json()` on AWS Lambda, {size}, {'HTTP' if scheme == 'plain' else 'TLS'}, CPU",
        micro(samples.cost("fcall")),
        f"boto3 alone {micro(samples.cost('boto3'))}",
        f"1/{1 / ratio:.2f}",
        limit(words, ratio <= most),
    )
