"""The functions of an account and region, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fcall.errors import ProviderUnavailableError
from fcall.provider import FunctionInfo

__all__ = ["listed"]


def listed(page: Callable[[str | None], Mapping[str, Any]]) -> Iterator[FunctionInfo]:
    """Every function of every page; a page is asked for when it is needed.

    Args:
        page: the page that a marker stands for, None being the first.

    Raises:
        ProviderUnavailableError: the pages go round in a circle.
    """
    marker: str | None = None
    seen: set[str] = set()
    while True:
        answer = page(marker)
        for record in answer.get("Functions") or ():
            yield _described(record)
        marker = answer.get("NextMarker")
        if not marker:  # an empty page with a marker is not the last one
            return
        if marker in seen:
            raise ProviderUnavailableError("the pages of functions repeat themselves; list them again")
        seen.add(marker)


def _described(record: Mapping[str, Any]) -> FunctionInfo:
    name = record.get("FunctionName", "")
    return FunctionInfo(name, name, record.get("Runtime"), record.get("LastModified"), record)
