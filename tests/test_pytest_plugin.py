"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pytest_run(tmp_path: Path) -> Run:
    """Runs pytest on a file of tests, in a folder of its own."""

    def run(tests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_it.py").write_text(textwrap.dedent(tests))
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-W", "error", "--strict-markers", "-p", "no:cacheprovider", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_the_fixture_answers_the_calls_of_a_test(pytest_run: Run) -> None:
    """A test asks for `fcall_mock`, and the application's calls get what it says."""
    finished = pytest_run(
        """
        import fcall

        def thumbnail(name):
            return fcall.default_client().invoke("images/resize", {"name": name}).json()["name"]

        def test_thumbnail(fcall_mock):
            fcall_mock.route("images/resize", returns={"name": "64-ada.png"})

            assert "64-ada.png" == thumbnail("ada.png")
            assert [{"name": "ada.png"}] == [call.event for call in fcall_mock.calls]
        """
    )

    assert 0 == finished.returncode, finished.stdout


def test_the_fixture_fails_a_test_at_its_end(pytest_run: Run) -> None:
    """Unused routes and unexpected calls fail a test that would pass, each with its own sentence."""
    finished = pytest_run(
        """
        import fcall

        def test_unused(fcall_mock):
            fcall_mock.route("images/resize", returns=1)

        def test_unexpected(fcall_mock):
            fcall_mock.route("images/resize", returns=1)
            fcall.default_client().invoke("images/resize")
            try:
                fcall.default_client().invoke("images/store")
            except Exception:
                pass

        def test_nothing_is_left_behind(fcall_mock):
            pass
        """
    )

    assert "3 passed, 2 errors" in finished.stdout
    assert "fcall_mock: images/resize was never called" in finished.stdout
    assert "fcall_mock: images/store was called, and no route expects it" in finished.stdout


def test_the_marker_chooses_the_environment(pytest_run: Run, tmp_path: Path) -> None:
    """A marked test, and its fixtures, run in that environment of the configuration; the next test does not."""
    (tmp_path / "fcall.toml").write_text(
        '[services.images]\nprovider = "aws"\n\n[env.dev.services.images]\nprovider = "local"\n'
        'functions = { resize = "app.py:resize" }\n'
    )
    (tmp_path / "app.py").write_text("def resize(event, context):\n    return 'here'\n")
    finished = pytest_run(
        """
        import os

        import fcall
        import pytest

        @pytest.fixture
        def env():
            return os.environ.get("FCALL_ENV")

        def call():
            return fcall.invoke_function({"serviceName": "images", "functionName": "resize"})["payload"]

        @pytest.mark.fcall_env("dev")
        def test_marked(env):
            assert "dev" == env
            assert b'"here"' == call()

        def test_not_marked(env):
            assert env is None
            with pytest.raises(fcall.errors.ProviderNotInstalledError):
                call()

        @pytest.mark.fcall_env("dev")
        class TestMarked:
            def test_in_a_class(self):
                assert b'"here"' == call()

            @pytest.mark.fcall_env("production")
            def test_nearer(self, env):
                assert "production" == env
        """,
        "-p",
        "no:randomly",
    )

    assert 0 == finished.returncode, finished.stdout


def test_an_environment_from_outside_is_put_back(pytest_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What FCALL_ENV was before a marked test, it is after it."""
    monkeypatch.setenv("FCALL_ENV", "ours")
    finished = pytest_run(
        """
        import os

        import pytest

        @pytest.mark.fcall_env("dev")
        def test_marked():
            assert "dev" == os.environ["FCALL_ENV"]

        def test_not_marked():
            assert "ours" == os.environ["FCALL_ENV"]
        """
    )

    assert 0 == finished.returncode, finished.stdout


@pytest.mark.parametrize(
    "marker", ["fcall_env", "fcall_env()", "fcall_env(1)", "fcall_env('a', 'b')", "fcall_env(env='a')"]
)
def test_a_marker_without_a_name_is_a_usage_error(pytest_run: Run, marker: str) -> None:
    """The mistake is named, with the test that has it."""
    finished = pytest_run(f"import pytest\n\n@pytest.mark.{marker}\ndef test_it():\n    pass\n")

    assert pytest.ExitCode.USAGE_ERROR == finished.returncode
    assert "test_it.py::test_it: fcall_env takes the name of an environment" in finished.stdout + finished.stderr


def test_the_marker_and_the_fixture_explain_themselves(pytest_run: Run) -> None:
    """``pytest --markers`` and ``pytest --fixtures`` list them."""
    assert "@pytest.mark.fcall_env(name): run the test in this environment" in pytest_run("", "--markers").stdout
    assert "Answers every fcall call of the test by routes" in pytest_run("", "--fixtures").stdout


def test_a_run_that_does_not_use_it_loads_nothing(pytest_run: Run) -> None:
    """The plugin brings in itself and the empty front door: no client, no pluggy plugin of ours, no thread."""
    finished = pytest_run(
        """
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.split(".")[0] == "fcall"}
            assert ours <= {"fcall", "fcall._pytest"}
        """
    )

    assert 0 == finished.returncode, finished.stdout


def test_loading_it_costs_less_than_20_milliseconds() -> None:
    """Of the CPU time that importing the plugin takes on top of pytest, the best of three."""
    program = (
        "import pytest, time; begun = time.process_time(); import fcall._pytest; print(time.process_time() - begun)"
    )
    spent = [
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60).stdout)
        for _ in range(3)
    ]

    assert 0.02 > min(spent)


def test_the_server_fixture_gives_an_endpoint(pytest_run: Run, tmp_path: Path) -> None:
    """`fcall_server` is the URL of a server of what the marker names and of what the process registers."""
    pytest.importorskip("uvicorn", reason="uvicorn is not installed, which serving needs")
    pytest.importorskip("httptools", reason="httptools is not installed, which serving needs")
    (tmp_path / "app.py").write_text("def say(event, context): return event\n")
    (tmp_path / "toy_api.py").write_bytes(Path(__file__).with_name("toy_api.py").read_bytes())
    finished = pytest_run(
        """
        import urllib.request

        import pytest
        from toy_api import ToyApi

        import fcall

        def ask(url, name):
            with urllib.request.urlopen(f"{url}/toy/{name}", b"[1]", timeout=60) as answer:
                return answer.read()

        @fcall.local.function("here")
        def here(event, context):
            return "in this process"

        @pytest.mark.fcall_serve("app.py", apis=[ToyApi()])
        def test_it(fcall_server):
            assert b'"[1]"' in ask(fcall_server, "say")
            assert b"in this process" in ask(fcall_server, "here")
        """
    )

    assert 0 == finished.returncode, finished.stdout
