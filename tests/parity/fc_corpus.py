"""What Function Compute's Python runtime does with a handler, outcome by outcome.

The vendor documents some of it, and some was observed of the code that its runtime starts a function with. There is no
runtime on a package index to ask again, so the outcomes stand here in full.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fcall.errors import FunctionCrashedError, FunctionError, FunctionLoadError, FunctionResponseError

_MODULES = """\
import asyncio, collections, datetime, decimal, enum, json, logging, os, sys
logger = logging.getLogger()
"""
_EXITED = "Process exited unexpectedly before completing request"


@dataclass(frozen=True)
class FCCase:
    """One handler and what its caller gets.

    Attributes:
        about: what the case is about.
        what: what the handler does, for the page.
        code: the module that it is in.
        answer: the payload; None where the call fails.
        event: the event.
        error: the class of the error.
        error_type: its type, in the runtime's words.
        error_message: its words.
        ends: whether it may only be run in a process of its own, since it ends it.
    """

    about: str
    what: str
    code: str
    answer: bytes | None = None
    event: bytes = b'{"a": 1}'
    error: type[FunctionError] = FunctionError
    error_type: str = ""
    error_message: str = ""
    ends: bool = False

    @property
    def gives(self) -> str:
        """What the caller gets, for the page: JSON on one line."""
        if self.answer is None:
            words = f": {self.error_message}" if self.error_message else ""
            return f"`{self.error.__name__}`, {self.error_type}{words}"
        shown = re.sub(r"\n *", " ", self.answer.decode(errors="backslashreplace"))
        return f"`{''.join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)}`" if shown else "nothing"


def _returns(expression: str, answer: str | bytes, event: bytes = b'{"a": 1}') -> FCCase:
    code = f"{_MODULES}def handler(event, context):\n    return {expression}\n"
    raw = answer if isinstance(answer, bytes) else answer.encode()
    return FCCase("return value", f"`return {expression}`", code, raw, event)


def _receives(event: bytes, what: str) -> FCCase:
    code = "def handler(event, context):\n    return [type(event).__name__, ascii(event)]\n"
    shown = ascii(event).replace("\\", "\\\\").replace('"', '\\"')
    answer = f'[\n    "bytes",\n    "{shown}"\n]'.encode()
    return FCCase("event", f"is called with {what}", code, answer, event)


def _cannot(expression: str, error_type: str, error_message: str) -> FCCase:
    code = f"{_MODULES}def handler(event, context):\n    return {expression}\n"
    what = f"`return {expression}`"
    return FCCase(
        "return value", what, code, error=FunctionResponseError, error_type=error_type, error_message=error_message
    )


def _raises(statement: str, error_type: str, error_message: str, before: str = "") -> FCCase:
    code = f"{_MODULES}{before}def handler(event, context):\n    {statement}\n"
    return FCCase("exception", f"`{statement}`", code, error_type=error_type, error_message=error_message)


def _ends(statement: str, *, ends: bool = False) -> FCCase:
    code = f"{_MODULES}def handler(event, context):\n    {statement}\n"
    return FCCase(
        "end of the process",
        f"`{statement}`",
        code,
        error=FunctionCrashedError,
        error_type="UnhandledInvocationError",
        error_message=_EXITED,
        ends=ends,
    )


def _loads(what: str, code: str, error_type: str, error_message: str) -> FCCase:
    return FCCase("load", what, code, error=FunctionLoadError, error_type=error_type, error_message=error_message)


def _context(expression: str, value: Any) -> FCCase:
    code = f"{_MODULES}def handler(event, context):\n    return {expression}\n"
    return FCCase("context", f"`return {expression}`", code, json.dumps(value, indent=4).encode())


def _not_json(kind: str) -> str:
    return f"Object of type {kind} is not JSON serializable"


def _cases() -> Iterator[FCCase]:
    yield _receives(b"", "no payload")
    yield _receives(b'{"a": 1}', "JSON, which stays text")
    yield _receives(b"not json \xff\x00", "any bytes")
    yield _receives("zażółć".encode(), "UTF-8")
    yield _returns("None", "null")
    yield _returns("True", "true")
    yield _returns("0", "0")
    yield _returns("1.5", "1.5")
    yield _returns("10**30", "1" + "0" * 30)
    yield _returns("''", "")
    yield _returns("'text'", "text")
    yield _returns("'zażółć'", "zażółć")
    yield _returns("'\\x00'", "\x00")
    yield _returns("b''", b"")
    yield _returns("b'raw'", b"raw")
    yield _returns("event", b"as it came", b"as it came")
    yield _returns("event", b"\x80", b"\x80")
    yield _returns("type('Sub', (str,), {})('sub')", "sub")
    yield _returns("{}", "{}")
    yield _returns("[]", "[]")
    yield _returns("(1, (2,))", "[\n    1,\n    [\n        2\n    ]\n]")
    yield _returns("{'b': 1, 'a': {'d': 2}}", '{\n    "a": {\n        "d": 2\n    },\n    "b": 1\n}')
    yield _returns("{'ż': '🐢'}", '{\n    "\\u017c": "\\ud83d\\udc22"\n}')
    yield _returns("['\\ud800']", '[\n    "\\ud800"\n]')
    yield _returns("{1: 'a', 2: 'b'}", '{\n    "1": "a",\n    "2": "b"\n}')
    yield _returns("{None: 1}", '{\n    "null": 1\n}')
    yield _returns("{True: 1, False: 0}", '{\n    "false": 0,\n    "true": 1\n}')
    yield _returns("float('nan')", "NaN")
    yield _returns("[float('inf'), -float('inf')]", "[\n    Infinity,\n    -Infinity\n]")
    yield _returns("collections.namedtuple('P', 'x y')(1, 2)", "[\n    1,\n    2\n]")
    yield _returns("collections.OrderedDict(b=1, a=2)", '{\n    "a": 2,\n    "b": 1\n}')
    yield _returns("decimal.Decimal('1.10')", "1.1")
    yield _returns("[decimal.Decimal('NaN')]", "[\n    NaN\n]")
    yield _returns("datetime.date(2026, 1, 2)", '"2026-01-02"')
    yield _returns("{'at': datetime.datetime(2026, 1, 2, 3, 4, 5)}", '{\n    "at": "2026-01-02T03:04:05"\n}')
    yield _returns("type('T', (), {'to_json': lambda self: {'a': 1}})()", '{\n    "a": 1\n}')
    yield _returns("[type('T', (), {'to_json': lambda self: decimal.Decimal(2)})()]", "[\n    2.0\n]")
    yield _returns("enum.IntEnum('N', 'A').A", "1")
    yield _cannot("bytearray(b'a')", "TypeError", _not_json("bytearray"))
    yield _cannot("{1}", "TypeError", _not_json("set"))
    yield _cannot("(n for n in range(3))", "TypeError", _not_json("generator"))
    yield _cannot("[b'inside']", "TypeError", _not_json("bytes"))
    yield _cannot("object()", "TypeError", _not_json("object"))
    yield _cannot("datetime.time(1)", "TypeError", _not_json("time"))
    yield _cannot("{1: 2, 'a': 3}", "TypeError", "'<' not supported between instances of 'str' and 'int'")
    yield _cannot("{(1, 2): 3}", "TypeError", "keys must be str, int, float, bool or None, not tuple")
    yield _cannot("(lambda ring: ring.append(ring) or ring)([])", "ValueError", "Circular reference detected")
    yield _cannot(
        "'\\ud800'",
        "UnicodeEncodeError",
        "'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed",
    )
    yield FCCase(
        "return value",
        "is an `async def`",
        "async def handler(event, context):\n    return 1\n",
        error=FunctionResponseError,
        error_type="TypeError",
        error_message=_not_json("coroutine"),
    )
    yield _raises("raise ValueError('wrong')", "ValueError", "wrong")
    yield _raises("raise ValueError", "ValueError", "")
    yield _raises("raise ValueError('a', 2)", "ValueError", "('a', 2)")
    yield _raises("{}['missing']", "KeyError", "'missing'")
    yield _raises("1 / 0", "ZeroDivisionError", "division by zero")
    yield _raises("raise Own('zażółć')", "Own", "zażółć", "class Own(Exception): pass\n")
    yield _raises("raise ValueError('b') from KeyError('a')", "ValueError", "b")
    yield _raises("raise TimeoutError('mine')", "TimeoutError", "mine")
    yield _raises("raise ExceptionGroup('g', [ValueError()])", "ExceptionGroup", "g (1 sub-exception)")
    yield _raises("json.loads('')", "JSONDecodeError", "Expecting value: line 1 column 1 (char 0)")
    yield _ends("sys.exit()")
    yield _ends("sys.exit(3)")
    yield _ends("raise GeneratorExit")
    yield _ends("raise asyncio.CancelledError")
    yield _ends("os._exit(0)", ends=True)
    yield _ends("os.abort()", ends=True)
    yield _ends("os.kill(os.getpid(), 9)", ends=True)
    yield _loads("is not there", "x = 1\n", "HandlerNotFound", "Handler 'handler' is missing on module 'm'")
    yield _loads(
        "is in a module that imports what is not there",
        "import there_is_no_such_module\n",
        "ImportModuleError",
        "Unable to import module 'm'",
    )
    yield _loads(
        "is in a module with a syntax error", "def handler(\n", "UserCodeSyntaxError", "Syntax error in module 'm'"
    )
    yield _loads(
        "is in a module that raises",
        "raise ValueError('at import')\n",
        "UserCodeError",
        "Module initialization error: 'at import'",
    )
    yield _context("type(context.request_id) is str and context.request_id == context.requestId", True)
    yield _context("[context.credentials.access_key_id, context.credentials.accessKeyId]", ["", ""])
    yield _context("[context.credentials.access_key_secret, context.credentials.accessKeySecret]", ["", ""])
    yield _context("[context.credentials.security_token, context.credentials.securityToken]", ["", ""])
    yield _context("[context.function.name, context.function.handler]", ["handler", "m.handler"])
    yield _context("[context.function.memory, context.function.timeout]", [128, "60"])
    yield _context("[context.service.name, context.service.qualifier]", ["", "LATEST"])
    yield _context("[context.service.log_project, context.service.log_store]", ["", ""])
    yield _context("[context.service.version_id]", [""])
    yield _context("[context.region, context.account_id, context.retry_count]", ["local", "0", 0])
    yield _context("[context.tracing.span_context, context.tracing.jaeger_endpoint]", [None, None])
    yield _context("context.tracing.span_baggages", {})
    yield _context("context.logger", None)
    yield _context("[context.getLogger() is logging.getLogger()]", [True])
    yield _context("list(json.loads(context.to_json())['function'])", ["name", "handler", "memory", "timeout"])
    yield _context("'credentials' in context.to_json()", False)


FC_CASES = tuple(_cases())
