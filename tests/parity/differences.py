"""Every way in which the local provider answers otherwise on purpose."""

from __future__ import annotations

from dataclasses import replace

from parity.case import ERROR, LOG, PAYLOAD, STACK, Difference

_ALL = frozenset({PAYLOAD, *ERROR})

NOT_JSON = Difference(
    "An event that is not JSON is refused with `InvalidPayloadError`, as the service's front end refuses it before "
    "the runtime sees it.",
    _ALL,
)
CHECKED = Difference(
    "The `custom` of an invoker context is an object, and the call is refused with `InvalidParamsError` where it is "
    "not.",
    frozenset({PAYLOAD, ERROR[0]}),
)
OTHER_KEYS = Difference(
    "The invoker context is carried whole: keys beside `custom`, `env`, `client` and `w3c` are attributes of "
    "`client_context`, where Lambda drops them. A provider that would drop them refuses them.",
    frozenset({PAYLOAD, *ERROR, STACK, LOG}),
)

BOTH_ERRORS = Difference(
    "Where the runtime fails in reporting an error, and so ends, its log tells of both errors; the real one tells of "
    "the second.",
    frozenset({LOG}),
)
REFUSED_ANSWER = Difference(
    "The real runtime logs that its answer was refused as too large, before it ends.", frozenset({LOG})
)
NO_CREDENTIALS = Difference(
    "A function has no credentials of a role, and no Runtime API: their variables are not set, nor inherited unless "
    "named in `pass_environment`.",
    frozenset({PAYLOAD}),
)
OWN_ARGUMENTS = Difference(
    "`sys.argv` and the module `__main__` are those of the process that the runtime runs in, here the worker's.",
    frozenset({PAYLOAD}),
)
OWN_STREAMS = Difference(
    "`sys.stdout` and `sys.stderr` are Python's own streams, not the runtime's wrappers of them: `write` returns the "
    "number of characters, and a `print` that fails has one frame less.",
    frozenset({PAYLOAD}),
)
OWN_STREAMS_IN_A_TRACE = replace(OWN_STREAMS, aspects=frozenset({PAYLOAD, STACK, LOG}))

BY_THE_PROCESS = "It ends the process that it runs in, which inline is the caller's."
INTERRUPT = "On the main thread, it is the caller's own Ctrl-C, and gets through."
KEEPS = Difference(
    "After what would have ended the process, or timed out, the module's globals are as they were: the process is the"
    " caller's, and goes on.",
    frozenset({PAYLOAD}),
)
SURROGATE = Difference(
    "Up to Python 3.11, an error message with a lone surrogate is answered; it is in writing the log that the real "
    "process ends, and inline there is none.",
    frozenset({PAYLOAD, *ERROR, STACK}),
    below=(3, 12),
)


NEVER_AWAITED = Difference(
    "Python's warning that a coroutine was never awaited comes after the answer, too late for this invocation's log.",
    frozenset({LOG}),
)


READABLE = Difference(
    "From Python 3.12 on, the real runtime cannot report a load failure with words beyond ASCII: up to U+00FF its "
    "document is not UTF-8, and beyond that it ends instead. Here such a failure is reported as every other.",
    frozenset({PAYLOAD, *ERROR, STACK, LOG}),
    since=(3, 12),
)
READABLE_LATIN = replace(READABLE, aspects=frozenset({PAYLOAD, ERROR[1], STACK}))
NAMES = Difference(
    "A handler is named `path/to/file.py:function` or `package.module:function`, and what is named otherwise, or a "
    "file that is not there, is refused with `InvalidParamsError` or `FunctionNotFoundError` before anything is "
    "loaded.",
    frozenset({PAYLOAD, *ERROR}),
)
OWN_NAME = Difference(
    "Inline, a file is imported under a name of its own, so that it is not taken for a module of the caller's.",
    frozenset({PAYLOAD, *ERROR}),
)
OWN_NAME_ALONE = replace(OWN_NAME, aspects=frozenset({PAYLOAD}))
