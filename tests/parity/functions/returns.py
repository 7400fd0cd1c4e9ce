"""Each function is a return value; the event says which."""

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import types
import typing
import uuid

import simplejson
from simplejson.raw_json import RawJSON


def handler(event, context):
    return globals()[event]()


# Plain values


def none():
    return None


def true():
    return True


def false():
    return False


def zero():
    return 0


def minus_one():
    return -1


def big_integer():
    return 10**40


def integer_of_5000_digits():
    return 10**5000


def fraction_of_a_float():
    return 0.1 + 0.2


def whole_float():
    return 3.0


def minus_zero():
    return -0.0


def large_float():
    return 1e22


def tiny_float():
    return 5e-324


def infinite():
    return float("inf")


def minus_infinite():
    return float("-inf")


def nan():
    return float("nan")


def nan_inside():
    return {"a": [float("nan"), float("inf")]}


def complex_number():
    return 1 + 2j


def fraction():
    return fractions.Fraction(1, 3)


# Text


def empty_text():
    return ""


def text():
    return "plain"


def quotes_and_controls():
    return '"\\/\b\f\n\r\t\x00\x1f\x7f'


def accents():
    return "żółw Ünïcode"


def beyond_the_first_plane():
    return "🐢𝄞"


def line_separators():
    return "\u2028\u2029"


def markup():
    return "</script><!--&amp;"


def unicode_key():
    return {"zażółć": "🐢"}


def surrogate_pair_apart():
    return "\ud83d" + "\udc22"


def lone_surrogate():
    return "\ud800"


def lone_surrogate_as_key():
    return {"\udfff": 1}


# Containers


def empty_list():
    return []


def empty_object():
    return {}


def nested():
    return {"a": [1, {"b": [None, True, {"c": "d"}]}], "e": {}}


def order_of_keys():
    return {"z": 1, "a": 2, "m": 3}


def tuples():
    return ()


def tuples_inside():
    return {"a": (1, (2, 3))}


def list_of_10000():
    return list(range(10_000))


class Point(collections.namedtuple("Point", "x y")):
    """A named tuple with a subclass between."""


class Named(typing.NamedTuple):
    name: str
    at: Point


class AsDict:
    def _asdict(self):
        return {"as": "dict"}


class AsDictOfNoDict:
    def _asdict(self):
        return ["no", "dict"]


class AsDictRaises:
    def _asdict(self):
        raise ValueError("no dict today")


def named_tuple():
    return Point(1, 2)


def named_tuples_inside():
    return [Named("a", Point(1, 2))]


def object_with_asdict():
    return AsDict()


def objects_with_asdict_inside():
    return {"a": [AsDict()]}


def asdict_of_no_dict():
    return AsDictOfNoDict()


def asdict_raises():
    return AsDictRaises()


def ordered_dict():
    return collections.OrderedDict([("b", 1), ("a", 2)])


def default_dict():
    return collections.defaultdict(list, {"a": [1]})


def counter():
    return collections.Counter("aab")


class LoudDict(dict):
    def items(self):
        raise ValueError("no items today")


def dict_subclass():
    return type("Sub", (dict,), {})(a=1)


def dict_whose_items_raise():
    return LoudDict(a=1)


def list_subclass():
    return type("Sub", (list,), {})([1, 2])


def tuple_subclass():
    return type("Sub", (tuple,), {})([1, 2])


def text_subclass():
    return type("Sub", (str,), {"__str__": lambda self: "other"})("text")


def integer_subclass():
    return type("Sub", (int,), {"__repr__": lambda self: "other"})(5)


def float_subclass():
    return type("Sub", (float,), {"__repr__": lambda self: "other"})(0.5)


def circular_list():
    ring = []
    ring.append(ring)
    return ring


def circular_dict():
    ring = {}
    ring["ring"] = {"a": [ring]}
    return ring


def twice_but_not_circular():
    once = [1]
    return [once, once]


def deep_500():
    return _deep(500)


def deep_100000():
    return _deep(100_000)


def deep_100000_objects():
    value = 1
    for _ in range(100_000):
        value = {"a": value}
    return value


def _deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


# Keys


def integer_key():
    return {1: "a"}


def big_integer_key():
    return {10**30: "a"}


def float_key():
    return {1.5: "a"}


def nan_key():
    return {float("nan"): "a"}


def boolean_keys():
    return {True: 1, False: 0}


def none_key():
    return {None: 1}


def same_key_twice():
    return {1: "number", "1": "text"}


