"""Importing handlers: from files and modules, once, and with an error of ours where they cannot be loaded."""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import Executed, FunctionError, FunctionLoadError, FunctionNotFoundError, InvalidParamsError

RETURNS_ITS_NAME = "def handler(event, context): return __name__\n"


@pytest.fixture(autouse=True)
def _imports_nothing_for_good() -> Iterator[None]:
    """Modules that a test imports are forgotten."""
    modules = dict(sys.modules)
    yield
    for name in [name for name in sys.modules.keys() - modules.keys() if not name.startswith("fcall.")]:
        del sys.modules[name]


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))
    return file.absolute()


# Where handlers are


@pytest.mark.parametrize(
    ("file", "target"),
    [
        ("hello.py", "hello.py:handler"),
        ("hello.py", "./hello.py:handler"),
        ("hello.py", "hello:handler"),
        ("app/deep/hello.py", "app/deep/hello.py:handler"),
        ("app/deep/hello.py", "app.deep.hello:handler"),
        ("with blank-and.dot.py", "with blank-and.dot.py:handler"),
        ("grüße.py", "grüße.py:handler"),
    ],
)
def test_a_handler_is_named_by_its_file_or_its_module(client: fcall.Client, file: str, target: str) -> None:
    """Both forms are relative to the working directory, where nothing else is said."""
    write(file, "def handler(event, context): return event")

    assert {"name": "Ada"} == client.invoke(f"local:{target}", {"name": "Ada"}).json()


def test_an_absolute_path_is_a_path(client: fcall.Client, tmp_path: Path) -> None:
    """A file anywhere on this machine can be named by a developer."""
    file = write(str(tmp_path / "hello.py"), "def handler(event, context): return 1")

    assert b"1" == client.invoke(f"local:{file}:handler").payload


def test_paths_in_a_file_are_relative_to_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project's handlers are found from wherever the program is started."""
    write(str(tmp_path / "app/hello.py"), "def handler(event, context): return 'found'")
    write(
        str(tmp_path / "fcall.toml"),
        """
        [services.greetings]
        provider = "local"
        functions = { hello = "app/hello.py:handler", module = "app.hello:handler" }
        """,
    )
    elsewhere = tmp_path / "else/where"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    client = fcall.Client()

    assert "found" == client.invoke("greetings/hello").json()
    assert "found" == client.invoke("greetings/module").json()


def test_root_says_what_paths_are_relative_to(tmp_path: Path) -> None:
    """The option holds for code and for files, and is on the import path while handlers load."""
    write(str(tmp_path / "src/hello.py"), "import fcall_test_helper\ndef handler(e, c): return fcall_test_helper.WORD")
    write(str(tmp_path / "src/fcall_test_helper.py"), "WORD = 'helped'")
    table = {"provider": "local", "root": str(tmp_path / "src"), "functions": {"hello": "hello.py:handler"}}

    assert "helped" == fcall.Client({"services": {"s": table}}).invoke("s/hello").json()
    assert "helped" == fcall.Client(provider="local", root=tmp_path / "src").invoke("local:hello.py:handler").json()


def test_root_is_on_the_import_path_only_while_handlers_load(client: fcall.Client) -> None:
    """The import path is left as it was, also where loading fails or changes it itself."""
    write("good.py", "def handler(e, c): return 1")
    write("bad.py", "raise ValueError")
    write(
        "tidy.py",
        "import sys\nwhile {0!r} in sys.path: sys.path.remove({0!r})\ndef handler(e, c): return 1".format(os.getcwd()),
    )
    before = list(sys.path)
    client.invoke("local:good.py:handler")
    client.invoke("local:tidy.py:handler")
    with pytest.raises(FunctionLoadError):
        client.invoke("local:bad.py:handler")

    assert before == sys.path


