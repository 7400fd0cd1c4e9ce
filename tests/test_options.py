"""Options: what may stand where, and how values of files, targets and code become a provider's options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

import fcall
from fcall.errors import ConfigurationError, InvalidParamsError, PluginError
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult, ProviderSpec, option


@dataclass(frozen=True, slots=True)
class Options:
    """One option of every kind."""

    text: str = option("", in_target=True)
    number: int = option(0, in_target=True)
    seconds: float | None = option(None, in_target=True)
    flag: bool = option(False, in_target=True)
    either: int | str = option(0, in_target=True)
    folder: str = option("data", path=True)
    file: str | None = option(None, path=True, in_target=True)
    token: str | None = option(None, secret=True)
    kind: Literal["small", "large"] = "small"
    tags: Mapping[str, str] = field(default_factory=dict)
    made_by: Callable[[], str] | None = None
    anything: Any = None
    derived: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("number is 0 or more")
        if self.number == 13:
            raise ConfigurationError("number is not 13")


@dataclass(frozen=True)
class CallOptions:
    """What one call may say."""

    colour: str = "red"


class Kept:
    """A provider that keeps what it was made of, and the options of its last call."""

    capabilities = Capabilities()

    def __init__(self, options: Any) -> None:
        self.options = options

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.call_options = invocation.options
        return InvocationResult(b"{}")

    def close(self) -> None:
        pass


class Plugin:
    """A plugin of the provider ``kept``; it keeps the providers that were made."""

    def __init__(self, options: type = Options) -> None:
        self.options = options
        self.made: list[Kept] = []

    @fcall.hookimpl
    def fcall_register_providers(self) -> ProviderSpec:
        return ProviderSpec("kept", self._create, self.options, CallOptions)

    def _create(self, options: Any) -> Kept:
        self.made.append(Kept(options))
        return self.made[-1]


def made(target: str = "x", *, config: Any = None, options: type = Options, **given: Any) -> Any:
    """The options of the provider that a call of `target` makes."""
    plugin = Plugin(options)
    provider = "kept" if config is None or given else None
    fcall.Client(config, plugins=[plugin], provider=provider, **given).invoke(target, {})
    return plugin.made[0].options


def of_file(**options: Any) -> Any:
    return made("s/x", config={"services": {"s": {"provider": "kept", **options}}})


# Types

RIGHT: list[tuple[str, Any]] = [
    ("text", "a"),
    ("number", 5),
    ("seconds", 5),
    ("seconds", 0.5),
    ("seconds", None),
    ("flag", True),
    ("either", "a"),
    ("either", 5),
    ("kind", "large"),
    ("tags", {"a": "b"}),
    ("made_by", str),
    ("anything", object),
]
WRONG: list[tuple[str, Any, str]] = [
    ("text", 5, "is a int; it has to be str"),
    ("text", None, "is a NoneType; it has to be str"),
    ("number", "5", "is a str; it has to be int"),
    ("number", True, "is a bool; it has to be int"),
    ("number", 5.0, "is a float; it has to be int"),
    ("seconds", True, r"is a bool; it has to be float \| None"),
    ("seconds", "5", r"is a str; it has to be float \| None"),
    ("flag", 1, "is a int; it has to be bool"),
    ("either", None, r"is a NoneType; it has to be int \| str"),
    ("folder", 5, "is a int; it has to be str"),
    ("kind", "medium", "it has to be one of 'large', 'small'"),
    ("tags", ["a"], r"is a list; it has to be Mapping\[str, str\]"),
    ("made_by", 5, r"is a int; it has to be Callable\[\[\], str\] \| None"),
]


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_a_value_of_the_declared_type_is_taken(name: str, value: Any) -> None:
    """What fits the annotation arrives as it is, from a file as from code."""
    assert value == getattr(of_file(**{name: value}), name)
    assert value == getattr(made(**{name: value}), name)


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_value_of_another_type_is_an_error(name: str, value: Any, words: str) -> None:
    """The error says what the option takes, and where the value was written."""
    with pytest.raises(InvalidParamsError, match=f"'{name}' in the options of provider 'kept' {words}|{words}"):
        made(**{name: value})
    with pytest.raises(InvalidParamsError, match=rf"\(written in config \[services.s\]\) .*{words}"):
        of_file(**{name: value})


def test_an_unknown_option_is_an_error_with_the_nearest_one() -> None:
    """A misspelt option is not passed over."""
    with pytest.raises(InvalidParamsError, match=r"have no 'sceonds' \(did you mean 'seconds'\?\); they are anything"):
        made(sceonds=5)
    with pytest.raises(InvalidParamsError, match=r"have no 'derived'"):
        made(derived="x")


def test_an_option_without_a_default_is_required() -> None:
    """What has to be said and is not is named."""

    @dataclass(frozen=True)
    class Strict:
        region: str
        account: str = option()
        colours: list[str] = field(default_factory=list)

    with pytest.raises(InvalidParamsError, match="the options of provider 'kept' lack account, region; set it"):
        made(options=Strict)

    assert Strict("r", "a") == made(options=Strict, region="r", account="a")


def test_an_options_class_may_check_its_values() -> None:
    """What it raises becomes an error of ours, and an error of ours stays what it is."""
    with pytest.raises(InvalidParamsError, match="the options of provider 'kept' do not fit: number is 0 or more"):
        made(number=-1)
    with pytest.raises(ConfigurationError, match="number is not 13") as caught:
        made(number=13)

    assert ConfigurationError is type(caught.value)


def test_an_options_class_is_a_dataclass() -> None:
    """A plugin whose options are anything else is told so."""
    with pytest.raises(PluginError, match="is not a dataclass"):
        made(options=dict)


def test_what_is_only_there_for_the_making_is_no_option() -> None:
    """An InitVar cannot be set, since its type cannot be checked."""

    @dataclass
    class Odd:
        start: InitVar[int] = 0

    with pytest.raises(InvalidParamsError, match="have no 'start'"):
        made(options=Odd, start=1)


# Variables and secrets


def test_a_text_is_taken_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """``env:NAME`` in a file stands for the variable's value when the provider is made."""
    monkeypatch.setenv("GATE_TOKEN", "s3cret")
    options = of_file(token="env:GATE_TOKEN", text="env:GATE_TOKEN")

    assert ("s3cret", "s3cret") == (options.token, options.text)


