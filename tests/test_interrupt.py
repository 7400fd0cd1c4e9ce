"""Ctrl-C: it ends a call at once, wherever the call is, and nothing hangs afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send"),
    pytest.mark.usefixtures("unmeasured"),
]

# A shell may have started us with SIGINT ignored, which a program inherits.
BEGIN = """
    import signal, sys, time
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import fcall
    from fcall.errors import ThrottledError
    from fcall.provider import Capabilities

    def ready(*_):
        print("ready", flush=True)

    client = fcall.Client(provider="local")
"""

PROMPTLY = 4.0
"""Seconds; everything that is interrupted here would take longer by itself."""


def interrupted(program: str) -> tuple[int, str, float]:
    """How a program ends that gets Ctrl-C once it is ready: exit code, standard error, seconds that it took to end."""
    Path("program.py").write_text(textwrap.dedent(BEGIN) + textwrap.dedent(program))
    with subprocess.Popen(
        [sys.executable, "program.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "ready\n" == process.stdout.readline()
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=30)[1]
            return process.returncode, errors, time.monotonic() - begun
        finally:
            process.kill()


@pytest.mark.parametrize(
    "call",
    ["client.invoke('slow')", "next(client.stream('slow'))", "fcall.invoke_function({'functionName': 'slow'})"],
)
def test_in_the_middle_of_a_function(call: str) -> None:
    """The program ends as it does without us, and the error says that the function may have run."""
    code, errors, seconds = interrupted(
        f"""
        @fcall.local.function("slow")
        def slow(event, context):
            ready()
            time.sleep(20)

        with client:
            {call}
        """
    )

    assert -signal.SIGINT == code
    assert (
        "KeyboardInterrupt\nfcall: interrupted while slow was being called; it may have run (executed: MAYBE)" in errors
    )
    assert seconds < PROMPTLY


def test_in_the_middle_of_a_pause() -> None:
    """A call that waits to be tried again does not wait any longer."""
    code, errors, seconds = interrupted(
        """
        class Busy:
            capabilities = Capabilities()

            def invoke(self, invocation, deadline):
                raise ThrottledError("later", retry_after=60)

            def close(self):
                pass

        class Watcher:
            @fcall.hookimpl
            def fcall_on_retry(self, call, attempt):
                ready()

        with fcall.Client(providers={"busy": Busy()}, plugins=[Watcher()]) as client:
            client.invoke("any")
        """
    )

    assert -signal.SIGINT == code
    assert "KeyboardInterrupt" in errors
    assert seconds < PROMPTLY


def test_in_the_middle_of_an_import() -> None:
    """A handler's module that is being imported is not taken for one that cannot be."""
    Path("slow.py").write_text("import __main__, time\n__main__.ready()\ntime.sleep(20)\n")
    code, errors, seconds = interrupted("client.invoke('local:slow.py:handler')")

    assert -signal.SIGINT == code
    assert "FunctionLoadError" not in errors
    assert seconds < PROMPTLY


@pytest.mark.parametrize("wait", ["client.close()", "fcall.local.drain()"])
def test_while_waiting_for_events(wait: str) -> None:
    """The wait ends at once; what was accepted still runs before the process ends."""
    code, errors, _ = interrupted(
        f"""
        import threading
        waiting, interrupted = threading.Event(), threading.Event()

        @fcall.local.function("slow")
        def slow(event, context):
            waiting.wait(20)
            ready()
            interrupted.wait(20)
            with open("ran", "w") as file:
                file.write("yes")

        client.enqueue("slow")
        try:
            waiting.set()
            {wait}
        finally:
            interrupted.set()
        """
    )

    assert -signal.SIGINT == code
    assert "KeyboardInterrupt" in errors
    assert "yes" == Path("ran").read_text()


def test_the_client_can_be_used_again() -> None:
    """A program that catches the interrupt goes on with the same client."""
    code, errors, seconds = interrupted(
        """
        @fcall.local.function("slow")
        def slow(event, context):
            if not event:
                ready()
                time.sleep(20)
            return event

        try:
            client.invoke("slow")
        except KeyboardInterrupt:
            assert client.invoke("slow", 5).json() == 5
            client.enqueue("slow", 6)
            client.close()
        """
    )

    assert (0, "") == (code, errors)
    assert seconds < PROMPTLY


def test_in_the_queue_for_a_place() -> None:
    """A call that waits under max_in_flight hears Ctrl-C, and the call that has the place is not disturbed."""
    code, errors, seconds = interrupted(
        """
        import threading
        called, released = threading.Event(), threading.Event()

        class Slow:
            capabilities = Capabilities()
            def invoke(self, invocation, deadline):
                called.set()
                released.wait(30)
                return fcall.InvocationResult()
            def close(self):
                pass

        def report_the_wait():
            while sys._current_frames()[threading.main_thread().ident].f_code.co_name != "_entered":
                time.sleep(0.001)
            ready()

        client = fcall.Client(provider="slow", providers={"slow": Slow()}, max_in_flight=1)
        holder = threading.Thread(target=client.invoke, args=("f",))
        holder.start()
        called.wait()
        threading.Thread(target=report_the_wait, daemon=True).start()
        try:
            client.invoke("f")
        finally:
            released.set()
            holder.join()
        """
    )

    assert seconds < PROMPTLY
    assert "fcall: interrupted while f was being called" in errors
    assert -signal.SIGINT == code