def test_what_the_application_put_on_the_import_path_stays(
    client: fcall.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading takes away its own entry, and not one that was there before."""
    monkeypatch.syspath_prepend(os.getcwd())
    write("good.py", "def handler(e, c): return 1")
    client.invoke("local:good.py:handler")

    assert os.getcwd() == sys.path[0]


# Once


COUNTING = """
    import builtins, time
    builtins.fcall_test_imports = getattr(builtins, "fcall_test_imports", 0) + 1
    time.sleep(0.05)  # long enough for the others to come
    def handler(event, context): return builtins.fcall_test_imports
    def other(event, context): return builtins.fcall_test_imports
"""


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.fcall_test_imports", 0, raising=False)


@pytest.mark.usefixtures("imports")
@pytest.mark.parametrize("module", ["counting.py", "counting"])
def test_a_module_is_imported_once(client: fcall.Client, module: str) -> None:
    """However often, and by however many clients and names, its functions are called."""
    write("counting.py", COUNTING)
    other = fcall.Client(provider="local")

    assert [1, 1, 1, 1] == [
        each.invoke(f"local:{module}:{name}").json() for each in (client, other) for name in ("handler", "other")
    ]


@pytest.mark.usefixtures("imports")
@pytest.mark.parametrize("module", ["counting.py", "counting"])
def test_sixteen_threads_import_a_module_once(client: fcall.Client, module: str) -> None:
    """Threads that need a module at once wait for the one that imports it, and all get an answer."""
    write("counting.py", COUNTING)
    together = threading.Barrier(16)

    def called(number: int) -> Any:
        together.wait(10)
        return client.invoke(f"local:{module}:{'handler' if number % 2 else 'other'}").json()

    with ThreadPoolExecutor(16) as pool:
        answers = [made.result(10) for made in [pool.submit(called, number) for number in range(16)]]

    assert [1] * 16 == answers


@pytest.mark.usefixtures("imports")
def test_what_the_application_imported_is_not_imported_again(
    client: fcall.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler shares its module, and so its state, with the application that imported it."""
    write("counting.py", COUNTING)
    monkeypatch.syspath_prepend(os.getcwd())
    module = importlib.import_module("counting")
    module.handler = lambda event, context: "the application's"  # type: ignore[attr-defined]

    assert "the application's" == client.invoke("local:counting.py:handler").json()
    assert "the application's" == client.invoke(f"local:./../{Path.cwd().name}/counting.py:handler").json()


def test_a_module_that_another_thread_is_importing_is_waited_for(
    client: fcall.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gets a module that is half there."""
    write("slow.py", "import builtins\nbuiltins.fcall_test_gate()\ndef handler(e, c): return 'whole'")
    monkeypatch.syspath_prepend(os.getcwd())
    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr("builtins.fcall_test_gate", lambda: (begun.set(), go_on.wait(10)), raising=False)
    importing = threading.Thread(target=importlib.import_module, args=("slow",))
    importing.start()
    begun.wait(10)
    threading.Timer(0.1, go_on.set).start()  # whoever did not wait has its wrong answer by then

    assert "whole" == client.invoke("local:slow.py:handler").json()
    importing.join(10)


def test_two_threads_that_import_crosswise_do_not_hang(client: fcall.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that calls a function as it is imported, while that function's module needs the first, ends somehow."""
    write("first.py", "import builtins\nbuiltins.fcall_test_meet('first')\ndef handler(e, c): return 1")
    write("second.py", "import builtins\nbuiltins.fcall_test_meet('second')\nimport first\ndef handler(e, c): return 2")
    monkeypatch.syspath_prepend(os.getcwd())
    together = threading.Barrier(2)

    def meet(who: str) -> None:
        together.wait(10)
        if who == "first":
            client.invoke("local:second.py:handler")

    monkeypatch.setattr("builtins.fcall_test_meet", meet, raising=False)

    def ended(call: Any, *arguments: Any) -> str:
        try:
            call(*arguments)
        except fcall.FcallError as error:
            return type(error).__name__
        return "answered"

    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(ended, importlib.import_module, "first"),
            pool.submit(ended, client.invoke, "local:second.py:handler"),
        ]
        ends = {call.result(20) for call in calls}

    assert ends <= {"answered", "FunctionLoadError"}


@pytest.mark.parametrize("init", [True, False])
def test_a_file_in_a_package_imports_what_is_beside_it(client: fcall.Client, init: bool) -> None:
    """Relative imports work as in the cloud, where the handler is a module of its package."""
    if init:
        write("application/part/__init__.py", "")
    write("application/part/words.py", "GREETING = 'hello'")
    write("application/common.py", "NAME = 'Ada'")
    write(
        "application/part/greet.py",
        """
        from . import words
        from ..common import NAME
        def handler(event, context): return [words.GREETING, NAME, __package__]
        """,
    )

    for target in ("application/part/greet.py:handler", "application.part.greet:handler"):
        assert ["hello", "Ada", "application.part"] == client.invoke(f"local:{target}").json()


def test_a_file_outside_a_package_has_no_relative_imports(client: fcall.Client) -> None:
    """In the function's folder itself there is nothing to be relative to, here as in the cloud."""
    write("words.py", "GREETING = 'hello'")
    write("greet.py", "from . import words\ndef handler(event, context): pass")

    with pytest.raises(FunctionLoadError, match="attempted relative import with no known parent package"):
        client.invoke("local:greet.py:handler")


def test_a_file_called_like_a_module_is_another_one(client: fcall.Client) -> None:
    """A handler file named json.py is the file, and whoever imports json gets the library."""
    write("json.py", RETURNS_ITS_NAME)
    name = client.invoke("local:json.py:handler").json()

    assert name.startswith("fcall_handlers_json_")
    assert hasattr(importlib.import_module("json"), "dumps")


def test_files_of_one_name_are_apart(client: fcall.Client) -> None:
    """Two handlers.py in two folders are two modules."""
    write("a/handlers.py", RETURNS_ITS_NAME)
    write("b/handlers.py", RETURNS_ITS_NAME)

    assert 2 == len({client.invoke(f"local:{folder}/handlers.py:handler").json() for folder in "ab"})


def test_classes_of_a_handler_file_can_be_found_again(client: fcall.Client) -> None:
    """Dataclasses and pickle look a class's module up by its name."""
    write(
        "classes.py",
        """
        from __future__ import annotations
        import dataclasses, pickle
        @dataclasses.dataclass
        class Point:
            x: int
        def handler(event, context):
            return pickle.loads(pickle.dumps(Point(5))).x
        """,
    )

    assert 5 == client.invoke("local:classes.py:handler").json()


def test_a_module_may_call_a_function_as_it_is_imported(client: fcall.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading one handler may need another, and does not wait for itself."""
    monkeypatch.setattr("builtins.fcall_test_client", client, raising=False)
    write("inner.py", "def handler(e, c): return 'inner'")
    write(
        "outer.py", "WORD = fcall_test_client.invoke('local:inner.py:handler').json()\ndef handler(e, c): return WORD"
    )
    write("self.py", "fcall_test_client.invoke('local:self.py:handler')\ndef handler(e, c): return 1")

    assert "inner" == client.invoke("local:outer.py:handler").json()
    with pytest.raises(FunctionLoadError, match="Handler 'handler' missing on module 'self'"):
        client.invoke("local:self.py:handler")


def test_modules_that_do_not_like_to_be_asked_are_left_alone(
    client: fcall.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some packages put objects among the modules that import something, or raise, when they are asked."""

    class Lazy:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("asked")

    monkeypatch.setitem(sys.modules, "fcall_test_lazy", Lazy())  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "fcall_test_none", None)  # type: ignore[arg-type]
    write("hello.py", "def handler(e, c): return 1")

    assert b"1" == client.invoke("local:hello.py:handler").payload


# Where they cannot be loaded


@pytest.mark.parametrize(
    "target",
    ["nowhere.py:handler", "nowhere/deep.py:handler", "folder:handler/x", "app/handlers:handler", "ü" * 200 + ".py:f"],
)
def test_a_path_that_leads_nowhere_is_an_error(client: fcall.Client, target: str) -> None:
    """A missing file is found before anything runs, by every verb."""
    Path("app").mkdir()
    for verb in (client.invoke, client.enqueue, client.check):
        with pytest.raises((FunctionNotFoundError, InvalidParamsError)) as caught:
            verb(f"local:{target}")

        assert Executed.NO is caught.value.executed
        assert "there is no file" in str(caught.value) or "names no handler" in str(caught.value)


def test_a_folder_is_no_file(client: fcall.Client) -> None:
    """A folder by the name of the file is as if there was none."""
    Path("folder.py").mkdir()
    with pytest.raises(FunctionNotFoundError, match="there is no file"):
        client.invoke("local:folder.py:handler")


@pytest.mark.parametrize(
    "target", [":handler", "hello.py:", "hello.py:not-a-name", "hello.py:Class.method", "a.py:b c"]
)
def test_a_name_of_another_form_is_an_error(client: fcall.Client, target: str) -> None:
    """The error says how handlers are named."""
    write("hello.py", RETURNS_ITS_NAME)
    with pytest.raises(InvalidParamsError, match=r"write path/to/file\.py:function or package\.module:function"):
        client.invoke(f"local:{target}")


FAULTS: list[tuple[str, str, str]] = [
    ("raise ValueError('at import')", "ValueError", "at import"),
    ("import sys\nsys.exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
    ("raise GeneratorExit", "Runtime.ExitError", "exit status 1"),
    ("raise ImportError('gone')", "Runtime.ImportModuleError", "Unable to import module 'bad': gone"),
    ("import fcall_test_nowhere", "Runtime.ImportModuleError", "No module named 'fcall_test_nowhere'"),
    ("def handler(event, context) return 1", "Runtime.UserCodeSyntaxError", "(bad.py, line 1)"),
    ("    handler = 1", "Runtime.UserCodeSyntaxError", "(bad.py, line 1)"),
    ("_handler = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'bad'"),
    ("def __getattr__(name): raise OSError(name)", "OSError", "handler"),
    ("class Mute(Exception):\n def __str__(self): raise OSError\nraise Mute", "Runtime.ExitError", "exit status 1"),
    ("import threading\nraise threading.ThreadError", "RuntimeError", ""),
]


@pytest.mark.parametrize(("code", "error_type", "words"), FAULTS)
def test_a_module_that_cannot_be_loaded_is_an_error(
    client: fcall.Client, code: str, error_type: str, words: str
) -> None:
    """Whatever happens while it is imported: its handler did not run, and the error says what is wrong."""
    Path("bad.py").write_text(code)
    with pytest.raises(FunctionLoadError) as caught:
        client.invoke("local:bad.py:handler")

    assert (error_type, Executed.NO, False) == (caught.value.error_type, caught.value.executed, caught.value.retryable)
    assert words in caught.value.error_message
    assert error_type in str(caught.value)
    assert not any("fcall/" in frame.split(",")[0] for frame in caught.value.stack_trace)


@pytest.mark.parametrize("value", ["5", "None"])
def test_what_cannot_be_called_fails_when_it_is_called(client: fcall.Client, value: str) -> None:
    """Lambda's runtime takes whatever has the handler's name, and so does this one."""
    Path("bad.py").write_text(f"handler = {value}")
    with pytest.raises(FunctionError, match="object is not callable") as caught:
        client.invoke("local:bad.py:handler")

    assert ("TypeError", Executed.YES) == (caught.value.error_type, caught.value.executed)


def test_a_module_of_a_package_that_is_missing_is_an_error(client: fcall.Client) -> None:
    """The form with dots fails like the form with a path."""
    for name, words in (("nowhere.deep:f", "No module named 'nowhere'"), (".x:f", "relative"), ("os.nowhere:f", "os")):
        with pytest.raises(FunctionLoadError, match=words):
            client.invoke(f"local:{name}")


def test_a_file_of_another_kind_is_an_error(client: fcall.Client) -> None:
    """What does not end in .py is not run, whatever it holds."""
    write("data/notes.txt", RETURNS_ITS_NAME)
    with pytest.raises(FunctionLoadError, match=r"notes\.txt is not a Python file"):
        client.invoke("local:data/notes.txt:handler")


@pytest.mark.parametrize("target", ["local:bad.py:handler", "local:bad:handler"])
def test_the_stack_shows_the_module_and_nothing_of_ours(client: fcall.Client, target: str) -> None:
    """The last frames are the module's own; before them are Python's, as on Lambda."""
    file = write("bad.py", "def work():\n    raise ValueError('at import')\nwork()\n")
    with pytest.raises(FunctionLoadError) as caught:
        client.invoke(target)

    assert [
        f'  File "{file}", line 3, in <module>\n    work()\n',
        f"  File \"{file}\", line 2, in work\n    raise ValueError('at import')\n",
    ] == list(caught.value.stack_trace[-2:])
    assert {True} == {"importlib" in frame for frame in caught.value.stack_trace[:-2]}


@pytest.mark.parametrize("module", ["mended.py", "mended"])
def test_a_failure_is_not_kept(client: fcall.Client, module: str) -> None:
    """The next call loads again, so that a mended file works without a restart."""
    write("mended.py", "raise ValueError('not yet, and of another length')")
    for _ in range(2):
        with pytest.raises(FunctionLoadError, match="not yet"):
            client.invoke(f"local:{module}:handler")
    write("mended.py", "def handler(e, c): return 'mended'")

    assert "mended" == client.invoke(f"local:{module}:handler").json()
    assert ["mended"] == [name for name in sys.modules if name.startswith("mended")] or module == "mended.py"


def test_a_module_that_comes_later_is_found(client: fcall.Client) -> None:
    """A file that was not there at the first call is seen by the next one."""
    with pytest.raises(FunctionNotFoundError):
        client.invoke("local:later.py:handler")
    with pytest.raises(FunctionLoadError):
        client.invoke("local:later:handler")
    write("later.py", "def handler(e, c): return 'here'")

    assert ["here", "here"] == [client.invoke(f"local:later{form}:handler").json() for form in (".py", "")]


def test_ctrl_c_at_import_gets_through(client: fcall.Client) -> None:
    """On the main thread an interrupt ends the program as always, and leaves nothing half imported."""
    write("interrupted.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        client.invoke("local:interrupted.py:handler")

    assert [] == [name for name in sys.modules if "interrupted" in name]


def test_an_interrupt_that_a_module_makes_up_is_its_failure(client: fcall.Client) -> None:
    """On another thread nobody pressed Ctrl-C."""
    write("bad.py", "raise KeyboardInterrupt")
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(client.invoke, "local:bad.py:handler").exception(10)

    assert isinstance(error, FunctionLoadError)
    assert "Runtime.ExitError" == error.error_type


def test_existence_is_asked_without_loading(client: fcall.Client) -> None:
    """A dry run and a listing look for the file, and import nothing."""
    write("bad.py", "raise ValueError")
    client.check("local:bad.py:handler")
    client.check("local:nowhere.at.all:handler")
    with pytest.raises(FunctionNotFoundError):
        client.check("local:nowhere.py:handler")

    assert [] == [name for name in sys.modules if "bad" in name.split(".")]
