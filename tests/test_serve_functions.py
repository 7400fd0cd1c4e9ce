"""What is served: functions of files, of the configuration and of this process, as they are now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import fcall
from fcall.errors import ClientClosedError, ConfigurationError

for _module in ("uvicorn", "httptools"):
    pytest.importorskip(_module, reason=f"{_module} is not installed, which serving needs")

from toy_api import HANDLERS, ToyApi, asked, listed  # noqa: E402 - it needs what may not be installed

from fcall.serve import Call, Server  # noqa: E402

Serve = Callable[..., Server]


def test_a_file_is_served_by_its_handlers(serve: Serve) -> None:
    """Public functions of a file that take an event and a context are served by their names; it is not run for that."""
    Path("app.py").write_text(HANDLERS + "\nraise SystemExit('was run')\n")

    server = serve("app.py")

    assert ["boom", "crash", "echo", "flood", "hang", "leave", "service_of"] == listed(server)


def test_all_says_which_handlers_are_served(serve: Serve) -> None:
    """Where a file has ``__all__``, only what it lists is served."""
    Path("app.py").write_text(HANDLERS + '\n__all__ = ["echo", "_private"]\n')

    assert ["_private", "echo"] == listed(serve("app.py"))


def test_registered_handlers_are_served_by_their_names(serve: Serve) -> None:
    """Where a file registers functions, these are served, each by the name and the service that it is registered by."""
    Path("app.py").write_text(
        "import fcall\n"
        "@fcall.local.function('images/resize')\ndef work(event, context): return context.function_name\n"
        "def other(event, context): ...\n"
    )
    server = serve("app.py")

    assert ["resize"] == listed(server)
    assert (200, '"work"') == (
        asked(server, "/toy/images/resize")[0],
        asked(server, "/toy/images-resize")[1]["payload"],
    )
    assert 404 == asked(server, "/toy/videos/resize")[0]


def test_a_single_function_is_served_by_a_name_of_choice(serve: Serve) -> None:
    """``service/name=path:function`` serves one function, by another name and in a service."""
    Path("app.py").write_text(HANDLERS)
    server = serve("say=app.py:echo", "images/say=app.py:boom")

    assert ["images-say", "say"] == listed(server)
    assert '{"a": 1}' == asked(server, "/toy/say", b'{"a": 1}')[1]["payload"]
    assert "ValueError" == asked(server, "/toy/images-say")[1]["error"]
    assert "ValueError" == asked(server, "/toy/images/say")[1]["error"]


@pytest.mark.parametrize(
    ("handlers", "said"),
    [
        (["absent.py"], "there is no file"),
        (["absent.py:function"], "there is no file"),
        (["empty.py"], "has no function that takes"),
        (["wrong.py"], "is not Python"),
        (["app.py:echo", "echo=app.py:boom"], "two functions are called 'echo'"),
        (["name=app.py"], "names no handler"),
        (["echo:prod=app.py:echo"], "is neither"),
    ],
)
def test_what_cannot_be_served_is_a_configuration_error(handlers: list[str], said: str) -> None:
    """A file that is missing, empty or wrong, and a name given twice, are told before anything listens."""
    Path("app.py").write_text(HANDLERS)
    Path("empty.py").write_text("x = 1\n")
    Path("wrong.py").write_text("def f(:\n")

    with pytest.raises(ConfigurationError, match=said):
        Server(*handlers, apis=[ToyApi()])


def test_local_services_of_the_configuration_are_served(serve: Serve) -> None:
    """Without handlers, the functions that local services name are served with their options; others are named."""
    Path("app.py").write_text(HANDLERS)
    Path("fcall.toml").write_text("""
[services.images]
provider = "local"
functions = { say = "app.py:echo", wait = "app.py:hang?function_timeout=0.1", "*" = "{function}" }