@pytest.mark.parametrize("name", ["token", "text"])
def test_a_variable_that_is_not_set_is_an_error(name: str) -> None:
    """It is never an empty text."""
    with pytest.raises(ConfigurationError, match=rf"'{name}' in config \[services.s\] takes the variable GATE_TOKEN"):
        of_file(**{name: "env:GATE_TOKEN"})


def test_a_secret_never_stands_in_a_file() -> None:
    """A secret written out is refused, and the error does not repeat it."""
    with pytest.raises(ConfigurationError, match='write token = "env:NAME"') as caught:
        of_file(token="s3cret")

    assert "s3cret" not in str(caught.value)


def test_code_may_say_a_secret() -> None:
    """Code has its own places for secrets, and ``env:`` means nothing there."""
    assert "s3cret" == made(token="s3cret").token
    assert "env:GATE_TOKEN" == made(text="env:GATE_TOKEN").text


def test_a_secret_is_not_shown() -> None:
    """The repr of the options holds no secret."""
    assert "s3cret" not in repr(made(token="s3cret", text="shown"))


# Paths


def test_a_path_in_a_file_is_relative_to_that_file(tmp_path: Path) -> None:
    """It means the same wherever the program is started."""
    path = tmp_path / "deep/fcall.toml"
    path.parent.mkdir()
    path.write_text("[services.s]\nprovider = 'kept'\nfile = '../x'\n")
    options = made("s/x", config=path)

    assert str(tmp_path / "deep/../x") == options.file
    assert str(tmp_path / "deep/data") == options.folder, "a default is relative to the file that names the functions"


