"""The functions of an account and region, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fcall.errors import ProviderUnavailableError
from fcall.provider import FunctionInfo
from fcall_aws._answers import check_head, head_of

__all__ = ["listed"]

_OK = 200


def listed(page: Callable[[str | None], Mapping[str, Any]]) -> Iterator[FunctionInfo]:
    """Every function of every page; a page is asked for when it is needed.

    Args:
        page: the page that a marker stands for, None being the first.

    Raises:
        ProviderUnavailableError: what answered is no page of Lambda's, or the pages go round in a circle.
    """
    marker: str | None = None
    seen: set[str] = set()
    while True:
        answer = page(marker)
        for record in _records(answer):
            yield _described(record)
        marker = answer.get("NextMarker")
        if not marker:  # an empty page with a marker is not the last one
            return
        if marker in seen:
            raise ProviderUnavailableError("the pages of functions repeat themselves; list them again")
        seen.add(marker)


def _records(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The functions of a page. botocore reads a body that is no JSON, or is cut short, as a page with nothing on it."""
    records: Sequence[Mapping[str, Any]] | None = answer.get("Functions")
    if records is None:
        head = head_of(answer, _OK)
        check_head(head, _OK, b"")
        raise ProviderUnavailableError(
            "the answer is no list of functions, or was cut short; look at endpoint_url",
            status_code=head.status,
            request_id=head.request_id,
        )
    return records


def _described(record: Mapping[str, Any]) -> FunctionInfo:
    name = record.get("FunctionName", "")
    return FunctionInfo(name, name, record.get("Runtime"), record.get("LastModified"), record)