def bytes_key():
    return {b"key": 1}


def bytes_key_not_utf8():
    return {b"\xff": 1}


def decimal_key():
    return {decimal.Decimal("1.10"): 1}


def tuple_key():
    return {(1, 2): 3}


def frozenset_key():
    return {frozenset(): 1}


def object_key():
    return {object: 1}


def keys_of_several_types():
    return {"a": 1, 2: 2, None: 3, 1.5: 4, True: 5}


# Decimals


def decimal_keeps_digits():
    return decimal.Decimal("1.10")


def decimal_with_exponent():
    return decimal.Decimal("1E+3")


def decimal_tiny():
    return decimal.Decimal("0.0000001")


def decimal_minus_zero():
    return decimal.Decimal("-0.00")


def decimal_long():
    return decimal.Decimal("123456789012345678901234567890.123456789012345678901234567890")


def decimal_nan():
    return decimal.Decimal("NaN")


def decimal_minus_nan():
    return decimal.Decimal("-NaN")


def decimal_signalling_nan():
    return decimal.Decimal("sNaN")


def decimal_infinity():
    return decimal.Decimal("Infinity")


def decimal_minus_infinity():
    return decimal.Decimal("-Infinity")


def decimals_inside():
    return {"a": [decimal.Decimal("2.50")], "b": decimal.Decimal("-7")}


def decimal_subclass():
    return type("Sub", (decimal.Decimal,), {})("3.30")


# Bytes


def bytes_at_top():
    return b"raw \x00\xff"


def empty_bytes_at_top():
    return b""


def bytes_subclass_at_top():
    return type("Sub", (bytes,), {})(b"sub")


def bytes_inside():
    return {"a": [b"text", b"\xc5\xbc"]}


def bytes_inside_not_utf8():
    return [b"\xff\xfe"]


def byte_array():
    return bytearray(b"a")


def memory_view():
    return memoryview(b"a")


def array_of_numbers():
    return array.array("i", [1, 2])


# Enumerations


class Plain(enum.Enum):
    A = 1


class Text(str, enum.Enum):
    A = "a"


class NewText(enum.StrEnum):
    A = "a"


class Number(enum.IntEnum):
    A = 1


class Flag(enum.IntFlag):
    A = 1
    B = 2


def plain_enum():
    return Plain.A


def text_enum():
    return Text.A


def str_enum():
    return NewText.A


def int_enum():
    return Number.A


def int_flag():
    return Flag.A | Flag.B


def enum_keys():
    return {Text.A: 1, Number.A: 2}


def plain_enum_key():
    return {Plain.A: 1}


# What JSON has no form for


@dataclasses.dataclass
class Data:
    a: int = 1


def a_set():
    return {1}


def a_set_inside():
    return {"a": [{1}]}


def a_frozenset():
    return frozenset()


def a_range():
    return range(3)


def a_generator():
    return (n for n in range(3))


def an_iterator():
    return iter([1])


def a_map():
    return map(str, [1])


def a_deque():
    return collections.deque([1])


def dict_keys():
    return {"a": 1}.keys()


def dict_items():
    return {"a": 1}.items()


def user_dict():
    return collections.UserDict(a=1)


def user_list():
    return collections.UserList([1])


def user_string():
    return collections.UserString("a")


def chain_map():
    return collections.ChainMap({"a": 1})


def mapping_proxy():
    return types.MappingProxyType({"a": 1})


def simple_namespace():
    return types.SimpleNamespace(a=1)


def dataclass():
    return Data()


def a_datetime():
    return datetime.datetime(2026, 1, 2, 3, 4, 5)


def a_date():
    return datetime.date(2026, 1, 2)


def a_time_delta():
    return datetime.timedelta(seconds=1)


def a_uuid():
    return uuid.UUID(int=1)


def a_path():
    return pathlib.PurePosixPath("/a")


def an_exception():
    return ValueError("returned, not raised")


def an_object():
    return object()


def a_class():
    return Data


def a_function():
    return handler


def ellipsis():
    return ...


def not_implemented():
    return NotImplemented


async def an_async_generator():
    yield 1


def with_for_json():
    return type("ForJson", (), {"for_json": lambda self: 1})()


def with_to_json():
    return type("ToJson", (), {"to_json": lambda self: "1"})()


def with_dunder_dict():
    return type("Plain", (), {})()


def raw_json():
    return RawJSON('{"raw":   true}')


def simplejson_text():
    return simplejson.dumps({"a": 1})