def test_a_path_of_each_file_is_relative_to_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two files that lie over each other, each one's paths are its own."""
    own = Path(os.environ["XDG_CONFIG_HOME"], "fcall/fcall.toml")
    own.parent.mkdir()
    own.write_text("[services.s]\nprovider = 'kept'\nfile = 'mine'")
    (tmp_path / "fcall.toml").write_text("[services.s]\nfolder = 'projects'")
    monkeypatch.chdir(tmp_path)
    plugin = Plugin()
    fcall.Client(plugins=[plugin]).invoke("s/x")
    options = plugin.made[0].options

    assert (str(own.parent / "mine"), str(tmp_path / "projects")) == (options.file, options.folder)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_outside_of_files_is_relative_to_the_working_directory(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code, a mapping, a variable and a target have no folder of their own."""
    here = Path.cwd()
    monkeypatch.setenv("WHERE", "there")

    assert str(here / "there") == made(file=kind("there")).file
    assert str(here / "there") == of_file(file="there").file
    assert str(here / "there") == of_file(file="env:WHERE").file
    assert str(here / "there") == made("kept:x?file=there").file
    assert str(here / "data") == made("kept:x").folder


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    """A path that needs no folder gets none."""
    assert str(tmp_path) == of_file(folder=str(tmp_path)).folder
    assert str(tmp_path) == made(folder=tmp_path).folder


def test_options_without_paths_need_no_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that has nothing to do with files works where the working directory was removed."""

    @dataclass(frozen=True)
    class Region:
        region: str = ""

    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert "r" == made(options=Region, region="r").region
    with pytest.raises(ConfigurationError, match="the working directory is gone"):
        made(file="there")


# Targets


@pytest.mark.parametrize(
    ("query", "name", "expected"),
    [
        ("text=a", "text", "a"),
        ("text=true", "text", "true"),
        ("text=5", "text", "5"),
        ("text=", "text", ""),
        ("text=a%26b", "text", "a&b"),
        ("number=5", "number", 5),
        ("number=-0", "number", 0),
        ("seconds=5", "seconds", 5),
        ("seconds=0.5", "seconds", 0.5),
        ("flag=true", "flag", True),
        ("flag=false", "flag", False),
        ("either=5", "either", "5"),
    ],
)
def test_a_target_sets_options_as_text(query: str, name: str, expected: Any) -> None:
    """The text becomes what the option declares."""
    actual = getattr(made(f"kept:x?{query}"), name)

    assert (expected, type(expected)) == (actual, type(actual))


@pytest.mark.parametrize("query", ["number=five", "number=0.5", "number=true", "seconds=soon", "flag=yes", "flag=1"])
def test_a_text_that_is_not_of_the_type_is_an_error(query: str) -> None:
    """What cannot be read as the declared type is refused."""
    with pytest.raises(InvalidParamsError, match=f"'{query.split('=')[0]}' in the options of provider 'kept' is a str"):
        made(f"kept:x?{query}")


@pytest.mark.parametrize("name", ["token", "folder", "kind", "txet"])
def test_a_target_sets_no_other_options(name: str) -> None:
    """A target carries neither credentials nor whatever else its provider does not allow there."""
    with pytest.raises(InvalidParamsError, match=f"does not take the option '{name}'") as caught:
        made(f"kept:x?{name}=s3cret")

    assert "it takes either, file, flag, number, seconds, text" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_target_goes_before_the_file_and_code_before_both() -> None:
    """The nearer to the call, the stronger; code that made the client is the last word."""
    config = {"defaults": {"provider": "kept", "text": "file", "number": 1}}

    assert ("target", 1) == ((options := made("kept:x?text=target", config=config)).text, options.number)
    assert ("code", 2) == ((options := made("kept:x?text=target&number=2", text="code")).text, options.number)


# Options of one call


def test_call_options_are_checked_like_options() -> None:
    """They arrive as what the provider declares, and a mistake is found before anything is sent."""
    plugin = Plugin()
    client = fcall.Client(provider="kept", plugins=[plugin])
    client.invoke("x", options={"colour": "blue"})

    assert CallOptions("blue") == plugin.made[0].call_options
    with pytest.raises(InvalidParamsError, match=r"the call options of provider 'kept' have no 'color' \(did you mean"):
        client.invoke("x", options={"color": "blue"})
    with pytest.raises(InvalidParamsError, match="'colour' in the call options of provider 'kept' is a int"):
        client.invoke("x", options={"colour": 5})


def test_a_provider_without_call_options_takes_none(client: fcall.Client) -> None:
    """What a provider does not declare is not dropped silently."""
    with pytest.raises(InvalidParamsError, match="the call options of provider 'local' have no 'trace'; they are none"):
        client.invoke("x", options={"trace": 1})
