"""What is seen of one invocation, and what is made equal before it is compared."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path

import fcall

MADE_EQUAL = (
    ("Request ids and times", "They are random, or of the moment."),
    (
        "The runtime's own frames",
        "Where a traceback shows code of the runtime itself, its file, line and function are the runtime's. In an "
        "answer they count as one; in the log of a process that ends they are left out.",
    ),
    (
        "The number in `[Previous line repeated … more times]`",
        "How much of the stack is left to a function depends on what runs below it.",
    ),
    (
        "The advice before a load failure",
        "The real runtime logs a paragraph of advice, beginning with `LAMBDA_WARNING`, before it logs the failure.",
    ),
)

_RUNTIMES = (str(Path(fcall.__file__).parent) + "/", "/awslambdaric/")
_STARTERS = ("<frozen runpy>", "<string>")
_FRAME = re.compile(r'\s*File "(?P<file>[^"]*)", line \d+, in .*', re.DOTALL)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_REPEATED = re.compile(r"(?<=\[Previous line repeated )\d+")
_ADVICE = re.compile(r".*LAMBDA_WARNING(.|\r)*?\r\n")
_LONGEST_LOG = 2_000


@dataclass(frozen=True)
class Seen:
    """What the caller of a function gets, and what becomes of its process.

    Attributes:
        payload: the answer, or the error document.
        error_type: the name of the failure, or an empty text.
        error_message: its words, or an empty text.
        stack: its frames.
        lived: whether the process serves the next event; None where it is the caller's.
        log: what the function and its runtime wrote; None where it was not captured.
    """

    payload: bytes
    error_type: str = ""
    error_message: str = ""
    stack: tuple[str, ...] = ()
    lived: bool | None = None
    log: str | None = None

    def differing(self, other: Seen) -> frozenset[str]:
        """The fields that differ; what one of the two has not seen does not count."""
        pairs = ((field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return frozenset(name for name, here, there in pairs if here != there and None not in (here, there))


def seen(
    payload: bytes,
    error_type: str,
    error_message: str,
    stack: tuple[str, ...],
    request_id: str,
    lived: bool | None,
    log: str | None,
) -> Seen:
    """What was seen, with the differences taken out that mean nothing."""
    return Seen(
        _plain_payload(payload, stack).replace(request_id.encode(), b"ID"),
        error_type,
        error_message.replace(request_id, "ID"),
        _plain_stack(stack),
        lived,
        None if log is None else _plain_log(_plain_json(log, stack)).replace(request_id, "ID"),
    )


def document(payload: bytes) -> tuple[str, str, tuple[str, ...]]:
    """The type, the message and the frames in an error document."""
    told = json.loads(payload.decode(errors="replace"))
    return told["errorType"], told["errorMessage"], tuple(told.get("stackTrace", ()))


def _is_of_a_runtime(file: str) -> bool:
    return file in _STARTERS or any(part in file for part in _RUNTIMES)


def _plain_frame(frame: str) -> str:
    found = _FRAME.match(frame)
    return "<runtime>" if found and _is_of_a_runtime(found["file"]) else _REPEATED.sub("N", frame)


def _plain_stack(stack: tuple[str, ...]) -> tuple[str, ...]:
    plain = [_plain_frame(frame) for frame in stack]
    return tuple(f for i, f in enumerate(plain) if f != "<runtime>" or plain[i - 1 : i] != [f])


def _plain_payload(payload: bytes, stack: tuple[str, ...]) -> bytes:
    return _plain_json(payload.decode(errors="surrogateescape"), stack).encode(errors="surrogateescape")


def _plain_json(text: str, stack: tuple[str, ...]) -> str:
    """The text, with plain frames where it has them in JSON, and every other character as it was."""
    for frame in set(stack):
        for ascii_only in (True, False):
            text = text.replace(json.dumps(frame, ensure_ascii=ascii_only), json.dumps(_plain_frame(frame)))
    return re.sub(r'("<runtime>")(, "<runtime>")+', r"\1", text)


def _plain_log(log: str) -> str:
    """The end of a log; in the middle of a frame, it is cut at the next line."""
    log = _TIME.sub("TIME", _ADVICE.sub("", log))
    log = _REPEATED.sub("N", "".join(_plain_lines(log)))
    return log.removesuffix("\n")[-_LONGEST_LOG:]


def _plain_lines(log: str) -> list[str]:
    """The lines without those of the runtime's own frames, which are followed by source lines indented further."""
    kept: list[str] = []
    inside = False
    for line in re.findall(r"[^\r\n]*[\r\n]+|[^\r\n]+", log):
        text = line.replace("\u00a0", " ").removeprefix("  | ")  # how a group's traceback begins its lines
        found, deeper = _FRAME.match(text), text.startswith("    ")
        inside = _is_of_a_runtime(found["file"]) if found else inside and deeper
        if not inside:
            kept.append(line)
    return kept
