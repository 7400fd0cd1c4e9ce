"""What a handler can be."""

import functools


def function(event, context):
    return [event, context.function_version]


as_lambda = lambda event, context: event  # noqa: E731

partial = functools.partial(lambda extra, event, context: [extra, event], "extra")


class Thing:
    """An object that is called."""

    def __init__(self, event=None, context=None):
        self.event = event

    def __call__(self, event, context):
        return [event, type(self).__name__]

    def method(self, event, context):
        return [event, "method"]

    @classmethod
    def of_the_class(cls, event, context):
        return [event, cls.__name__]

    @staticmethod
    def static(event, context):
        return [event, "static"]

    def raises(self, event, context):
        raise ValueError("in a method")


instance = Thing()
method = instance.method
class_method = Thing.of_the_class
static_method = Thing.static
method_that_raises = instance.raises


def decorator(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return ["wrapped", function(*args, **kwargs)]

    return wrapper


@decorator
def decorated(event, context):
    return event


def any_number(*args):
    return len(args)


def with_defaults(event, context=None, more=1):
    return [event, more]


def other_names(a, b):
    return a


def positional_only(event, context, /):
    return event


def no_arguments():
    return 1


def one_argument(event):
    return event


def three_arguments(event, context, more):
    return event


def by_keyword_only(*, event, context):
    return event


async def coroutine_function(event, context):
    return event


def generator_function(event, context):
    yield event


async def async_generator_function(event, context):
    yield event


built_in = max
text = "no function"
nothing = None
number = 42
żółw = function
_private = function
__double__ = function
