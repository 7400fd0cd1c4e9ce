"""The part of the corpus that is about loading: handlers of every kind, and those that cannot be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parity.case import Case, Function
from parity.differences import (
    BOTH_ERRORS,
    BY_THE_PROCESS,
    INTERRUPT,
    NAMES,
    NEVER_AWAITED,
    OWN_NAME,
    READABLE,
    READABLE_LATIN,
    SURROGATE,
)

_ECHO = "def handler(event, context):\n    return event\n"


def _kinds(names: str) -> Iterator[Function]:
    for name in names.split():
        cases = (Case("called", b'{"a": 1}', process=NEVER_AWAITED if name == "coroutine_function" else None),)
        yield Function(f"kind-{name}", "kinds of handlers", cases, f"kinds.py:{name}")


KINDS = _kinds(
    """
    function as_lambda partial Thing instance method class_method static_method method_that_raises decorated any_number
    with_defaults other_names positional_only no_arguments one_argument three_arguments by_keyword_only
    coroutine_function generator_function async_generator_function built_in text nothing number żółw _private __double__
    dataclass_missing
    """
)


def _loading(name: str, code: str, files: dict[str, str | bytes], **differences: Any) -> Function:
    """A function that is called twice, since a load that failed is tried again."""
    cases = tuple(Case(name, b'{"a": 1}', **differences) for name in ("called", "called_again"))
    return Function(f"load-{name}", "loading", cases, code, files)


def _module(name: str, source: str | bytes, **differences: Any) -> Function:
    """A function whose code is one file."""
    return _loading(name, "m.py:handler", {"m.py": source}, **differences)


def _attribute(name: str, source: str) -> Function:
    """A function that its module makes when it is asked for it."""
    return _loading(name, "m.py:any", {"m.py": source})


LOADS: tuple[Function, ...] = (
    *KINDS,
    _loading("module_absent", "absent:handler", {}),
    _loading("attribute_absent", "m.py:absent", {"m.py": _ECHO}),
    _module("import_fails_inside", "import there_is_no_such_module\n" + _ECHO),
    _module("import_error_raised", "raise ImportError('my own words')\n"),
    _module("name_absent_in_import", "from json import no_such_name\n"),
    _module("syntax_error", "def handler(event, context)\n    return event\n"),
    _module("indentation_error", "def handler(event, context):\nreturn event\n"),
    _module("tab_error", "if 1:\n        a = 1\n\tb = 2\n"),
    _loading("syntax_error_in_an_import", "m.py:handler", {"m.py": "import n\n" + _ECHO, "n.py": "x = = 1\n"}),
    _module("syntax_error_raised", "raise SyntaxError('my own words')\n"),
    _module("syntax_error_beyond_ascii", "żółw = 'zażółć\n", process=READABLE, inline=READABLE),
    _module("null_byte", "x = 1\0\n"),
    _module("not_utf8", b"x = '\xff'\n", process=READABLE, inline=READABLE),
    _module("latin_message", "raise ValueError('é')\n", process=READABLE_LATIN, inline=READABLE_LATIN),
    _module("encoding_declared", b"# coding: latin-1\ndef handler(e, c):\n    return '\xe9'\n"),
    _module("byte_order_mark", b"\xef\xbb\xbf" + _ECHO.encode()),
    _module("empty_file", ""),
    _module("value_error", "raise ValueError('at import')\n"),
    _module("no_message", "raise KeyError\n"),
    _module("error_in_a_function", "def f():\n    1 / 0\n\nf()\n"),
    _loading("error_in_an_import", "m.py:handler", {"m.py": "import n\n", "n.py": "{}['a']\n"}),
    _module("group", "raise ExceptionGroup('g', [ValueError(1)])\n"),
    _module("recursion", "def f():\n    f()\n\nf()\n"),
    _loading("built_in_module", "sys:exit", {}),
    _loading("another_built_in_module", "time:sleep", {}),
    _loading("standard_library", "json:dumps", {}),
    _loading("file_of_a_built_in_name", "time.py:handler", {"time.py": _ECHO}),
    _loading("folder_of_a_built_in_name", "sys/m.py:handler", {"sys/m.py": _ECHO}, inline=OWN_NAME),
    _loading("class_in_the_name", "m.Thing:method", {"m.py": "class Thing:\n    def method(self, e, c): pass\n"}),
    _loading("folder", "a/b/m.py:handler", {"a/b/m.py": _ECHO}),
    _loading("package", "a.m:handler", {"a/__init__.py": "", "a/m.py": _ECHO}),
    _loading("package_itself", "a:handler", {"a/__init__.py": _ECHO}),
    _loading("namespace_package", "a.m:handler", {"a/m.py": _ECHO}),
    _loading("absent_in_a_package", "a.absent:handler", {"a/__init__.py": ""}),
    _loading(
        "relative_import", "a.m:handler", {"a/__init__.py": "", "a/m.py": "from .n import handler\n", "a/n.py": _ECHO}
    ),
    _loading("import_of_a_neighbour", "m.py:handler", {"m.py": "from n import handler\n", "n.py": _ECHO}),
    _loading(
        "circular_import",
        "m.py:handler",
        {"m.py": "import n\n" + _ECHO, "n.py": "from m import handler\n"},
        inline=OWN_NAME,
    ),
    _attribute("attribute_made_by_the_module", "def __getattr__(name):\n    return lambda e, c: name\n"),
    _attribute("attribute_refused", "def __getattr__(name):\n    raise ValueError(name)\n"),
    _attribute("attribute_error_in_the_module", "def __getattr__(n):\n    raise AttributeError('x')\n"),
    _module("print_at_import", "print('loaded')\n" + _ECHO),
    _module("log_at_import", "import logging\nlogging.error('loaded')\n1 / 0\n"),
    _loading("name_of_the_runtime", "bootstrap.py:handler", {"bootstrap.py": "def handler(e, c):\n    return 1 / 0\n"}),
    _module("exit_at_import", "import sys\nsys.exit(3)\n"),
    _module("exit_at_import_with_zero", "import sys\nsys.exit()\n"),
    _module("base_exception_at_import", "raise GeneratorExit('x')\n"),
    _module("interrupt_at_import", "raise KeyboardInterrupt\n", not_inline=INTERRUPT),
    _module("os_exit_at_import", "import os\nos._exit(5)\n", not_inline=BY_THE_PROCESS),
    _loading("no_module_in_the_name", "handler", {"m.py": _ECHO}, process=NAMES, inline=NAMES),
    _loading("no_function_in_the_name", "m.py:", {"m.py": _ECHO}, process=NAMES, inline=NAMES),
    _loading("method_in_the_name", "m.py:Thing.method", {"m.py": "class Thing: pass\n"}, process=NAMES, inline=NAMES),
    _loading("file_absent", "absent.py:handler", {}, process=NAMES, inline=NAMES),
    _module("message_with_a_surrogate", "raise ValueError('\\ud800')\n", process=BOTH_ERRORS, inline=SURROGATE),
    _loading("name_beyond_ascii", "żółw.py:handler", {"żółw.py": _ECHO}),
)