[services.videos]
provider = "aws"
region = "eu-west-1"
""")
    server = serve()

    assert ["say", "wait"] == listed(server)
    assert ("videos",) == server.skipped
    assert "[1]" == asked(server, "/toy/images/say", b"[1]")[1]["payload"]
    assert "Sandbox.Timedout" == asked(server, "/toy/wait", b"0.3")[1]["error"]


def test_options_go_before_what_the_configuration_says(serve: Serve) -> None:
    """An option that the server is given holds for the configured services too."""
    Path("app.py").write_text(HANDLERS)
    config = {"services": {"images": {"provider": "local", "functions": {"wait": "app.py:hang"}}}}
    server = serve(config=config, function_timeout=0.1)

    assert "Sandbox.Timedout" == asked(server, "/toy/wait", b"0.3")[1]["error"]


def test_what_is_registered_later_is_served_at_once(serve: Serve, registry: fcall.local.Registry) -> None:
    """A function that this process registers after the start is served from then on."""
    server = serve()
    before = asked(server, "/toy/images/late")[0]
    registry.function("images/late")(lambda event, context: "here")

    assert 404 == before
    assert '"here"' == asked(server, "/toy/images/late")[1]["payload"]


def test_a_file_may_register_what_it_is_served_for(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A file that registers its functions when a call imports it is served as before."""
    Path("app.py").write_text(
        "import fcall\n@fcall.local.function('images/resize')\ndef resize(event, context): return event\n"
    )
    server = serve("app.py", registry=None)

    assert ["[1]", "[1]"] == [asked(server, "/toy/images/resize", b"[1]")[1]["payload"] for _ in range(2)]
    assert "" == caplog.text
    assert ["resize"] == listed(server)


def test_a_reload_lets_what_is_under_way_end(serve: Serve) -> None:
    """A request that came before functions were served anew is answered by those that were, which then end."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py")
    old, function = server._app.stage, server.functions.find("echo")
    assert function is not None
    old.enter()
    server.reload()
    under_way = old.run(Call(function, payload=b"[1]"), "lambda", log_tail=False)
    old.leave()
    ((_, retiring),) = server._retired
    retiring.join(60)
    later = old.run(Call(function, payload=b"[1]"), "lambda", log_tail=False)

    assert isinstance(under_way, fcall.InvocationResult)
    assert b"[1]" == under_way.payload
    assert isinstance(later, ClientClosedError)
    assert "[2]" == asked(server, "/toy/echo", b"[2]")[1]["payload"]


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_changed_file_is_served_anew(serve: Serve, isolation: str) -> None:
    """With reload, a changed handler, a changed module that it imports and a new handler are served as they are now."""
    Path("app.py").write_text("import words_of_reload as words\ndef say(event, context): return words.WORD\n")
    Path("words_of_reload.py").write_text("WORD = 'old'\n")
    server = serve("app.py", isolation=isolation, reload=True)
    before = asked(server, "/toy/say")[1]["payload"]
    Path("words_of_reload.py").write_text("WORD = 'changed'\n")
    Path("app.py").write_text(Path("app.py").read_text() + "def new(event, context): return 'new'\n")
    server._watcher.check()
    after = [asked(server, f"/toy/{name}")[1]["payload"] for name in ("say", "new")]

    assert '"old"' == before
    assert ['"changed"', '"new"'] == after


def test_a_file_that_is_wrong_for_a_while_fails_its_calls_only(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """While a changed file is not Python its calls fail as they would in the cloud; the next change mends them."""
    Path("app.py").write_text("def say(event, context): return 1\n")
    server = serve("app.py", isolation="process", reload=True)
    Path("app.py").write_text("def say(event, context: return 1\n")
    server._watcher.check()
    while_wrong = asked(server, "/toy/say")[1]["error"]
    Path("app.py").write_text("def say(event, context): return 22\n")
    server._watcher.check()

    assert "Runtime.UserCodeSyntaxError" == while_wrong
    assert "the functions stay those that were" in caplog.text
    assert "22" == asked(server, "/toy/say")[1]["payload"]


def test_a_change_is_seen_without_beingasked(serve: Serve) -> None:
    """The watcher looks by itself; a file that did not change is not served anew."""
    Path("app.py").write_text("def say(event, context): return 1\n")
    server = serve("app.py", reload=True)
    unchanged = server._watcher.check()
    Path("app.py").write_text("def say(event, context): return 22\n")
    before_it_is_seen = [*iter(lambda: asked(server, "/toy/say")[1]["payload"], "22")]

    assert unchanged is False
    assert {"1"} >= {*before_it_is_seen}
