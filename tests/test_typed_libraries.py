"""Typed functions whose types are models of pydantic or structs of msgspec."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

import fcall
from fcall.errors import FunctionResponseError, InvalidParamsError

pydantic = pytest.importorskip("pydantic", reason="pydantic has models")
pydantic_core = pytest.importorskip("pydantic_core", reason="pydantic brings it")
msgspec = pytest.importorskip("msgspec", reason="msgspec has structs")


class Size(pydantic.BaseModel):  # type: ignore[misc,name-defined]
    width: int
    tags: dict[str, int] = {}  # noqa: RUF012 - the library copies it


class Picture(pydantic.BaseModel):  # type: ignore[misc,name-defined]
    model_config = pydantic.ConfigDict(extra="forbid")
    file_name: Annotated[str, pydantic.Field(alias="fileName")]
    sizes: list[Size] = []  # noqa: RUF012

    @pydantic.field_validator("file_name")
    @classmethod
    def _is_a_picture(cls, name: str) -> str:
        if name == "secret.gif":
            raise pydantic_core.PydanticCustomError("no_gif", "Field should not be {name}", {"name": name})
        if not name.endswith(".png"):
            raise ValueError(f"{name} is no picture")
        return name


@pydantic.dataclasses.dataclass
class Point:
    x: int


class Crop(msgspec.Struct, rename="camel", forbid_unknown_fields=True):  # type: ignore[misc,name-defined]
    at_left: int
    tags: dict[str, int] = {}  # noqa: RUF012
    fit: str = "crop"

    def __post_init__(self) -> None:
        if self.fit not in ("crop", "pad"):
            raise ValueError(f"{self.fit} is no fit")


@pytest.fixture
def echo(client: fcall.Client, registry: fcall.local.Registry) -> Any:
    """Defines a function that answers with its event, or with what the event says."""
    registry.function("echo")(lambda event, context: event.get("answer", event))
    return lambda **types: client.function("echo", **types)


@pytest.fixture
def mock() -> Iterator[fcall.testing.FcallMock]:
    with fcall.testing.FcallMock().active() as mock:
        yield mock


@pytest.mark.parametrize(
    ("hint", "value", "sent"),
    [
        (Picture, Picture(fileName="a.png", sizes=[Size(width=1)]),
         b'{"fileName":"a.png","sizes":[{"width":1,"tags":{}}]}'),
        (list[Size], [Size(width=1)], b'[{"width":1,"tags":{}}]'),
        (Point, Point(x=1), b'{"x":1}'),
        (Size | None, None, b"null"),
        (Crop, Crop(1, {"a": 2}), b'{"atLeft":1,"tags":{"a":2},"fit":"crop"}'),
        (list[Crop], [Crop(1)], b'[{"atLeft":1,"tags":{},"fit":"crop"}]'),
    ],
)  # fmt: skip
def test_models_travel_both_ways(
    client: fcall.Client, mock: fcall.testing.FcallMock, hint: Any, value: Any, sent: bytes
) -> None:
    """They are sent under the names that they have in JSON, and come back as models."""
    route = mock.route("echo", returns=sent)

    assert value == client.function("echo", request=hint, response=hint)(value)
    assert [sent] == [call.payload for call in route.calls]


def _changed(model: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        setattr(model, name, value)
    return model


@pytest.mark.parametrize(
    ("hint", "value", "fault"),
    [
        (Size, {"width": "secret"}, "request.width: Input should be a valid integer"),
        (Size, {"width": 1, "tags": {"secret": "secret"}}, "request.tags[…]: Input should be a valid integer"),
        (Picture, {"fileName": "secret"}, "request.fileName: is not valid (value_error)"),
        (Picture, {"fileName": "secret.gif"}, "request.fileName: is not valid [function"),
        (Picture, {"fileName": "a.png", "secret": 1}, "request[…]: Extra inputs are not permitted"),
        (Picture, {"fileName": "a.png", "sizes": [{}]}, "request.sizes[0].width: Field required"),
        (list[Size], [{}] * 5, "; request[2].width: Field required; and 2 more"),
        (Size, _changed(Size(width=1), width="secret"), "request is not what its type says: pydantic raises "),
        (Crop, Crop("secret"), "request.atLeft: Expected `int`, got `str`"),
        (Crop, {}, "request: Object missing required field `atLeft`"),
        (Crop, Crop(1, {"secret": "secret"}), "request.tags[...]: Expected `int`, got `str`"),
        (Crop, _changed(Crop(1), fit="secret"), "request is not what its type says: msgspec raises ValidationError"),
        (Crop, {"atLeft": 1, "secret": 1}, "request is not what its type says: msgspec raises ValidationError"),
        (Crop, object(), "request is not what its type says: msgspec raises TypeError"),
    ],
)
def test_a_request_that_does_not_fit_is_not_sent(echo: Any, hint: Any, value: Any, fault: str) -> None:
    """The library says what is wrong, less what may hold the value; nothing is sent."""
    with pytest.raises(InvalidParamsError) as raised:
        echo(request=hint)(value)

    assert fault in str(raised.value)
    assert "[function echo]" in str(raised.value)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("hint", "answer", "fault"),
    [
        (Size, {"width": "secret"}, "response.width: Input should be a valid integer"),
        (Picture, {"fileName": "secret"}, "response.fileName: is not valid (value_error)"),
        (Crop, {"atLeft": "secret"}, "response.atLeft: Expected `int`, got `str`"),
        (Crop, {"atLeft": 1, "fit": "secret"}, "response is not what its type says: msgspec raises ValidationError"),
        (list[Crop], "secret", "response: Expected `array`, got `str`"),
    ],
)
def test_a_response_that_does_not_fit_is_the_functions_failure(echo: Any, hint: Any, answer: Any, fault: str) -> None:
    """The function ran; the answer is in the error, and not in its words."""
    with pytest.raises(FunctionResponseError) as raised:
        echo(response=hint)({"answer": answer})

    assert str(raised.value).startswith(f"{fault} [function echo on local; ")
    assert fcall.Executed.YES is raised.value.executed
    assert raised.value.result is not None
    assert answer == raised.value.result.json()
    assert "secret" not in "".join(traceback.format_exception(raised.value))


class Pad(msgspec.Struct):  # type: ignore[misc,name-defined]
    width: int


class Unknown:
    pass


@pytest.mark.parametrize("hint", [dict[Unknown, Size], tuple[Size, Unknown], Crop | Pad])
def test_a_type_that_a_library_cannot_use_is_refused_at_once(client: fcall.Client, hint: Any) -> None:
    """It is found where the function is defined, in the library's words."""
    with pytest.raises(InvalidParamsError, match=r"^response cannot be converted: .*(Unknown|Pad)"):
        client.function("echo", response=hint)


@dataclass
class Mixed:
    size: Size


def test_a_record_with_a_model_in_it_is_refused_at_once(client: fcall.Client) -> None:
    """A record is converted by the rules of handlers, where there is no library."""
    with pytest.raises(InvalidParamsError, match=r"^request\.size is annotated with .*Size.*, which JSON cannot"):
        client.function("echo", request=Mixed)


@pytest.mark.parametrize("hint", [Size, Crop])
def test_an_answer_that_is_not_json(client: fcall.Client, mock: fcall.testing.FcallMock, hint: Any) -> None:
    """It is the function's failure, whichever library reads it."""
    mock.route("echo", returns=b"secret {")
    with pytest.raises(FunctionResponseError) as raised:
        client.function("echo", response=hint)({})

    assert "secret" not in "".join(traceback.format_exception(raised.value))
