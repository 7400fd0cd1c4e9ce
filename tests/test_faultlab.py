"""The fault lab, with few calls: what it prints, and that fcall does as it promises. The full run is a command."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

NEEDS = {
    "aws": ("fcall_aws", "boto3", "trustme"),
    "aws-asyncio": ("fcall_aws", "boto3", "trustme", "httptools"),
    "fc2": ("fcall_aliyun", "fc2", "trustme"),
    "fc2-asyncio": ("fcall_aliyun", "fc2", "trustme", "httptools"),
    "fc3": ("fcall_aliyun", "alibabacloud_fc20230330", "trustme"),
    "linkedge": ("fcall_linkedge", "lecoresdk"),
    "local": (),
}
FEW = [
    *("REFUSED", "TLS_CLOSE", "RESET_IN_REQUEST_BODY", "CLOSE_REUSED", "RESET_BEFORE_RUN", "RESET_BEFORE_ANSWER"),
    *("EMPTY_200", "CLOSE_IN_BODY", "HTML_502_AFTER_RUN"),
    *("NONE_INSTEAD", "NONE_AFTER", "STATUS_503_RESULT"),
    *("LOAD_EXIT", "IDLE_SIGKILL", "IDLE_SIGSTOP", "RUN_EXITS"),
]
"""Of each kind a few: of the clouds, of a gateway, of a process."""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the fault server is made for Linux")


def _need(*providers: str) -> None:
    for module in (module for provider in providers for module in NEEDS[provider]):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")


def _run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / "faultlab" / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def _rows(printed: str, title: str) -> list[list[str]]:
    """The rows of a table, its heading and the rule beneath it left out."""
    section = printed.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("provider", NEEDS)
def test_no_fault_brings_a_second_run_or_a_wrong_word(repository: Path, provider: str) -> None:
    """Under faults of every kind fcall runs a function once at most, tells the truth, and raises its own errors."""
    _need(provider)
    run = _run(repository, provider, "--calls", "2", "--peer-calls", "0", "--faults", *FEW)
    (summary,) = _rows(run.stdout, "Summary")

    assert (0, "") == (run.returncode, run.stderr)
    assert "fcall" == summary[1]
    assert int(summary[2]) >= 3
    assert 2 * int(summary[2]) == int(summary[3])
    assert ["0"] * 5 == summary[4:9]


def test_failover_runs_nothing_twice(repository: Path) -> None:
    """With two clouds a call runs in one of them; what the first one certainly did not run is served by the other."""
    _need("aws", "fc2")
    few = ("REFUSED", "TLS_CLOSE", "RESET_BEFORE_ANSWER")
    counts = ("--calls", "0", "--peer-calls", "0", "--failover-calls", "1")
    run = _run(repository, "aws", "fc2", *counts, "--faults", *few)
    rows = _rows(run.stdout, "Failover")

    assert (0, "") == (run.returncode, run.stderr)
    assert [["3", "0", "0", "0"]] * 4 == [row[3:7] for row in rows]
    assert [["2", "2", "2"]] * 2 == [row[10:] for row in rows if row[2].startswith("for good")]


def test_it_writes_a_page(repository: Path, tmp_path: Path) -> None:
    """The tables are written as a page that says how they came about."""
    page = tmp_path / "faultlab.md"
    run = _run(repository, "local", "--calls", "1", "--faults", "LOAD_EXIT", "--page", str(page))

    assert (0, "") == (run.returncode, run.stderr)
    assert page.read_text().startswith("# The fault lab\n")
    assert "| `LOAD_EXIT` | no 1 | 0 | 0 | 0 |" in page.read_text()


def test_an_unknown_provider_is_refused(repository: Path) -> None:
    """A provider that does not exist is a usage error."""
    run = _run(repository, "nonsense")

    assert 2 == run.returncode
    assert "nonsense" in run.stderr


def test_a_wrong_word_is_seen(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab's own judgement: what is told of runs is wrong where it is not what was counted."""
    monkeypatch.syspath_prepend(repository / "faultlab")
    from outcome import Outcome, Tally

    wrong = [
        (told, runs) for told in ("ok", "no", "maybe", "yes") for runs in (0, 1, 2) if Outcome(told, 0).is_wrong(runs)
    ]
    tally = Tally()
    tally.add(Outcome("ok", 1.5), 3, 1.0)
    tally.add(Outcome("ok", 0.5), 0, 1.0)

    assert [("ok", 0), ("no", 1), ("no", 2), ("yes", 0)] == wrong
    assert (2, 3, 2, 1, 1, 0.5) == (
        tally.calls,
        tally.runs,
        tally.duplicates,
        tally.wrong,
        tally.false_successes,
        tally.overshoot,
    )


@pytest.mark.parametrize("cloud", ["aws", "fc2"])
def test_a_soak_uses_nothing_up(repository: Path, cloud: str) -> None:
    """The soak runs, and says of memory, file descriptors and threads whether they stayed where they were."""
    _need(cloud)
    command = [sys.executable, str(repository / "faultlab" / "soak.py"), cloud, "--calls", "400"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert "" == run.stderr
    assert run.stdout.startswith(f"{cloud}: 400 calls (ok ")
    assert "flat" in run.stdout
