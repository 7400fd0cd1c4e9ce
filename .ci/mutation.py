"""Change the code of the policy in small ways, one at a time, and see that some test fails each time.

``python .ci/mutation.py`` prints the score and what survived. It fails where the score is under 95 %, and where what
survived is not what ``.ci/mutation-survivors.txt`` lists; ``--write`` writes that list, reasons being kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome

ROOT = Path(__file__).parent.parent
SURVIVORS = ROOT / ".ci" / "mutation-survivors.txt"
LEAST = 0.95

# The quick tests go first: the first one that fails ends the run.
SUBJECTS = ("_policy", "_budget", "_breaker", "_limit", "_guard")
TESTS = tuple(f"tests/test_{name}.py" for name in ("policy", "budget", "breaker", "limit", "guard", "flow_guarded"))

CONFIG = """
[cosmic-ray]
module-path = [{modules}]
timeout = 30.0
excluded-modules = []
test-command = "{python} -m pytest -q -x --noconftest -p no:cacheprovider {tests}"

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = [
    "core/ReplaceBinaryOperator_BitOr_.*",  # only annotations have it, and nobody evaluates those
    "core/ReplaceComparisonOperator_Is_Eq",  # None, classes and the members of an enum are equal only to themselves
    "core/ReplaceComparisonOperator_IsNot_NotEq",
]
"""


def main(write: bool) -> None:
    """Do it all in a copy: what changes the code changes it in place."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("fcall", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        modules = ", ".join(f'"fcall/{subject}.py"' for subject in SUBJECTS)
        config = CONFIG.format(modules=modules, python=sys.executable, tests=" ".join(TESTS))
        (folder / "config.toml").write_text(config, encoding="utf-8")
        _run(folder, "cosmic-ray", "init", "config.toml", "session.sqlite")
        _run(folder, "cr-filter-operators", "session.sqlite", "config.toml")
        _run(folder, "cosmic-ray", "baseline", "config.toml")
        _run(folder, "cosmic-ray", "exec", "config.toml", "session.sqlite")
        with use_db(folder / "session.sqlite", WorkDB.Mode.open) as session:
            killed, survived = _outcomes(session)
    _judge(killed, sorted(survived), write)


def _run(folder: Path, program: str, *arguments: str) -> None:
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # a start for each change, so let it be a quick one
    subprocess.run([Path(sys.executable).parent / program, *arguments], cwd=folder, env=environ, check=True)


def _outcomes(session: WorkDB) -> tuple[int, list[str]]:
    """How many changes some test noticed, and which ones none did."""
    items = {item.job_id: item.mutations[0] for item in session.work_items}
    killed, survived = 0, []
    for job, result in session.results:
        if result.test_outcome is TestOutcome.KILLED:
            killed += 1
        elif result.test_outcome is not None:
            change = " → ".join(_changed(result.diff or ""))
            survived.append(f"{items[job].module_path.as_posix()}: {change}")
    return killed, survived


def _changed(diff: str) -> Iterator[str]:
    """The lines that a change takes away and puts in."""
    for line in diff.splitlines():
        if line.startswith(("-", "+")) and not line.startswith(("---", "+++")):
            yield f"`{line[1:].strip()}`"


def _judge(killed: int, survived: list[str], write: bool) -> None:
    """Print the score; it has to be high enough, and the survivors have to be known."""
    score = killed / (killed + len(survived))
    print(f"{killed} of {killed + len(survived)} changes were noticed: {score:.1%}")
    known = dict(_listed())
    if write:
        lines = (f"{line}  # {known.get(line, 'why?')}\n" for line in dict.fromkeys(survived))
        SURVIVORS.write_text(_heading() + "".join(lines), encoding="utf-8")
        return
    new = [line for line in survived if line not in known]
    print(*(f"survived: {line}" for line in survived), sep="\n")
    if new:
        sys.exit(f"not in {SURVIVORS.name}, so test it or list it:\n" + "\n".join(new))
    if score < LEAST:
        sys.exit(f"the score is under {LEAST:.0%}")


def _listed() -> Iterator[tuple[str, str]]:
    """The known survivors, and why each is one."""
    for line in SURVIVORS.read_text(encoding="utf-8").splitlines() if SURVIVORS.exists() else ():
        change, _, reason = line.rpartition("  # ")
        if change:
            yield change, reason


def _heading() -> str:
    return (
        "Changes to the code that no test notices, as `python .ci/mutation.py` finds them: the line as it is, the line "
        "as changed, and why nobody can tell them apart.\n\n"
    )


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
