"""Two functions of the service `images`: `resize` makes a picture smaller, and calls `store` to keep it."""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import fcall
from fcall.handlers import Context, handler

client = fcall.Client(Path(__file__).with_name("fcall.toml"))


@dataclass
class Picture:
    """A picture in shades of grey, from 0 to 255."""

    name: str
    rows: list[list[int]]


@dataclass
class Order(Picture):
    """A picture, and how wide it may be."""

    width: int


@handler
def resize(order: Order, ctx: Context):
    """Leave out columns and rows until the picture is at most `width` wide."""
    step = math.ceil(len(order.rows[0]) / order.width)
    rows = [row[::step] for row in order.rows[::step]]
    return client.invoke("images/store", {"name": order.name, "rows": rows}).json()


@handler
def store(picture: Picture, ctx: Context):
    """Write the picture as a PGM file, into the one folder that a function may write to."""
    rows = picture.rows
    lines = ["P2", f"{len(rows[0])} {len(rows)}", "255", *(" ".join(map(str, row)) for row in rows)]
    path = Path(tempfile.gettempdir(), Path(picture.name).name)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return {"stored": picture.name, "width": len(rows[0]), "height": len(rows)}
