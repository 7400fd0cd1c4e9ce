"""The supervisor: a small process that outlives its parent by a moment, to take the parent's workers with it.

It is run as a script, on the standard library alone. On its standard input it is told which process groups there are
(``+123``) and which are gone (``-123``); when the input ends, the parent is dead, and so are the groups.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    """Watch until the input ends, then kill what is left."""
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        if line[:1] == b"+":
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
