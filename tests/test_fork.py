"""Forks: parent and child go on with the same client, and share neither locks nor events."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

import fcall
from fcall import _fork

Run = Callable[[str], "subprocess.CompletedProcess[str]"]

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.usefixtures("unmeasured"),
]


# `child` runs a function in a forked child, which an alarm ends if it hangs, and gives the child's exit code.
BEGIN = """
    import os, signal, sys, threading, time, traceback, warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks beside threads, which are meant here
    import fcall

    def child(function):
        sys.stdout.flush()  # what is buffered would be written on both sides
        pid = os.fork()
        if pid:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        signal.alarm(20)
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    ran = os.open("ran", os.O_CREAT | os.O_RDWR | os.O_APPEND)

    @fcall.local.function("pid")
    def pid(event, context):
        return os.getpid()

    @fcall.local.function("note")
    def note(event, context):
        time.sleep(0.01)
        os.write(ran, f"{event} {os.getpid()}\\n".encode())

    def noted():
        with open("ran") as lines:
            return [tuple(map(int, line.split())) for line in lines]

    client = fcall.Client()
"""


def test_whatever_asks_is_told_in_the_child() -> None:
    """What has something to forget is told of every fork for as long as it lives, and is not kept alive for that."""

    class Forkable:
        def after_fork_in_child(self) -> None:
            told.append("told")

    told: list[str] = []
    forkable = Forkable()
    _fork.forget_in_child(forkable)
    _fork._in_child()
    del forkable
    _fork._in_child()

    assert ["told"] == told


def test_nothing_changes_for_what_is_idle(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """A client that was told of a fork works as before, and so does whatever it was made of."""
    registry.function("pid")(lambda event, context: os.getpid())
    default = fcall.default_client()
    _fork._in_child()

    assert os.getpid() == client.invoke("pid").json()
    assert 202 == client.enqueue("pid").status_code
    assert default is fcall.default_client()
    assert ["pid"] == [info.name for info in client.list_functions()]


def test_a_client_goes_on_in_parent_and_child(run_program: Run) -> None:
    """Used before the fork, it calls on both sides afterwards, Sync and Async, and can be closed on both."""
    finished = run_program(
        f"""{BEGIN}
    def both():
        assert client.invoke("pid").json() == os.getpid()
        client.enqueue("note", 1)
        client.close()
        assert (1, os.getpid()) in noted(), noted()

    client.invoke("pid")
    client.enqueue("note", 0)
    print(child(both))
    both()
    """
    )

    assert ("0\n", "") == (finished.stdout, finished.stderr)


def test_events_of_the_parent_run_once_and_there(run_program: Run) -> None:
    """A child has nothing to wait for, and what the parent accepted before runs in the parent alone."""
    finished = run_program(
        f"""{BEGIN}
    def waits():
        assert fcall.local.drain(0)
        client.close()

    for number in range(20):
        client.enqueue("note", number)
    print(child(waits))
    client.close()
    print(sorted(noted()) == [(number, os.getpid()) for number in range(20)])
    """
    )

    assert ("0\nTrue\n", "") == (finished.stdout, finished.stderr)


def test_a_provider_that_code_made_starts_afresh(run_program: Run) -> None:
    """An instance that the client did not make keeps its options in the child, and drops the parent's events."""
    finished = run_program(
        f"""{BEGIN}
    from fcall.local._options import LocalOptions
    from fcall.local._provider import LocalProvider

    provider = LocalProvider(LocalOptions(workers=1))
    client = fcall.Client(providers={{"mine": provider}})

    def uses():
        assert client.invoke("pid").json() == os.getpid()
        client.enqueue("note", 7)
        provider.close()
        assert [(7, os.getpid())] == [line for line in noted() if line[1] == os.getpid()], noted()

    for number in range(5):
        client.enqueue("note", number)
    print(child(uses))
    provider.close()
    print(len(noted()))
    """
    )

    assert ("0\n6\n", "") == (finished.stdout, finished.stderr)


def test_the_default_client_works_in_the_child(run_program: Run) -> None:
    """Made before the fork or after it, it is there on both sides."""
    finished = run_program(
        f"""{BEGIN}
    def calls():
        assert fcall.invoke_function({{"functionName": "pid"}})["payload"] == str(os.getpid()).encode()

    print(child(calls))
    calls()
    print(child(calls))
    """
    )

    assert ("0\n0\n", "") == (finished.stdout, finished.stderr)


def test_pauses_differ_between_parent_and_child(run_program: Run) -> None:
    """Processes that were forked do not all try again at the same moment."""
    finished = run_program(
        f"""{BEGIN}
    print(child(lambda: print(client._random())), client._random())
    """
    )
    childs, code, parents = finished.stdout.split()

    assert ("0", "") == (code, finished.stderr)
    assert childs != parents


