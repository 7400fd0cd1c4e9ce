"""Change the code of the policy and of the error tables in small ways, one by one, and see that a test fails each time.

``python .ci/mutation.py [SUBJECT …]`` prints the scores and what survived. It fails where a score is under 95 %, and
where what survived is not what ``.ci/mutation-survivors.txt`` lists; ``--write`` writes that list, reasons being kept.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mutants
import pytest
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import use_mutation
from cosmic_ray.work_item import MutationSpec

ROOT = Path(__file__).parent.parent
SURVIVORS = ROOT / ".ci" / "mutation-survivors.txt"
LEAST = 0.95
SECONDS = 60
OPTIONS = ("-q", "-x", "--noconftest", "--assert=plain", "-p", "no:cacheprovider")
PLUGINS = ("fcall-aws", "fcall-aliyun", "fcall-linkedge")

# What the tests import and no change touches; it is loaded once.
STAYING = ("asyncio", "botocore.exceptions", "email.utils", "http.client", "hypothesis.stateful", "urllib3")

LEFT_OUT = (
    "ReplaceComparisonOperator_Is_Eq",  # None, classes and the members of an enum are equal only to themselves
    "ReplaceComparisonOperator_IsNot_NotEq",
    "ExceptionReplacer",  # there is one of our own
)

HEADING = """\
Changes to the code that no test notices, as `python .ci/mutation.py` finds them: the line as it is, the line as
changed, and why nobody can tell them apart. A change stands here only if the changed code does the same as the code for
every input that it can get; one that does another thing is no equivalent, and gets a test.

"""


@dataclass(frozen=True)
class Subject:
    """Modules, and the tests that have to notice; the quickest first, since the first that fails ends a run."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


SUBJECTS = {
    "policy": Subject(
        tuple(f"fcall/_{name}.py" for name in ("policy", "budget", "breaker", "limit", "guard")),
        tuple(f"tests/test_{name}.py" for name in ("policy", "budget", "breaker", "limit", "guard", "flow_guarded")),
    ),
    "tables": Subject(("fcall/_error_table.py",), ("tests/test_error_table.py",)),
    "local": Subject(("fcall/local/_failures.py",), ("tests/test_local_failures.py",)),
    "aws": Subject(
        tuple(f"plugins/fcall-aws/fcall_aws/_{name}.py" for name in ("errors", "failures", "answers")),
        (
            "plugins/fcall-aws/tests/test_aws_page.py::test_the_error_tables_are_current",
            "plugins/fcall-aws/tests/test_aws_tables.py",
        ),
    ),
    "aliyun": Subject(
        tuple(f"plugins/fcall-aliyun/fcall_aliyun/_{name}.py" for name in ("errors", "answers", "doubts")),
        (
            "plugins/fcall-aliyun/tests/test_aliyun_page.py::test_the_error_table_is_the_codes",
            "plugins/fcall-aliyun/tests/test_aliyun_tables.py",
        ),
    ),
    "linkedge": Subject(
        tuple(f"plugins/fcall-linkedge/fcall_linkedge/_{name}.py" for name in ("errors", "function_errors", "answers")),
        (
            "plugins/fcall-linkedge/tests/test_linkedge_page.py::test_the_error_table_is_the_codes",
            "plugins/fcall-linkedge/tests/test_linkedge_tables.py",
        ),
    ),
}


def main() -> None:
    arguments = _arguments()
    names = arguments.subjects or list(SUBJECTS)
    mutants.register()
    jobs = [(name, mutation) for name in names for mutation in _mutations(SUBJECTS[name])]
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(os.cpu_count(), initializer=_begin, initargs=(folder,)) as pool,
    ):
        list(pool.map(_check_unchanged, names))
        outcomes = list(pool.map(_outcome, jobs))
    low = [name for name in names if _score(name, [o for (of, _), o in zip(jobs, outcomes, strict=True) if of == name])]
    survived = sorted(change for change in outcomes if change is not None)
    if arguments.write:
        _write(survived, {module for name in names for module in SUBJECTS[name].modules})
    else:
        _judge(survived)
    if low:
        sys.exit(f"the score is under {LEAST:.0%}: {', '.join(low)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Change the code in small ways, and see that some test notices.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; default: all")
    parser.add_argument("--write", action="store_true", help="write down what survived")
    return parser.parse_args()


