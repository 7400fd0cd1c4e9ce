"""Listing: all functions of a service, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fcall.errors import ProviderUnavailableError
from fcall.provider import FunctionInfo
from fcall_aliyun._answers import document_of, refused
from fcall_aliyun._exchange import Answer

__all__ = ["functions_of"]


def functions_of(page: Callable[[str | None], Answer]) -> Iterator[FunctionInfo]:
    """The functions of all pages; a page is asked for when the one before it is used up.

    Args:
        page: fetches the page that a token stands for, None for the first.

    Raises:
        FcallError: a page could not be had, or is not one.
    """
    token: str | None = None
    seen: set[str] = set()
    while True:
        functions, token = _read(page(token))
        yield from map(_info, functions)
        if token is None:
            return
        if token in seen:
            raise ProviderUnavailableError("the listing goes in circles: a page names one before it as the next")
        seen.add(token)


def _read(answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
    if answer.status >= 300:
        raise refused(answer)
    document = None if answer.cut else document_of(answer.body)
    functions = (document or {}).get("functions", [] if document is not None else None)
    if answer.status != 200 or not isinstance(functions, list) or not all(map(_has_name, functions)):
        raise ProviderUnavailableError("the answer is no list of functions", status_code=answer.status)
    token = (document or {}).get("nextToken") or None
    if token is not None and not isinstance(token, str):
        raise ProviderUnavailableError("the list of functions does not say how it goes on", status_code=answer.status)
    return functions, token


def _has_name(function: Any) -> bool:
    return isinstance(function, dict) and isinstance(function.get("functionName"), str)


def _info(function: dict[str, Any]) -> FunctionInfo:
    name = function["functionName"]
    return FunctionInfo(name, name, _text(function.get("runtime")), _text(function.get("lastModifiedTime")), function)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
