"""Events for the handlers of portable.py, and what comes of each in every runtime."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

DEEP = "[" * 300 + "]" * 300


@dataclass(frozen=True, eq=False)
class Event:
    """One event.

    Attributes:
        function: the handler.
        payload: the bytes that are sent.
        answer: what the answer decodes to, or its bytes.
        failure: the type of the function's failure and the beginning of its message, where it fails.
    """

    function: str
    payload: bytes
    answer: Any = None
    failure: tuple[str, str] | None = None

    @property
    def id(self) -> str:
        """A name for the test."""
        return f"{self.function}-{self.payload[:40].decode(errors='replace')}"


def _echo(text: str, answer: Any = ...) -> Event:
    return Event("echo", text.encode(), json.loads(text) if answer is ... else answer)


def _makes(name: str, answer: Any) -> Event:
    return Event("make", json.dumps(name).encode(), answer)


def _cannot_make(name: str, error_type: str, message: str) -> Event:
    return Event("make", json.dumps(name).encode(), failure=(error_type, message))


def _order(answer: Any = None, function: str = "order", /, **event: Any) -> Event:
    return Event(function, json.dumps(event).encode(), answer)


def _bad(message: str, function: str, event: Any) -> Event:
    return Event(function, json.dumps(event).encode(), failure=("InvalidEventError", message))


_SIZE = {"width": 1, "height": None, "ratio": 1.0}
_ORDER = {
    "name": "a.png",
    "sizes": [],
    "fit": "crop",
    "mode": "good",
    "quality": 80,
    "corner": [0, 0],
    "tags": {},
    "parent": None,
    "done": True,
}

_VISIT = {
    "at": "2026-11-21T09:30:00+01:00",
    "day": "2026-11-21",
    "hour": "09:30:00",
    "id": "00000000-0000-0000-0000-000000000007",
    "price": 1.1,
}

EVENTS = (
    _echo("", {}),
    *map(_echo, ("null", "true", "false", "0", "-17", "123456789012345678901234567890", "1.5", "1E5", '""', '"text"')),
    *map(_echo, ('"Grüße, 世界 🐢"', '"\\u017c\\ud83d\\udc22"', '"\\u0000\\n\\""', "[]", '[1, "a", null, [true]]')),
    *map(_echo, ('{"a": {"b": [1.0, 2]}}', '{"a": 1, "a": 2}', ' \t\r\n{"a" : 1 }\n ', '{"": 1}', DEEP)),
    _makes("none", None),
    _makes("tuple", [1, "a", [2]]),
    _makes("named tuple", [1, 2]),
    _makes("integer keys", {"1": "a", "2.5": "b", "null": "d"}),
    _makes("record", {"width": 3, "height": None, "ratio": 1.0}),
    _makes("records", [{**_ORDER, "sizes": [{"width": 1, "height": 2, "ratio": 1.0}], "done": False}]),
    _makes("enum", "pad"),
    _makes("date", "2026-11-21"),
    _makes("moment", "2026-11-21T09:30:00+00:00"),
    _makes("time", "09:30:00"),
    _makes("uuid", "00000000-0000-0000-0000-000000000007"),
    _makes("decimal", 1.1),
    _makes("whole decimal", 3),
    _makes("long whole decimal", 12345678901234567890),
    _makes("bytes", b'{"as": "it is"}'),
    _makes("line separators", "\u2028\u2029"),
    _cannot_make("long decimal", "ValueError", "a Decimal would lose digits as a number"),
    _cannot_make("decimal of no number", "ValueError", "a Decimal would lose digits as a number"),
    _cannot_make("bytes inside", "TypeError", "Object of type bytes is not JSON serializable"),
    _cannot_make("set", "TypeError", "Object of type set is not JSON serializable"),
    _cannot_make("nan", "ValueError", "Out of range float values are not JSON compliant"),
    _cannot_make("infinity", "ValueError", "Out of range float values are not JSON compliant"),
    _cannot_make("lone surrogate", "ValueError", "the answer has a lone surrogate in it"),
    _cannot_make("circle", "ValueError", "Circular reference detected"),
    _cannot_make("object", "TypeError", "Object of type object is not JSON serializable"),
    _cannot_make("not there", "KeyError", "'not there'"),
    Event("fail", b'"of its own"', failure=("OutOfSpaceError", "the disk is full")),
    Event("fail", b'{"by": 0}', failure=("ZeroDivisionError", "division by zero")),
    Event("fail", b'{"by": 2}', {"answer": 0.5}),
    _order(_ORDER, name="a.png", sizes=[]),
    _order({**_ORDER, "sizes": [_SIZE]}, name="a.png", sizes=[{"width": 1, "ratio": 1}]),
    _order(_ORDER, name="a.png", sizes=[], unknown={"is": "left out"}),
    _order({**_ORDER, "fit": "pad", "mode": "fast"}, name="a.png", sizes=[], fit="pad", mode="fast"),
    _order({**_ORDER, "quality": "best"}, name="a.png", sizes=[], quality="best"),
    _order({**_ORDER, "corner": [1, 2]}, name="a.png", sizes=[], corner=[1, 2]),
    _order({**_ORDER, "tags": {"a": "b"}}, name="a.png", sizes=[], tags={"a": "b"}),
    _order({**_ORDER, "parent": {**_ORDER, "done": False}},
           name="a.png", sizes=[], parent={"name": "a.png", "sizes": []}),
    _bad("event lacks 'name', 'sizes'", "order", {}),
    _bad("event has to be an object, not a list", "order", []),
    _bad("event has to be an object, not null", "order", None),
    _bad("event.name has to be a text, not an integer", "order", {"name": 1, "sizes": []}),
    _bad("event.sizes has to be a list, not an object", "order", {"name": "a", "sizes": {}}),
    _bad("event.sizes[1].width has to be an integer, not true or false", "order",
         {"name": "a", "sizes": [{"width": 1}, {"width": True}]}),
    _bad("event.sizes[0].height has to be an integer, not a number", "order",
         {"name": "a", "sizes": [{"width": 1, "height": 1.5}]}),
    _bad("event.sizes[0].ratio has to be a number, not a text", "order",
         {"name": "a", "sizes": [{"width": 1, "ratio": "1"}]}),
    _bad("event.fit has to be one of 'crop', 'pad'", "order", {"name": "a", "sizes": [], "fit": "hide"}),
    _bad("event.mode has to be one of 'fast', 'good'", "order", {"name": "a", "sizes": [], "mode": "bad"}),
    _bad("event.quality fits none of the types that it may have", "order", {"name": "a", "sizes": [], "quality": []}),
    _bad("event.corner has to have 2 elements, not 1", "order", {"name": "a", "sizes": [], "corner": [1]}),
    _bad("event.tags[…] has to be a text, not an integer", "order", {"name": "a", "sizes": [], "tags": {"k": 1}}),
    _bad("event.parent lacks 'sizes'", "order", {"name": "a", "sizes": [], "parent": {"name": "b"}}),
    Event("orders", b'[{"name": "a", "sizes": []}]', ["Order"]),
    _bad("event[1] lacks 'sizes'", "orders", [{"name": "a", "sizes": []}, {"name": "b"}]),
    Event("place", b'{"city": "Ulm", "more": 1}', {"city": "Ulm", "more": 1}),
    Event("place", b'{"city": "Ulm", "size": {"width": 1}}', {"city": "Ulm", "size": _SIZE}),
    _bad("event lacks 'city'", "place", {"zip": "89073"}),
    _bad("event.zip has to be a text, not an integer", "place", {"city": "Ulm", "zip": 89073}),
    _order(_VISIT, "visit", **_VISIT),
    _order({**_VISIT, "at": "2026-11-21T09:30:00+00:00"}, "visit", **{**_VISIT, "at": "2026-11-21T09:30:00Z"}),
    _order({**_VISIT, "price": 3}, "visit", **{**_VISIT, "price": "3.0"}),
    _bad("event.at has to be a date and time in ISO 8601, not an integer", "visit", {**_VISIT, "at": 1}),
    _bad("event.day has to be a date in ISO 8601", "visit", {**_VISIT, "day": "tomorrow"}),
    _bad("event.hour has to be a time in ISO 8601", "visit", {**_VISIT, "hour": "late"}),
    _bad("event.id has to be a UUID", "visit", {**_VISIT, "id": "7"}),
    _bad("event.price has to be a decimal number", "visit", {**_VISIT, "price": "much"}),
    _bad("event.price has to be a decimal number", "visit", {**_VISIT, "price": "NaN"}),
    Event("known", b"1", [True, "remaining", "Context"]),
    _order({"name": "a.png", "bucket": "pictures", "region": "none", "notified": [], "known": True}, "tidy",
           name="a.png", sizes=[]),
    Event("tidy", b'{"name": "bad.png", "sizes": []}', failure=("OutOfSpaceError", "no room for it")),
    _order({"name": "b.png", "bucket": "pictures", "region": "none", "notified": ["no room for it"], "known": True},
           "tidy", name="b.png", sizes=[]),
    _bad("event lacks 'sizes'", "tidy", {"name": "a.png"}),
)  # fmt: skip
FUNCTIONS = tuple(dict.fromkeys(event.function for event in EVENTS))
