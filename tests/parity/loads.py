"""The part of the corpus that is about loading: handlers of every kind, and those that cannot be loaded."""

from __future__ import annotations

from parity.case import ERROR, LIVED, LOG, PAYLOAD, STACK, Case, Difference, Function, each

_EVENT = (Case("called", b'{"a": 1}'),)
_TWICE = (Case("called", b'{"a": 1}'), Case("called_again", b'{"a": 1}'))
_ECHO = "def handler(event, context):\n    return event\n"


def _kind(name: str) -> Function:
    return Function(f"kind-{name}", "kinds of handlers", _EVENT, f"kinds.py:{name}")


KINDS = tuple(
    map(
        _kind,
        """
        function as_lambda partial Thing instance method class_method static_method method_that_raises decorated
        any_number with_defaults other_names positional_only no_arguments one_argument three_arguments by_keyword_only
        coroutine_function generator_function async_generator_function built_in text nothing number żółw _private
        __double__ dataclass_missing
        """.split(),
    )
)

_INLINE_IMPORT = Difference(
    "Inline, a file is imported under a name of its own, so that it is not taken for another module; the frames of Python's "
    "import system are then others.",
    frozenset({PAYLOAD, STACK}),
)


def _loading(name: str, code: str, files: dict[str, str | bytes], inline: Difference | None = None, **more: str) -> Function:
    cases = (Case("called", b'{"a": 1}', inline=inline, **more), Case("called_again", b'{"a": 1}', inline=inline, **more))
    return Function(f"load-{name}", "loading", cases, code, files)


LOADS: tuple[Function, ...] = (
    *KINDS,
    _loading("module_absent", "absent:handler", {}),
    _loading("attribute_absent", "m.py:absent", {"m.py": _ECHO}),
    _loading("import_fails_inside", "m.py:handler", {"m.py": "import there_is_no_such_module\n" + _ECHO}),
    _loading("import_error_raised", "m.py:handler", {"m.py": "raise ImportError('my own words')\n"}),
    _loading("name_absent_in_import", "m.py:handler", {"m.py": "from json import no_such_name\n"}),
    _loading("syntax_error", "m.py:handler", {"m.py": "def handler(event, context)\n    return event\n"}),
    _loading("indentation_error", "m.py:handler", {"m.py": "def handler(event, context):\nreturn event\n"}),
    _loading("tab_error", "m.py:handler", {"m.py": "if 1:\n        a = 1\n\tb = 2\n"}),
    _loading("syntax_error_in_an_import", "m.py:handler", {"m.py": "import n\n" + _ECHO, "n.py": "x = = 1\n"}),
    _loading("syntax_error_raised", "m.py:handler", {"m.py": "raise SyntaxError('my own words')\n"}),
    _loading("syntax_error_beyond_ascii", "m.py:handler", {"m.py": "żółw = 'zażółć\n"}),
    _loading("null_byte", "m.py:handler", {"m.py": "x = 1\0\n"}),
    _loading("not_utf8", "m.py:handler", {"m.py": b"x = '\xff'\n"}),
    _loading("encoding_declared", "m.py:handler", {"m.py": b"# coding: latin-1\ndef handler(e, c):\n    return '\xe9'\n"}),
    _loading("byte_order_mark", "m.py:handler", {"m.py": b"\xef\xbb\xbf" + _ECHO.encode()}),
    _loading("empty_file", "m.py:handler", {"m.py": ""}),
    _loading("value_error", "m.py:handler", {"m.py": "raise ValueError('at import')\n"}, _INLINE_IMPORT),
    _loading("no_message", "m.py:handler", {"m.py": "raise KeyError\n"}, _INLINE_IMPORT),
    _loading("error_in_a_function", "m.py:handler", {"m.py": "def f():\n    1 / 0\n\nf()\n"}, _INLINE_IMPORT),
    _loading("error_in_an_import", "m.py:handler", {"m.py": "import n\n", "n.py": "{}['a']\n"}, _INLINE_IMPORT),
    _loading("group", "m.py:handler", {"m.py": "raise ExceptionGroup('g', [ValueError(1)])\n"}, _INLINE_IMPORT),
    _loading("recursion", "m.py:handler", {"m.py": "def f():\n    f()\n\nf()\n"}, _INLINE_IMPORT),
    _loading("built_in_module", "sys:exit", {}),
    _loading("another_built_in_module", "time:sleep", {}),
    _loading("standard_library", "json:dumps", {}),
    _loading("file_of_a_built_in_name", "time.py:handler", {"time.py": _ECHO}),
    _loading("folder_of_a_built_in_name", "sys/m.py:handler", {"sys/m.py": _ECHO}),
    _loading("class_in_the_name", "m.Thing:method", {"m.py": "class Thing:\n    def method(self, e, c): pass\n"}),
    _loading("folder", "a/b/m.py:handler", {"a/b/m.py": _ECHO}),
    _loading("package", "a.m:handler", {"a/__init__.py": "", "a/m.py": _ECHO}),
    _loading("package_itself", "a:handler", {"a/__init__.py": _ECHO}),
    _loading("namespace_package", "a.m:handler", {"a/m.py": _ECHO}),
    _loading("absent_in_a_package", "a.absent:handler", {"a/__init__.py": ""}),
    _loading("relative_import", "a.m:handler", {"a/__init__.py": "", "a/m.py": "from .n import handler\n", "a/n.py": _ECHO}),
    _loading("import_of_a_neighbour", "m.py:handler", {"m.py": "from n import handler\n", "n.py": _ECHO}),
    _loading("circular_import", "m.py:handler", {"m.py": "import n\n" + _ECHO, "n.py": "from m import handler\n"}),
    _loading("attribute_made_by_the_module", "m.py:any", {"m.py": "def __getattr__(name):\n    return lambda e, c: name\n"}),
    _loading("attribute_refused", "m.py:any", {"m.py": "def __getattr__(name):\n    raise ValueError(name)\n"}),
    _loading("attribute_error_in_the_module", "m.py:any", {"m.py": "def __getattr__(n):\n    raise AttributeError('x')\n"}),
    _loading("print_at_import", "m.py:handler", {"m.py": "print('loaded')\n" + _ECHO}),
    _loading("log_at_import", "m.py:handler", {"m.py": "import logging\nlogging.error('loaded')\n1 / 0\n"}, _INLINE_IMPORT),
    _loading("name_of_the_runtime", "bootstrap.py:handler", {"bootstrap.py": "def handler(e, c):\n    return 1 / 0\n"}),
    _loading("exit_at_import", "m.py:handler", {"m.py": "import sys\nsys.exit(3)\n"}),
    _loading("exit_at_import_with_zero", "m.py:handler", {"m.py": "import sys\nsys.exit()\n"}),
    _loading("base_exception_at_import", "m.py:handler", {"m.py": "raise GeneratorExit('x')\n"}),
    _loading("message_with_a_surrogate", "m.py:handler", {"m.py": "raise ValueError('\\ud800')\n"}),
    _loading("name_beyond_ascii", "żółw.py:handler", {"żółw.py": _ECHO}),
)
