"""Forks: a client that was used goes on in parent and children, and nobody gets another one's answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

PROGRAM = """
    import json, os, sys, threading, warnings
    from concurrent.futures import ThreadPoolExecutor
    warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks beside threads, which are meant here
    import fcall, fcall_aws

    url, way = sys.argv[1:]
    if way == "watched":
        from botocore.httpsession import URLLib3Session
        genuine = URLLib3Session.send
        URLLib3Session.send = lambda session, request: genuine(session, request)
    if way == "given":  # a provider that nobody makes anew
        spec = fcall_aws.fcall_register_providers()
        client = fcall.Client(providers={"aws": spec.create(fcall_aws.AwsOptions(endpoint_url=url))})
    else:
        client = fcall.Client(provider="aws", endpoint_url=url, plugins=[fcall_aws])

    def calls(name):
        wrong = errors = 0
        for number in range(25):
            try:
                wrong += client.invoke("echo", [name, number], timeout=20).json() != [name, number]
            except Exception as error:
                errors += 1
                print(repr(error), file=sys.stderr)
        return wrong, errors

    with ThreadPoolExecutor(4) as pool:  # several connections, so that some are idle at the fork
        list(pool.map(calls, ["before"] * 4))
    stop = threading.Event()
    totals = []

    def go_on():
        while not stop.is_set():
            totals.append(calls("beside"))

    beside = threading.Thread(target=go_on)
    beside.start()
    read, write = os.pipe()
    children = []
    for child in range(8):
        pid = os.fork()
        if not pid:
            wrong, errors = calls(f"child {child}")
            os.write(write, json.dumps([wrong, errors]).encode() + b"\\n")
            os._exit(0)
        children.append(pid)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    stop.set()
    beside.join()
    totals.append(calls("after"))
    os.close(write)
    with open(read) as lines:
        told = [json.loads(line) for line in lines]
    print(json.dumps({"statuses": statuses, "children": told, "parent": totals}))
"""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("way", ["own", "watched", "given"])
def test_eight_children_of_25_calls(line: Callable[..., Any], tls: bool, way: str) -> None:
    """After use in the parent, and with a call of another thread under way: 0 wrong answers, 0 errors, on all sides."""
    it = line(tls=tls)
    Path("program.py").write_text(textwrap.dedent(PROGRAM))
    run = subprocess.run(
        [sys.executable, "program.py", it.endpoint.url, way], capture_output=True, text=True, timeout=25, check=False
    )

    assert 0 == run.returncode, run.stderr
    told = json.loads(run.stdout)
    assert [0] * 8 == told["statuses"]
    assert [[0, 0]] * 8 == told["children"], run.stderr
    assert {(0, 0)} == {tuple(counts) for counts in told["parent"]}, run.stderr


def test_a_forked_child_has_its_own_connections(line: Callable[..., Any]) -> None:
    """A child never sends a byte on a connection of its parent: what the parent has open is still well afterwards."""
    it = line()
    program = """
        import os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        import fcall, fcall_aws
        client = fcall.Client(provider="aws", endpoint_url=sys.argv[1], plugins=[fcall_aws])
        client.invoke("echo", 1)
        pid = os.fork()
        if not pid:
            client.invoke("echo", 2)
            client.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        client.invoke("echo", 3)
    """
    Path("program.py").write_text(textwrap.dedent(program))
    subprocess.run([sys.executable, "program.py", it.endpoint.url], check=True, timeout=25)

    assert [1, 2, 3] == it.ran
    assert 2 == it.server.connections