def test_every_lock_is_free_in_the_child(run_program: Run) -> None:
    """A lock that another thread holds at the moment of a fork is nobody's in the child."""
    finished = run_program(
        f"""{BEGIN}
    from contextlib import ExitStack
    from fcall import _client
    from fcall.local._options import LocalOptions
    from fcall.local._provider import LocalProvider

    provider = LocalProvider(LocalOptions())
    client = fcall.Client({{"services": {{}}}}, providers={{"mine": provider}})
    registry = fcall.local.Registry()
    locks = [client._router._lock, client._plugins._lock, registry._lock, _client._default_lock, provider._queue._lock]
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            held.set()
            go_on.wait(30)

    def uses():
        registry.function("any")(pid)
        assert list(registry.names(None)) == ["any"]
        assert client.invoke("mine:pid").json() == os.getpid()
        client.enqueue("mine:pid")
        provider.close()
        client.close()
        fcall.default_client().invoke("pid")

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait(30)
    print(child(uses))
    go_on.set()
    holding.join()
    uses()
    """
    )

    assert ("0\n", "") == (finished.stdout, finished.stderr)


def test_no_lock_is_held_for_ever(run_program: Run) -> None:
    """Whatever other threads are doing at the moment of a fork, the child can do all of it, sixty times."""
    finished = run_program(
        f"""{BEGIN}
    import itertools

    number, over = itertools.count(), threading.Event()

    def everything():
        each = next(number)
        client.invoke("pid")
        client.enqueue("pid")
        fcall.local.drain(10)
        fcall.set_default_client(None)
        fcall.default_client().invoke("pid")
        fcall.local.function(f"new/{{os.getpid()}}-{{each}}")(pid)
        list(client.list_functions("new"))
        with fcall.Client(provider="local", function_timeout=1 + each) as other:
            path = f"handler_{{os.getpid()}}_{{each}}.py"
            with open(path, "w") as file:
                file.write("def handler(event, context): return 1")
            other.invoke(f"local:{{path}}:handler")

    def load():
        try:
            while not over.is_set():
                everything()
        except BaseException:
            traceback.print_exc()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    codes = [child(everything) for _ in range(60)]
    over.set()
    for thread in threads:
        thread.join()
    print(codes == [0] * 60 or codes)
    """
    )

    assert ("True\n", "") == (finished.stdout, finished.stderr)


def test_a_fork_waits_for_an_import_amid_the_work(run_program: Run) -> None:
    """What the first call of a provider loads is whole in every child, whichever thread loads it."""
    finished = run_program(
        f"""{BEGIN}
    from fcall._no_fork import no_fork

    begun, go_on, loaded = threading.Event(), threading.Event(), []

    def load():
        with no_fork():
            begun.set()
            go_on.wait(30)
            loaded.append("whole")

    def look():
        with no_fork():
            assert loaded == ["whole"]

    threading.Thread(target=load).start()
    begun.wait(30)
    threading.Timer(0.1, go_on.set).start()
    print(child(look))
    """
    )

    assert ("0\n", "") == (finished.stdout, finished.stderr)


def test_a_module_that_was_half_imported_is_imported_anew(run_program: Run) -> None:
    """A child does not wait for a thread that it does not have, nor take over a module that is half there."""
    finished = run_program(
        f"""{BEGIN}
    begun, go_on = threading.Event(), threading.Event()
    with open("slow.py", "w") as file:
        file.write('''
    import __main__
    __main__.begun.set()
    __main__.go_on.wait(30)
    def handler(event, context): return "whole"
    '''.replace("\\n    ", "\\n"))
    with open("done.py", "w") as file:
        file.write("import __main__, os\\n__main__.imports = getattr(__main__, 'imports', 0) + 1\\n")
        file.write("def handler(event, context): return __main__.imports\\n")

    def calls():
        go_on.set()
        assert client.invoke("local:slow.py:handler").json() == "whole"
        assert client.invoke("local:done.py:handler").json() == 1

    client.invoke("local:done.py:handler")
    loading = threading.Thread(target=client.invoke, args=("local:slow.py:handler",))
    loading.start()
    begun.wait(30)
    print(child(calls))
    go_on.set()
    loading.join()
    calls()
    """
    )

    assert ("0\n", "") == (finished.stdout, finished.stderr)


def test_a_module_may_fork_as_it_is_imported(run_program: Run) -> None:
    """The thread that imports it goes on in the child, and so does the import."""
    finished = run_program(
        f"""{BEGIN}
    with open("forking.py", "w") as file:
        file.write("import __main__, sys\\nprint(__main__.child(lambda: sys.modules[__name__]), flush=True)\\n")
        file.write("def handler(event, context): return 'imported'\\n")
    print(client.invoke("local:forking.py:handler").json())
    """
    )

    assert ("0\nimported\n", "") == (finished.stdout, finished.stderr)


def test_an_event_may_fork(run_program: Run) -> None:
    """A function that was enqueued may fork; its child has a client that works."""
    finished = run_program(
        f"""{BEGIN}
    @fcall.local.function("forks")
    def forks(event, context):
        print(child(lambda: client.invoke("pid") and client.enqueue("pid") and fcall.local.drain(10)))

    client.enqueue("forks")
    fcall.local.drain()
    """
    )

    assert ("0\n", "") == (finished.stdout, finished.stderr)
