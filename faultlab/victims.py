"""Functions that do to their own process what nobody should. Each counts itself in a byte of a file when it begins.

The byte is the second page's first: whoever writes garbage on every descriptor writes it on the first page.
"""

import atexit
import ctypes
import functools
import mmap
import os
import signal
import subprocess
import sys
import threading
import time


@functools.cache
def _marks(path):
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def marked(function):
    """Count the run before anything else: another thread may end the process as soon as this one lets go of Python."""

    @functools.wraps(function)
    def run(event, context):
        marks = _marks(event["marks"])
        marks[4096] = (marks[4096] + 1) % 256
        return function(event, context)

    return run


class Unspeakable(Exception):
    def __reduce__(self):
        raise TypeError("cannot be pickled")

    def __str__(self):
        raise RuntimeError("cannot be printed")


@marked
def well(event, context):
    return os.getpid()


@marked
def raises(event, context):
    raise ValueError("it fails")


@marked
def raises_exit(event, context):
    sys.exit(3)


@marked
def raises_interrupt(event, context):
    raise KeyboardInterrupt


@marked
def raises_unspeakable(event, context):
    raise Unspeakable


@marked
def recurses(event, context):
    return recurses.__wrapped__(event, context)


@marked
def exits(event, context):
    os._exit(7)


@marked
def exits_well(event, context):
    os._exit(0)


@marked
def segfaults(event, context):
    ctypes.string_at(0)


@marked
def aborts(event, context):
    os.abort()


@marked
def kills_itself(event, context):
    os.kill(os.getpid(), signal.SIGKILL)


@marked
def terminates_itself(event, context):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


@marked
def stops_itself(event, context):
    os.kill(os.getpid(), signal.SIGSTOP)


@marked
def is_killed(event, context):
    with subprocess.Popen(["sh", "-c", f"kill -9 {os.getpid()}"]):
        time.sleep(60)


@marked
def endless(event, context):
    while True:
        pass


@marked
def loops_in_c(event, context):
    sum(range(10**12))


@marked
def ignores_signals(event, context):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)


@marked
def sleeps(event, context):
    time.sleep(60)


@marked
def hungry(event, context):
    return len(bytearray(4_000_000_000))


@marked
def closes_everything(event, context):
    os.closerange(0, 200)


@marked
def closes_and_sleeps(event, context):
    os.closerange(0, 200)
    time.sleep(60)


@marked
def writes_garbage(event, context):
    for descriptor in range(3, 200):
        try:
            os.write(descriptor, b"garbage " * 100)
        except OSError:
            pass


@marked
def forks(event, context):
    os.fork()


@marked
def forks_and_exits(event, context):
    if os.fork():
        os._exit(7)
    time.sleep(60)


@marked
def answers_not_json(event, context):
    return {1, 2}


@marked
def answers_too_much(event, context):
    return "x" * 50_000_000


@marked
def answers_nan(event, context):
    return float("nan")


@marked
def answers_itself(event, context):
    event["event"] = event
    return event


@marked
def floods(event, context):
    for _ in range(20):
        print("y" * 1_000_000)


@marked
def leaves_thread(event, context):
    threading.Thread(target=time.sleep, args=(60,)).start()


@marked
def leaves_killer(event, context):
    threading.Timer(0.002, os._exit, (9,)).start()


@marked
def leaves_exit_handler(event, context):
    atexit.register(os._exit, 9)
