"""The faults that are ready-made, in the order in which a call meets them."""

from __future__ import annotations

from fcall.testing.faults import _sends as sends
from fcall.testing.faults._fault import End, Fault, Stage
from fcall.testing.faults._response import Response

__all__ = ["FAULTS"]

_PACE = 0.05
_HTML = b"<!DOCTYPE html>\n<html><head><title>Gateway</title></head><body><h1>Gateway</h1></body></html>\n"
_HTML_TYPE = (("Content-Type", "text/html; charset=utf-8"),)
_JSON_TYPE = (("Content-Type", "application/json"),)
_TLS_ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal, handshake_failure (RFC 8446, 6)
_TLS_RECORD = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"  # a server's hello that says it has 16 KiB
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
_STRAY = Response(408, (("Connection", "close"), *_HTML_TYPE), _HTML)
_TOO_LARGE = Response(413, (("Connection", "close"), *_JSON_TYPE), b'{"message": "too large"}')


def _html(status: int) -> sends.Send:
    return sends.canned(Response(status, _HTML_TYPE, _HTML))


def _redirect(location: str) -> sends.Send:
    return sends.canned(Response(307, (("Location", location),)))


_CONNECTING = (
    Fault("REFUSED", Stage.CONNECT, End.RESET),
    Fault("BLACK_HOLE", Stage.CONNECT, End.HANG),
    Fault("CLOSE_ON_ACCEPT", Stage.ACCEPT, End.CLOSE),
    Fault("RESET_ON_ACCEPT", Stage.ACCEPT, End.RESET),
    Fault("HANG_ON_ACCEPT", Stage.ACCEPT, End.HANG),
    Fault("TLS_CLOSE", Stage.HANDSHAKE, End.CLOSE),
    Fault("TLS_RESET", Stage.HANDSHAKE, End.RESET),
    Fault("TLS_HANG", Stage.HANDSHAKE, End.HANG),
    Fault("TLS_ALERT", Stage.HANDSHAKE, End.CLOSE, sends=sends.fixed(_TLS_ALERT)),
    Fault("TLS_PLAIN_HTTP", Stage.HANDSHAKE, End.CLOSE, sends=_html(400)),
    Fault("TLS_TRICKLE", Stage.HANDSHAKE, End.HANG, sends=sends.trickled(_TLS_RECORD), pace=_PACE),
    Fault("TLS_SLOW", Stage.HANDSHAKE, delivers=True, executes=True, sends=sends.pause, pace=0.5),
    Fault("TLS_UNTRUSTED", Stage.HANDSHAKE, certificate="untrusted"),
    Fault("TLS_WRONG_NAME", Stage.HANDSHAKE, certificate="misnamed"),
    Fault("TLS_EXPIRED", Stage.HANDSHAKE, certificate="expired"),
)

_REQUEST = (
    Fault("CLOSE_REUSED", Stage.REUSE, End.CLOSE),
    Fault("RESET_REUSED", Stage.REUSE, End.RESET),
    Fault("CLOSE_IN_REQUEST_HEAD", Stage.START, End.CLOSE),
    Fault("RESET_IN_REQUEST_HEAD", Stage.START, End.RESET),
    Fault("CLOSE_IN_REQUEST_BODY", Stage.HEAD, End.CLOSE),
    Fault("RESET_IN_REQUEST_BODY", Stage.HEAD, End.RESET),
    Fault("HANG_IN_REQUEST_BODY", Stage.HEAD, End.HANG),
    Fault("EARLY_ANSWER", Stage.HEAD, End.CLOSE, sends=sends.canned(_TOO_LARGE)),
    Fault("EARLY_ANSWER_RESET", Stage.HEAD, End.RESET, sends=sends.canned(_TOO_LARGE)),
)

_NO_ANSWER = (
    Fault("CLOSE_BEFORE_RUN", end=End.CLOSE),
    Fault("RESET_BEFORE_RUN", end=End.RESET),
    Fault("HANG_BEFORE_RUN", end=End.HANG),
    Fault("CLOSE_BEFORE_ANSWER", end=End.CLOSE, executes=True),
    Fault("RESET_BEFORE_ANSWER", end=End.RESET, executes=True),
    Fault("HANG_BEFORE_ANSWER", end=End.HANG, executes=True),
    Fault("ONLY_CONTINUE", end=End.CLOSE, sends=sends.fixed(_CONTINUE)),
    Fault("ENDLESS_CONTINUE", end=End.HANG, executes=True, sends=sends.endless(_CONTINUE), pace=_PACE),
    Fault("GARBAGE", end=End.CLOSE, sends=sends.fixed(bytes(range(256)) * 4)),
)

