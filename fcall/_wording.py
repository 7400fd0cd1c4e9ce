"""Words for messages: other people's text made safe, and the nearest valid spelling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["a_kind", "listed", "nearest", "quoted"]


def quoted(text: str, longest: int = 500) -> str:
    """Somebody else's words made safe for a message: one line, printable, at most `longest` characters."""
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def nearest(given: Any, accepted: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the accepted spelling that is closest to `given`, or an empty text."""
    import difflib  # only a mistake needs it

    if not issubclass(type(given), str):  # isinstance would ask the object, which may be anything
        return ""
    plain = {name.casefold().replace("_", "").replace("-", ""): name for name in accepted}
    close = difflib.get_close_matches(given[:100].casefold().replace("_", "").replace("-", ""), plain, 1)
    return f" (did you mean {plain[close[0]]!r}?)" if close else ""


def a_kind(value: object) -> str:
    """``a str`` or ``an int``: the kind of a value, for a message that must not show the value."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"


def listed(names: Iterable[str]) -> str:
    """Names in a row for a message, or ``none``."""
    return ", ".join(quoted(name, 100) for name in sorted(names)) or "none"
