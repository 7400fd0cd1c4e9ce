"""What is there for people, and for the page that shows it to them: the functions, the last calls, the async queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fcall import local
from fcall.local import CallRecord
from fcall.serve._api import Answer, Api, Request
from fcall.serve._functions import Functions
from fcall.serve._gate import refused
from fcall.serve._journal import Entry, Journal
from fcall.serve._stage import Stage

__all__ = ["STATE", "People"]

STATE = "/_fcall/state"
"""Where the page finds, as JSON, what it shows."""

_LIST = 100


class People:
    """Answers what no API owns.

    Args:
        apis: what is served.
        stage: gives what runs functions now.
        journal: what was called.
    """

    def __init__(self, apis: Sequence[Api], stage: Callable[[], Stage], journal: Journal) -> None:
        self._apis = apis
        self._stage = stage
        self._journal = journal

    def answer(self, request: Request) -> Answer:
        """The answer to a request for the page or for what it shows."""
        if request.path != STATE and request.path not in _FILES:
            return refused(404, "no API of this server has this path; / says what there is")
        if request.method not in ("GET", "HEAD"):
            return refused(405, "this is only to be read")
        if request.path == STATE:
            return Answer(200, (("Content-Type", "application/json"), *_HEADERS), json.dumps(self.state()).encode())
        name, media_type = _FILES[request.path]
        return Answer(200, (("Content-Type", f"{media_type}; charset=utf-8"), *_HEADERS), _file(name))

    def state(self) -> dict[str, Any]:
        """What the page shows. No payload is in it."""
        return {
            "apis": [api.title for api in self._apis],
            "rules": sorted({api.runtime for api in self._apis}, reverse=True),
            "functions": _functions(self._stage().functions),
            "calls": [_entry(entry) for entry in self._journal.last(_LIST)],
            "queue": {
                "waiting": local.waiting(),
                "attempts": [_attempt(record) for record in reversed(local.calls()) if record.type == "Async"][:_LIST],
            },
        }


_FILES = {
    "/": ("index.html", "text/html"),
    "/_fcall/page.css": ("page.css", "text/css"),
    "/_fcall/page.js": ("page.js", "text/javascript"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)


@cache
def _file(name: str) -> bytes:
    return (Path(__file__).parent / "page" / name).read_bytes()


def _functions(functions: Functions) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "service": each.service, "function": each.function, "handler": each.handler}
        for each in functions.functions()
    ]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "api": entry.api,
        "function": entry.function,
        "type": entry.type,
        "outcome": entry.outcome,
        "detail": entry.detail,
        "status": entry.status,
        "milliseconds": round(entry.seconds * 1000, 3),
        "requestId": entry.request_id,
        "logTail": entry.log_tail,
    }


def _attempt(record: CallRecord) -> dict[str, Any]:
    return {
        "service": record.service,
        "function": record.function,
        "requestId": record.request_id,
        "attempt": record.attempt,
        "outcome": record.outcome,
        "givenUp": record.given_up,
        "error": None if record.error is None else type(record.error).__name__,
    }
