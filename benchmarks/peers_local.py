"""Local calls by others, in their environments: ``peers_local.py NAME TIMES`` prints the seconds for one call."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

from handlers import EVENT, echo


def _python_lambda_local(times: int) -> float:
    """It starts a process for each call."""
    from lambda_local.context import Context
    from lambda_local.main import call

    logging.disable(logging.CRITICAL)
    context = Context(5)
    assert call(echo, EVENT, context) == (EVENT, None)
    started = time.perf_counter()
    for _ in range(times):
        call(echo, EVENT, context)
    return (time.perf_counter() - started) / times


def _lithops(times: int) -> float:
    """A map of so many calls on its localhost backend, which passes each of them through files."""
    from lithops import FunctionExecutor

    config = {
        "lithops": {"backend": "localhost", "storage": "localhost", "log_level": "ERROR"},
        "localhost": {"runtime": sys.executable},
    }
    with FunctionExecutor(config=config) as executor:
        executor.get_result(executor.map(_answer, [{"event": EVENT}]), show_progressbar=False)
        started = time.perf_counter()
        answers = executor.get_result(executor.map(_answer, [{"event": EVENT}] * times), show_progressbar=False)
        elapsed = time.perf_counter() - started
    assert answers == [EVENT] * times
    return elapsed / times


def _answer(event: Any) -> Any:
    return event


_PEERS = {"python-lambda-local": _python_lambda_local, "lithops": _lithops}

if __name__ == "__main__":
    seconds = _PEERS[sys.argv[1]](int(sys.argv[2]))
    print(json.dumps(seconds))
