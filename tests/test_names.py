"""Function names: what the application says, and what the provider says for the same function."""

from __future__ import annotations

from typing import Any

import pytest

from fcall._config import Configuration
from fcall._names import FunctionNames
from fcall.errors import ConfigurationError


def names(functions: Any = None) -> FunctionNames:
    table = {"provider": "aws", **({} if functions is None else {"functions": functions})}
    binding = Configuration.load({"services": {"images": table}}).binding("images")
    assert binding is not None
    return FunctionNames.of(binding)


@pytest.mark.parametrize(
    ("functions", "function", "expected"),
    [
        (None, "resize", {}),
        ("{function}", "resize", {}),
        ("prod-{function}", "resize", {"function": "prod-resize"}),
        ("{function}-v2", "resize", {"function": "resize-v2"}),
        ("a-{function}-z", "{function}", {"function": "a-{function}-z"}),
        ({"resize": "r"}, "resize", {"function": "r", "configured": True}),
        ({"resize": "resize"}, "resize", {"function": "resize", "configured": True}),
        ({"resize": "app.py:f", "*": "x-{function}"}, "resize", {"function": "app.py:f", "configured": True}),
        ({"resize": "app.py:f", "*": "x-{function}"}, "other", {"function": "x-other"}),
        ({"*": "{function}"}, "other", {}),
        ({"*": "{function}"}, "*", {}),
    ],
)
def test_a_name_becomes_the_providers(functions: Any, function: str, expected: dict[str, Any]) -> None:
    """The table goes before the template, and only what the table writes out counts as configured."""
    assert expected == names(functions).changes(function)


@pytest.mark.parametrize("function", ["rezise", "os:system", "", "RESIZE"])
def test_a_table_without_a_template_is_complete(function: str) -> None:
    """A name that the table does not have is an error, with the nearest one that it has."""
    with pytest.raises(
        ConfigurationError, match=r"does not name the function .* it names crop, resize\. Add it"
    ) as caught:
        names({"resize": "r", "crop": "c"}).changes(function)

    assert ("images", function) == (caught.value.service, caught.value.function)
    assert (function == "rezise") <= ("did you mean 'resize'?" in str(caught.value))


@pytest.mark.parametrize(
    ("functions", "provider_name", "expected"),
    [
        (None, "resize", "resize"),
        ("prod-{function}", "prod-resize", "resize"),
        ("prod-{function}", "dev-resize", None),
        ("prod-{function}", "prod-", None),
        ("{function}-v2", "resize-v2", "resize"),
        ("aa{function}aa", "aaa", None),
        ("aa{function}aa", "aaaaa", "a"),
        ({"resize": "r"}, "r", "resize"),
        ({"resize": "r"}, "resize", None),
        ({"resize": "r", "*": "{function}"}, "crop", "crop"),
        ({"resize": "r", "*": "{function}"}, "resize", None),
        ({"resize": "r", "*": "{function}"}, "r", "resize"),
    ],
)
def test_a_providers_name_becomes_the_applications(functions: Any, provider_name: str, expected: str | None) -> None:
    """A listing has the names by which the functions can be called; what cannot be called is not in it."""
    application_name = names(functions).application_name(provider_name)

    assert expected == application_name
    if application_name is not None:
        assert provider_name == names(functions).changes(application_name).get("function", application_name)


def test_only_written_names_are_configured() -> None:
    """What a template would make is not among the names that the configuration writes down."""
    assert ["r", "app.py:f"] == list(names({"resize": "r", "crop": "app.py:f", "*": "x-{function}"}).configured())
    assert [] == list(names("x-{function}").configured())
