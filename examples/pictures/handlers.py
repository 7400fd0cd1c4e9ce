"""Two functions of the service `images`: `resize` makes a picture smaller, and calls `store` to keep it."""

import json
import math
import tempfile
from pathlib import Path

import fcall

client = fcall.Client(Path(__file__).with_name("fcall.toml"))


def resize(event, context):
    """Leave out columns and rows until the picture is at most `width` wide."""
    order = decoded(event)
    step = math.ceil(len(order["rows"][0]) / order["width"])
    rows = [row[::step] for row in order["rows"][::step]]
    return client.invoke("images/store", {"name": order["name"], "rows": rows}).json()


def store(event, context):
    """Write the picture as a PGM file, into the one folder that a function may write to."""
    picture = decoded(event)
    rows = picture["rows"]
    lines = ["P2", f"{len(rows[0])} {len(rows)}", "255", *(" ".join(map(str, row)) for row in rows)]
    path = Path(tempfile.gettempdir(), Path(picture["name"]).name)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return {"stored": picture["name"], "width": len(rows[0]), "height": len(rows)}


def decoded(event):
    """The event as a value: AWS Lambda has decoded it, and Function Compute hands over the bytes."""
    return json.loads(event) if isinstance(event, bytes) else event
