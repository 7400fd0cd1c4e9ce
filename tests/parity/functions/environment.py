"""What surrounds the handler; the event says what is asked."""

import logging
import os
import re
import sys
import threading
import time

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def handler(event, context):
    return globals()[event.partition(" ")[0]]()


def named():
    """What the platform sets, and says of the function."""
    names = (
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "TZ",
    )
    return {name: os.environ.get(name) for name in names}


def handler_and_folder():
    return [os.environ.get("_HANDLER"), os.environ.get("LAMBDA_TASK_ROOT") == _FOLDER]


def credentials():
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return [name in os.environ for name in names]


def runtime_api():
    return "AWS_LAMBDA_RUNTIME_API" in os.environ


def log_settings():
    return [os.environ.get(name) for name in ("AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL")]


def own_variables():
    return [os.environ.get("OWN"), os.environ.get("OWN_UNICODE"), os.environ.get("AWS_LAMBDA_FUNCTION_NAME")]


def trace():
    pattern = "Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]"
    return bool(re.fullmatch(pattern, os.environ["_X_AMZN_TRACE_ID"]))


def trace_overwritten():
    os.environ["_X_AMZN_TRACE_ID"] = "mine"


def variable_set():
    os.environ["SET_BY_THE_FUNCTION"] = "kept"


def variable_kept():
    return os.environ.get("SET_BY_THE_FUNCTION")


def working_folder():
    return [os.getcwd() == _FOLDER, os.path.exists("environment.py")]


def import_path():
    return sys.path[0] == _FOLDER


def module_names():
    return [__name__, os.path.basename(__file__), __package__, __spec__.name, handler.__module__]


def module_is_registered():
    return sys.modules[__name__].handler is handler


def time_zone():
    return [time.tzname[0], time.localtime(0).tm_hour]


def encodings():
    streams = (sys.stdout, sys.stderr)
    return [[stream.encoding, stream.errors] for stream in streams] + [sys.getfilesystemencoding()]


def standard_input():
    return sys.stdin.read()


def arguments():
    return sys.argv[1:]


def thread():
    return [threading.current_thread() is threading.main_thread(), threading.active_count()]


def recursion_limit():
    return sys.getrecursionlimit()


def root_logger():
    root = logging.getLogger()
    return [logging.getLevelName(root.level), len(root.handlers), type(root.handlers[0]).__name__]


def formatter_converter():
    return logging.Formatter().converter is time.gmtime


def write_returns():
    return [sys.stdout.write("four"), sys.stderr.write("")]