def _begin(folder: str) -> None:
    """Give this process a copy of its own, since what changes the code changes it in place, and load what stays."""
    mutants.register()
    copy = Path(tempfile.mkdtemp(dir=folder))
    for part in ("fcall", "tests", "plugins", "docs"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    os.chdir(copy)
    sys.path[:0] = [str(copy), *(str(copy / "plugins" / name) for name in PLUGINS)]
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in STAYING:
        importlib.import_module(name)


def _notice(name: str) -> bool:
    """Whether the subject's tests fail, in a fork of this process, which has imported none of our code."""
    assert not any(module.startswith("fcall") for module in sys.modules)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(SECONDS)  # a change may make a loop endless
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            code = pytest.main([*OPTIONS, *SUBJECTS[name].tests])
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] != 0


def _check_unchanged(name: str) -> None:
    """See that the tests pass where nothing is changed."""
    if _notice(name):
        raise RuntimeError(f"the tests of {name} fail as it is: {' '.join(SUBJECTS[name].tests)}")


def _mutations(subject: Subject) -> Iterator[MutationSpec]:
    """Every change to the subject's modules that may make a difference; annotations are never evaluated."""
    for module in subject.modules:
        annotations, nodes = list(_annotations(ROOT / module)), list(ast_nodes(get_ast_from_path(ROOT / module)))
        for name in plugins.operator_names():
            operator = plugins.get_operator(name)
            if operator.arguments() or name.endswith(LEFT_OUT):  # with arguments, it is made for one variable
                continue
            places = (place for node in nodes for place in operator().mutation_positions(node))
            for occurrence, (start, end) in enumerate(places):
                if not any(first <= start < last for first, last in annotations):
                    yield MutationSpec(module, name, occurrence, start, end)


def _annotations(module: Path) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the annotations of a module begin and end."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        for field in ("annotation", "returns"):
            part = getattr(node, field, None)
            if part is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def _outcome(job: tuple[str, MutationSpec]) -> str | None:
    """What survived, or None where some test noticed."""
    name, mutation = job
    operator = plugins.get_operator(mutation.operator_name)()
    with use_mutation(mutation.module_path, operator, mutation.occurrence) as (code, changed):
        if _notice(name):
            return None
    lines = difflib.unified_diff(code.splitlines(), changed.splitlines(), n=0, lineterm="")
    change = [f"`{line[1:].strip()}`" for line in lines if line[:1] in "-+" and line[:3] not in ("---", "+++")]
    return f"{mutation.module_path.as_posix()}: {' → '.join(change)}"


def _score(name: str, outcomes: list[str | None]) -> bool:
    """Print the score; whether it is too low."""
    killed = outcomes.count(None)
    print(f"{name}: {killed} of {len(outcomes)} changes were noticed: {killed / len(outcomes):.1%}", flush=True)
    return killed / len(outcomes) < LEAST


def _judge(survived: list[str]) -> None:
    """See that the survivors are known."""
    known = dict(_listed())
    print(*(f"survived: {line}" for line in survived), sep="\n")
    new = [line for line in survived if line not in known]
    if new:
        sys.exit(f"not in {SURVIVORS.name}, so test it or list it:\n" + "\n".join(new))


def _write(survived: list[str], modules: set[str]) -> None:
    """Write down the survivors of these modules, and leave the others' as they are."""
    known = dict(_listed())
    others = [line for line in known if line.partition(": ")[0] not in modules]
    lines = (f"{line}  # {known.get(line, 'why?')}\n" for line in sorted({*others, *survived}))
    SURVIVORS.write_text(HEADING + "".join(lines), encoding="utf-8")


def _listed() -> Iterator[tuple[str, str]]:
    """The known survivors, and why each is one."""
    for line in SURVIVORS.read_text(encoding="utf-8").splitlines() if SURVIVORS.exists() else ():
        change, _, reason = line.rpartition("  # ")
        if change:
            yield change, reason


if __name__ == "__main__":
    main()
