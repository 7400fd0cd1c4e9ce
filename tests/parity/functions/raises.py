"""Each function raises; the event says which one is called."""

import asyncio
import concurrent.futures
import functools
import json
import unicodedata  # noqa: F401 - loaded before `\N{...}` is parsed
import warnings

_served = 0


def handler(event, context):
    global _served
    _served += 1
    return globals()[event]()


def served():
    """How many events this process has had."""
    return _served


def value_error():
    raise ValueError("wrong value")


def no_message():
    raise ValueError


def empty_message():
    raise ValueError("")


def two_arguments():
    raise ValueError("a", 2)


def message_is_a_number():
    raise ValueError(42)


def message_is_none():
    raise ValueError(None)


def key_error():
    return {}["missing"]


def index_error():
    return [][0]


def attribute_error():
    return None.missing


def name_error():
    return undefined  # noqa: F821


def unbound_local():
    if _served < 0:
        value = 1
    return value


def zero_division():
    return 1 / 0


def type_error():
    return "a" + 1


def assertion():
    assert 1 == 2, "they differ"


def bare_assertion():
    assert not _served


def import_error():
    import there_is_no_such_module  # noqa: F401


def import_error_of_a_name():
    from json import there_is_no_such_name  # noqa: F401


def syntax_error_in_eval():
    eval("1 +")


def error_in_exec():
    exec("def inner():\n    raise ValueError('from text')\ninner()")


def os_error():
    raise OSError(2, "No such file", "a/file")


def file_not_found():
    with open("/there/is/no/such/file"):
        pass


def timeout_error():
    raise TimeoutError("slow")


def memory_error():
    raise MemoryError


def unicode_error():
    b"\xff".decode()


def json_error():
    json.loads("{")


def warning_raised():
    warnings.simplefilter("error")
    try:
        warnings.warn("careful", stacklevel=1)
    finally:
        warnings.resetwarnings()


def not_implemented():
    raise NotImplementedError


def stop_iteration():
    raise StopIteration("done")


def next_of_nothing():
    return next(iter([]))


def stop_async_iteration():
    raise StopAsyncIteration


def raised_in_a_generator():
    def numbers():
        yield 1
        raise ValueError("second")

    return list(numbers())


def stop_iteration_in_a_generator():
    def numbers():
        yield 1
        raise StopIteration

    return list(numbers())


def no_exception_class():
    raise "text"


def class_of_no_exception():
    raise int


class Custom(Exception):
    """An application's own."""


class WithText(Exception):
    def __str__(self):
        return f"text of {len(self.args)}"


class Outer:
    class Inner(Exception):
        """A class in a class."""


class Żółw(Exception):
    """A class with a name beyond ASCII."""


class SubKeyError(KeyError):
    """Its text has quotes as KeyError's has."""


def custom():
    raise Custom("own")


def custom_text():
    raise WithText(1, 2)


def class_in_a_class():
    raise Outer.Inner("inner")


def class_in_a_function():
    class Local(Exception):
        pass

    raise Local("local")


def class_beyond_ascii():
    raise Żółw("zażółć")


def sub_key_error():
    raise SubKeyError("k")


def message_beyond_ascii():
    raise ValueError("zażółć 🐢")


def message_of_lines():
    raise ValueError("first\nsecond\r\nthird\tx")


def message_with_controls():
    raise ValueError("\x00\x1b[31m\x7f\u2028")


def message_of_10000():
    raise ValueError("x" * 10_000)


def cause():
    try:
        {}["a"]
    except KeyError as error:
        raise ValueError("because") from error


def context():
    try:
        {}["a"]
    except KeyError:
        raise ValueError("while") from ValueError("other")


def context_alone():
    try:
        {}["a"]
    except KeyError:
        value_error()


def cause_hidden():
    try:
        {}["a"]
    except KeyError:
        raise ValueError("alone") from None


def notes():
    error = ValueError("noted")
    error.add_note("a note")
    raise error


def group():
    raise ExceptionGroup("several", [ValueError("a"), KeyError("b")])


def group_in_a_group():
    raise ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("a")]), TypeError("b")])


def rest_of_a_group():
    try:
        raise ExceptionGroup("several", [ValueError("a"), KeyError("b")])
    except* ValueError:
        pass


def recursion():
    return recursion()


def recursion_of_two(left=20):
    if not left:
        raise ValueError("bottom")
    return _other(left - 1)


def _other(left):
    return recursion_of_two(left)


def four_times_the_same_line(left=4):
    if not left:
        raise ValueError("bottom")
    return four_times_the_same_line(left - 1)


def three_times_the_same_line():
    return four_times_the_same_line(2)


def in_a_lambda():
    return (lambda: 1 / 0)()


def in_a_comprehension():
    return [1 / n for n in (1, 0)]


def in_a_dict_comprehension():
    return {n: 1 / n for n in (1, 0)}


def in_a_statement_of_lines():
    return sum(
        [
            1,
            1 / 0,
            2,
        ]
    )


def in_a_chain():
    return [].append(1).missing


def _logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@_logged
def decorated():
    raise ValueError("decorated")


class Thing:
    @property
    def value(self):
        raise ValueError("in a property")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        raise KeyError("in exit")


def in_a_property():
    return Thing().value


def in_a_context_manager():
    with Thing():
        raise ValueError("inside")


def in_a_callback():
    return sorted([1, 2], key=lambda n: 1 / (n - 1))


def in_asyncio():
    async def main():
        await asyncio.sleep(0)
        raise ValueError("in a task")

    return asyncio.run(main())


def asyncio_works():
    async def main():
        await asyncio.sleep(0)
        return "awaited"

    return asyncio.run(main())


def cancelled_in_asyncio():
    async def main():
        task = asyncio.ensure_future(asyncio.sleep(10))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"

    return asyncio.run(main())


def in_a_thread():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(value_error).result()


_KEPT = ValueError("kept")


def the_same_exception_again():
    raise _KEPT


def and_once_more():
    raise _KEPT


def traceback_taken_away():
    try:
        value_error()
    except ValueError as error:
        raise error.with_traceback(None) from None


def raised_again():
    try:
        value_error()
    except ValueError:
        raise


def raised_again_by_name():
    try:
        value_error()
    except ValueError as error:
        raise error


def handled():
    try:
        value_error()
    except ValueError:
        return "handled"


class LoudWhenFormatted(ValueError):
    def __repr__(self):
        raise KeyError("no repr")


def repr_raises():
    raise LoudWhenFormatted("has a text")


class TextSubclass(str):
    pass


class TextOfASubclass(Exception):
    def __str__(self):
        return TextSubclass("text of a subclass")


def text_of_a_subclass():
    raise TextOfASubclass


class Meta(type):
    @property
    def __name__(cls):
        return "NamedOtherwise"


class Masked(Exception, metaclass=Meta):
    pass


def class_with_another_name():
    raise Masked("masked")
