"""The application: it has a picture made smaller and stored."""

from pathlib import Path

import fcall

STRIPES = [[0, 255] * 64] * 96

with fcall.Client(Path(__file__).with_name("fcall.toml")) as client:
    try:
        result = client.invoke("images/resize", {"name": "stripes.pgm", "rows": STRIPES, "width": 32}, timeout=10)
        print("{stored}: {width} x {height}".format(**result.json()))
    except fcall.FcallError as error:
        print(error)