_HEAD = (
    Fault("CLOSE_IN_HEAD", end=End.CLOSE, executes=True, sends=sends.half_head),
    Fault("RESET_IN_HEAD", end=End.RESET, executes=True, sends=sends.half_head),
    Fault("HANG_IN_HEAD", end=End.HANG, executes=True, sends=sends.half_head),
    Fault("SLOW_HEAD", executes=True, delivers=True, sends=sends.slow_answer, pace=_PACE),
    Fault("ENDLESS_HEAD", end=End.HANG, executes=True, sends=sends.endless_head),
    Fault("HUGE_HEADER", executes=True, sends=sends.huge_header),
    Fault("MANY_HEADERS", executes=True, sends=sends.many_headers),
    Fault("NO_COLON", executes=True, sends=sends.headers_without_colon),
    Fault(
        "BAD_STATUS", end=End.CLOSE, executes=True, sends=sends.fixed(b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n")
    ),
    Fault("ODD_STATUS", sends=sends.canned(Response(999))),
    Fault(
        "SWITCHED_PROTOCOLS", end=End.CLOSE, sends=sends.fixed(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x00\x01\x02")
    ),
    Fault("CONTINUE_FIRST", executes=True, delivers=True, sends=sends.before(_CONTINUE)),
    Fault("HINTS_FIRST", executes=True, sends=sends.before(_HINTS)),
    Fault("HTTP_1_0", end=End.CLOSE, executes=True, delivers=True, sends=sends.old_version),
)

_LENGTH = (
    Fault("TWO_LENGTHS", end=End.CLOSE, executes=True, sends=sends.two_lengths),
    Fault("SAME_LENGTH_TWICE", executes=True, delivers=True, sends=sends.same_length_twice),
    Fault("NEGATIVE_LENGTH", end=End.CLOSE, executes=True, sends=sends.framed("Content-Length: -1")),
    Fault("LENGTH_IN_WORDS", end=End.CLOSE, executes=True, sends=sends.framed("Content-Length: seven")),
    Fault("LENGTH_TOO_LONG", end=End.CLOSE, executes=True, sends=sends.length_off_by(16)),
    Fault("LENGTH_TOO_SHORT", executes=True, sends=sends.length_off_by(-1)),
    Fault("LENGTH_AND_CHUNKS", end=End.CLOSE, executes=True, sends=sends.length_and_chunks),
)

_BODY = (
    Fault("CLOSE_IN_BODY", end=End.CLOSE, executes=True, sends=sends.half_body),
    Fault("RESET_IN_BODY", end=End.RESET, executes=True, sends=sends.half_body),
    Fault("HANG_IN_BODY", end=End.HANG, executes=True, sends=sends.half_body),
    Fault("SLOW_BODY", executes=True, delivers=True, sends=sends.slow_body, pace=_PACE),
    Fault("CLOSE_IN_CHUNK", end=End.CLOSE, executes=True, sends=sends.half_chunk),
    Fault("RESET_IN_CHUNK", end=End.RESET, executes=True, sends=sends.half_chunk),
    Fault("HANG_IN_CHUNK", end=End.HANG, executes=True, sends=sends.half_chunk),
    Fault("NO_LAST_CHUNK", end=End.CLOSE, executes=True, sends=sends.no_last_chunk),
    Fault("BAD_CHUNK", end=End.CLOSE, executes=True, sends=sends.bad_chunk),
    Fault("UNFRAMED", end=End.CLOSE, executes=True, delivers=True, sends=sends.unframed),
    Fault("CLOSE_IN_UNFRAMED", end=End.CLOSE, executes=True, sends=sends.half_unframed),
    Fault("RESET_IN_UNFRAMED", end=End.RESET, executes=True, sends=sends.half_unframed),
    Fault("BARE_BODY", end=End.CLOSE, executes=True, sends=sends.bare_body),
    Fault("LOST_BODY", executes=True, sends=sends.no_body),
    Fault("MALFORMED_JSON", executes=True, sends=sends.other_body(b'{"answer": [1, 2')),
    Fault("NOT_UTF8", executes=True, sends=sends.other_body(b'{"answer": "\xff\xfe"}')),
    Fault("BIG_BODY", executes=True, sends=sends.big_body),
    Fault("ENDLESS_BODY", end=End.HANG, executes=True, sends=sends.endless_body),
    Fault("GZIP_BOMB", executes=True, sends=sends.gzip_bomb),
)

_OTHERS = (
    Fault("EMPTY_200", sends=sends.canned(Response(200))),
    Fault("HTML_200", sends=_html(200)),
    Fault("HTML_403", sends=_html(403)),
    Fault("HTML_502", sends=_html(502)),
    Fault("HTML_503", sends=_html(503)),
    Fault("HTML_504", sends=_html(504)),
    Fault("HTML_502_AFTER_RUN", executes=True, sends=_html(502)),
    Fault("HTML_504_AFTER_RUN", executes=True, sends=_html(504)),
    Fault("EMPTY_500", sends=sends.canned(Response(500))),
    Fault("EMPTY_500_AFTER_RUN", executes=True, sends=sends.canned(Response(500))),
    Fault("LIST_500", sends=sends.canned(Response(500, _JSON_TYPE, b"[1]"))),
    Fault("NOT_UTF8_500", sends=sends.canned(Response(500, _JSON_TYPE, b'{"message": "\xff\xfe"}'))),
    Fault("REDIRECT_TO_ITSELF", sends=_redirect("?again")),
    Fault("REDIRECT_ELSEWHERE", sends=_redirect("http://localhost:9/")),
)

_AFTERWARDS = (
    Fault("CLOSE_WHEN_IDLE", end=End.CLOSE, executes=True, delivers=True, sends=sends.healthy),
    Fault("RESET_WHEN_IDLE", end=End.RESET, executes=True, delivers=True, sends=sends.after(b""), pace=_PACE),
    Fault("STRAY_ANSWER", executes=True, delivers=True, sends=sends.after(b"".join(_STRAY.wire())), pace=0.02),
    Fault(
        "STRAY_ANSWER_THEN_CLOSE",
        end=End.CLOSE,
        executes=True,
        delivers=True,
        sends=sends.after(b"".join(_STRAY.wire())),
        pace=0.02,
    ),
)

FAULTS = (*_CONNECTING, *_REQUEST, *_NO_ANSWER, *_HEAD, *_LENGTH, *_BODY, *_OTHERS, *_AFTERWARDS)
"""Every ready-made fault, each of which is also an attribute of `Fault`."""

for _fault in FAULTS:
    setattr(Fault, _fault.name, _fault)
