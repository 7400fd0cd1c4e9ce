"""Typed functions as type checkers see them: mypy and basedpyright agree on every line, and on every mistake."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

import fcall


@dataclass
class Picture:
    name: str
    width: int = 64


@dataclass
class Resized:
    name: str


class Size(TypedDict):
    width: int


def what_is_given_and_what_comes_back(client: fcall.Client) -> None:
    resize = client.function("images/resize", request=Picture, response=Resized, timeout=5, idempotent=True)
    assert_type(resize, fcall.TypedFunction[Picture, Resized])
    assert_type(resize(Picture("ada.png")), Resized)
    assert_type(resize(Picture("ada.png"), timeout=5, idempotency_key="order-7"), Resized)
    assert_type(resize.invoke(Picture("ada.png"), log_tail=True), fcall.InvocationResult)
    assert_type(resize.read(fcall.InvocationResult(b"{}")), Resized)
    assert_type(resize.enqueue(Picture("ada.png")), fcall.Acceptance)
    assert_type(resize.stream(Picture("ada.png")), Iterator[bytes])
    resize.check(Picture("ada.png"))


def many_requests(client: fcall.Client, pictures: list[Picture]) -> None:
    resize = client.function("images/resize", request=Picture, response=Resized)
    assert_type(list(resize.map(pictures, concurrency=64)), list[Resized])
    assert_type(next(resize.enqueue_many(pictures, progress=True)), fcall.Acceptance)
    for outcome in resize.as_completed(iter(pictures)):
        assert_type(outcome, fcall.TypedOutcome[Resized])
        assert_type(outcome.response, Resized | None)
        assert_type(outcome.result, fcall.InvocationResult | None)
        assert_type(outcome.error, fcall.FcallError | None)


async def the_awaitable_twin(client: fcall.AsyncClient, pictures: AsyncIterable[Picture]) -> None:
    resize = client.function("images/resize", request=Picture, response=Resized)
    assert_type(resize, fcall.AsyncTypedFunction[Picture, Resized])
    assert_type(await resize(Picture("ada.png"), timeout=5), Resized)
    assert_type(await resize.invoke(Picture("ada.png")), fcall.InvocationResult)
    assert_type(await resize.enqueue(Picture("ada.png")), fcall.Acceptance)
    await resize.check(Picture("ada.png"))
    assert_type(resize.stream(Picture("ada.png")), AsyncIterator[bytes])
    assert_type([resized async for resized in resize.map(pictures)], list[Resized])
    assert_type([resized async for resized in resize.map([Picture("ada.png")])], list[Resized])
    assert_type([outcome async for outcome in resize.as_completed(pictures)], list[fcall.TypedOutcome[Resized]])
    assert_type([accepted async for accepted in resize.enqueue_many(pictures)], list[fcall.Acceptance])


def other_types(client: fcall.Client) -> None:
    assert_type(client.function("images/scale", request=Size, response=Size)({"width": 3}), Size)
    assert_type(client.function("images/all", request=list[Picture], response=dict[str, Size])([]), dict[str, Size])
    assert_type(client.function("images/copy", request=bytes, response=bytes)(b"..."), bytes)


def a_type_that_is_not_said(client: fcall.Client, asyncio_client: fcall.AsyncClient) -> None:
    assert_type(client.function("images/resize"), fcall.TypedFunction[Any, Any])
    assert_type(client.function("images/resize", request=Picture), fcall.TypedFunction[Picture, Any])
    assert_type(client.function("images/resize", response=Resized, timeout=5), fcall.TypedFunction[Any, Resized])
    assert_type(asyncio_client.function("images/resize", request=Picture), fcall.AsyncTypedFunction[Picture, Any])


# What must not pass; a type checker that lets it through reports an unused ignore.


def mistakes(client: fcall.Client) -> None:
    resize = client.function("images/resize", request=Picture, response=Resized)
    resize()  # type: ignore[call-arg]
    resize(Resized("ada.png"))  # type: ignore[arg-type]
    resize({"name": "ada.png"})  # type: ignore[arg-type]
    resize(Picture("ada.png"), payload=b"...")  # type: ignore[call-arg]
    resize(Picture("ada.png"), timeout="5")  # type: ignore[arg-type]
    resize(request=Picture("ada.png"))  # type: ignore[call-arg]
    resize.enqueue("ada.png")  # type: ignore[arg-type]
    resize.map([Resized("ada.png")])  # type: ignore[list-item]
    resize.map([Picture("ada.png")], idempotency_key="order-7")  # type: ignore[call-arg]
    resize(Picture("ada.png")).width  # type: ignore[attr-defined] # noqa: B018
    client.function("images/scale", request=Size)({"height": 3})  # type: ignore[typeddict-item]
    client.function("images/resize", request=Picture("ada.png"))  # type: ignore[call-overload]
    client.function("images/resize", requests=Picture)  # type: ignore[call-overload]
    client.function("images/resize", idempotency_key="order-7")  # type: ignore[call-overload]


async def a_response_that_nobody_awaited(client: fcall.AsyncClient) -> str:
    resize = client.function("images/resize", request=Picture, response=Resized)
    return resize(Picture("ada.png")).name  # type: ignore[attr-defined, no-any-return]
