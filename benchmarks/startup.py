"""Figure 1: what a fresh process pays for `import fcall`, for its first local call, and for ``fcall --version``."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import environment
import processes
from measure import Effort, Row, Samples, limit, turns

__all__ = ["rows"]

_FIRST_CALL = """
import fcall

@fcall.local.function("greetings/hello")
def hello(event, context):
    return {"greeting": f"Hello {event['name']}"}

answer = fcall.invoke_function({"serviceName": "greetings", "functionName": "hello", "payload": '{"name": "Ada"}'})
assert answer["payload"] == b'{"greeting": "Hello Ada"}'
"""
_COMMANDS = {
    "bare": [sys.executable, "-c", "pass"],
    "import": [sys.executable, "-c", "import fcall"],
    "first call": [sys.executable, "-c", _FIRST_CALL],
    "version": [str(Path(sysconfig.get_path("scripts"), "fcall")), "--version"],
}
_PEER = Path(__file__).with_name("peer.py")
_ONE_CALL = '{"verb": "one_by_one", "size": 100, "times": 1}\n'
_CLIENTS = {
    "AWS Lambda": ("fcall", {"fcall": "clouds", "boto3": "clouds", "aiobotocore": "aiobotocore"}),
    "FC 2.0": ("fcall, FC 2.0", {"fcall, FC 2.0": "clouds", "aliyun-fc2": "clouds"}),
    "FC 3.0": ("fcall, FC 3.0", {"fcall, FC 3.0": "clouds", "FC 3.0's SDK": "clouds"}),
}
"""By cloud: our name there, and the environment that each one needs."""
_OURS = ("FCALL_CONFIG", "FCALL_ENV", "FCALL_PROVIDER", "FCALL_DISABLE_PLUGINS", "PYTHONDONTWRITEBYTECODE")


def rows(effort: Effort) -> list[Row]:
    """The cost of whole processes."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = _measured(folder, effort.processes)
    return [
        _import_row("`import fcall`, CPU", cpu, limit("at most 10 ms above", cpu.added("import", "bare") <= 0.010)),
        _import_row("`import fcall`, wall", wall, limit("at most 10 ms above", wall.added("import", "bare") <= 0.010)),
        _process_row("the first local call, CPU of the whole process", "first call", cpu),
        _process_row("`fcall --version`, CPU of the whole process", "version", cpu),
        *_client_rows(effort),
    ]


def _client_rows(effort: Effort) -> list[Row]:
    """From nothing to the answer of the first call of a cloud."""
    python = environment.interpreter("clouds", make=effort.installs)
    if python is None:
        return [Row("the first call of a cloud, CPU of the whole process", "the peers are not installed")]
    with processes.service(python, 0) as (url, _):
        return [row for cloud in _CLIENTS for row in _cloud_rows(cloud, url, effort)]


def _cloud_rows(cloud: str, url: str, effort: Effort) -> list[Row]:
    ours, peers = _CLIENTS[cloud]
    cpu: dict[str, list[float]] = {name: [] for name in peers}
    with tempfile.TemporaryDirectory() as folder:
        setting = environment.setting() | {"PYTHONPYCACHEPREFIX": folder}
        for name in (*peers, *turns(peers, effort.processes)):
            command = [str(environment.interpreter(peers[name])), str(_PEER), name, url]
            cpu[name].append(_run(command, folder, setting, _ONE_CALL)[1])
    samples = Samples({name: seconds[1:] for name, seconds in cpu.items()})  # the first ones left byte code behind
    return [
        Row(
            f"the first call of {cloud}, CPU of the whole process",
            _ms(samples.cost(ours)),
            f"{name} {_ms(samples.cost(name))}",
            f"{samples.ratio(ours, name):.2f}",
        )
        for name in peers
        if name != ours
    ]


def _measured(folder: str, times: int) -> tuple[Samples, Samples]:
    """Wall and CPU time of every kind of process, in turn, after a round that leaves byte code behind."""
    setting = {name: value for name, value in os.environ.items() if name not in _OURS}
    # As pip leaves an installed package: compiled. The checkout itself stays clean.
    setting |= {"PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode")), "XDG_CONFIG_HOME": folder}
    wall: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    cpu: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for command in _COMMANDS.values():
        _run(command, folder, setting)
    for name in turns(_COMMANDS, times):
        elapsed, used = _run(_COMMANDS[name], folder, setting)
        wall[name].append(elapsed)
        cpu[name].append(used)
    return Samples(wall), Samples(cpu)


def _run(command: list[str], folder: str, setting: dict[str, str], told: str = "") -> tuple[float, float]:
    """Wall and CPU seconds of one process that ends well, once it was told something."""
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env=setting, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(told)
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[-1]!r} ended with {process.returncode}")
    return elapsed, usage.ru_utime + usage.ru_stime


def _import_row(what: str, samples: Samples, to_reach: str) -> Row:
    cost = f"{_ms(samples.cost('import'))}, {_ms(samples.added('import', 'bare'))} above"
    return _row(what, cost, "import", samples, to_reach)


def _process_row(what: str, name: str, samples: Samples) -> Row:
    return _row(what, _ms(samples.cost(name)), name, samples, limit("at most 150 ms", samples.cost(name) <= 0.150))


def _row(what: str, cost: str, name: str, samples: Samples, to_reach: str) -> Row:
    return Row(
        what, cost, f"bare interpreter {_ms(samples.cost('bare'))}", f"{samples.ratio(name, 'bare'):.2f}", to_reach
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"
