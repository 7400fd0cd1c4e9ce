"""Handlers that run anywhere; the tests run this one file in every runtime, and copy it for older Pythons."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Tuple, TypedDict, Union

from fcall.handlers import Handler, handler

if TYPE_CHECKING:
    from fcall.handlers import Context


class Fit(enum.Enum):
    CROP = "crop"
    PAD = "pad"


@dataclasses.dataclass
class Size:
    width: int
    height: Optional[int] = None
    ratio: float = 1.0


@dataclasses.dataclass
class Order:
    name: str
    sizes: List[Size]
    fit: Fit = Fit.CROP
    mode: Literal["fast", "good"] = "good"
    quality: Union[int, str] = 80
    corner: Tuple[int, int] = (0, 0)
    tags: Dict[str, str] = dataclasses.field(default_factory=dict)
    parent: Optional[Order] = None
    done: bool = dataclasses.field(default=False, init=False)


@dataclasses.dataclass
class Visit:
    at: datetime.datetime
    day: datetime.date
    hour: datetime.time
    id: uuid.UUID
    price: decimal.Decimal


class Base(TypedDict):
    city: str


class Place(Base, total=False):
    zip: str
    size: Size


class OutOfSpaceError(Exception):
    pass


Point = collections.namedtuple("Point", "x y")
CIRCLE: list = []
CIRCLE.append(CIRCLE)


async def later():
    return 1


MADE = {
    "none": None,
    "tuple": (1, "a", (2,)),
    "named tuple": Point(1, 2),
    "integer keys": {1: "a", 2.5: "b", None: "d"},
    "record": Size(3),
    "records": [Order("a.png", [Size(1, 2)])],
    "enum": Fit.PAD,
    "date": datetime.date(2026, 11, 21),
    "moment": datetime.datetime(2026, 11, 21, 9, 30, tzinfo=datetime.timezone.utc),
    "time": datetime.time(9, 30),
    "uuid": uuid.UUID(int=7),
    "decimal": decimal.Decimal("1.10"),
    "whole decimal": decimal.Decimal("3.0"),
    "long whole decimal": decimal.Decimal("12345678901234567890"),
    "long decimal": decimal.Decimal("1.12345678901234567890"),
    "decimal of no number": decimal.Decimal("NaN"),
    "bytes": b'{"as": "it is"}',
    "bytes inside": [b"a"],
    "set": {1},
    "nan": float("nan"),
    "infinity": [float("inf")],
    "lone surrogate": "\ud800",
    "circle": CIRCLE,
    "object": object(),
    "line separators": "\u2028\u2029",
}


@handler
def echo(event, ctx):
    return event


@handler
def make(event, ctx):
    return MADE[event]


@handler
def fail(event, ctx):
    if event == "of its own":
        raise OutOfSpaceError("the disk is full")
    return {"answer": 1 / event["by"]}


@handler
def order(event: Order, ctx: Context) -> Order:
    event.done = True
    return event


@handler
def orders(event: List[Order], ctx: Context) -> Any:
    return [type(each).__name__ for each in event]


@handler
def place(event: Place, ctx: Context) -> Place:
    return event


@handler
def visit(event: Visit, ctx: Context) -> Visit:
    assert isinstance(event.at, datetime.datetime)
    assert isinstance(event.id, uuid.UUID)
    assert isinstance(event.price, decimal.Decimal)
    return event


@handler
def known(event, ctx):
    """What is equal everywhere of what the context tells."""
    return [bool(ctx.request_id), "remaining" if (ctx.remaining_seconds() or 1) > 0 else "late", type(ctx).__name__]


@handler
def told(event, ctx):
    """What differs."""
    left = ctx.remaining_seconds()
    return {
        "platform": ctx.platform,
        "request_id": ctx.request_id,
        "function_name": ctx.function_name,
        "version": ctx.version,
        "invoker_context": ctx.invoker_context,
        "trace_context": ctx.trace_context,
        "remaining": None if left is None else 0 < left <= 60,
    }


NOTIFIED: list = []


class Tidy(Handler):
    event: Order

    def execute(self):
        if self.event.name == "bad.png":
            raise OutOfSpaceError("no room for it")
        return {
            "name": self.event.name,
            "bucket": self.config.get("bucket", "none"),
            "region": self.config.get("region", "none"),
            "notified": [str(error) for error in NOTIFIED],
            "known": bool(self.context.request_id),
        }


tidy = Tidy.entry_point(config={"bucket": "pictures"}, notify=NOTIFIED.append)
