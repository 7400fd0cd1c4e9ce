"""Each function ends its process, or tries to; the event says which one is called."""

import asyncio
import atexit
import ctypes
import os
import signal
import sys
import threading
import time

_served = 0


def handler(event, context):
    global _served
    _served += 1
    return globals()[event.partition(" ")[0]]()


def served():
    """How many events this process has had."""
    return _served


def exit_without_a_status():
    sys.exit()


def exit_with_zero():
    sys.exit(0)


def exit_with_three():
    sys.exit(3)


def exit_with_minus_one():
    sys.exit(-1)


def exit_with_256_and_one():
    sys.exit(257)


def exit_with_true():
    sys.exit(True)


def exit_with_false():
    sys.exit(False)


def exit_with_text():
    sys.exit("a last word")


def exit_with_a_float():
    sys.exit(2.5)


def exit_of_the_site():
    exit(4)


def exit_raised():
    raise SystemExit(5)


def exit_of_a_subclass():
    raise type("Leaving", (SystemExit,), {})(6)


def exit_with_words_at_exit():
    atexit.register(print, "at exit")
    sys.exit(7)


def exit_in_asyncio():
    async def main():
        sys.exit(8)

    asyncio.run(main())


def exit_in_a_thread():
    thread = threading.Thread(target=sys.exit, args=(9,))
    thread.start()
    thread.join()
    return "still here"


def exit_caught():
    try:
        sys.exit(1)
    except SystemExit as error:
        return error.code


def keyboard_interrupt():
    raise KeyboardInterrupt


def generator_exit():
    raise GeneratorExit("over")


def cancelled():
    raise asyncio.CancelledError


def base_exception():
    raise type("Base", (BaseException,), {})("base")


def base_exception_group():
    raise BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError()])


def text_that_raises():
    def __str__(self):
        raise KeyError("no text")

    raise type("NoText", (ValueError,), {"__str__": __str__})


def text_that_is_none():
    raise type("NoText", (ValueError,), {"__str__": lambda self: None})


def text_that_exits():
    raise type("NoText", (ValueError,), {"__str__": lambda self: sys.exit(11)})


def message_with_a_lone_surrogate():
    raise ValueError("\ud800")


def answer_whose_asdict_exits():
    return type("Leaving", (), {"_asdict": lambda self: sys.exit(12)})()


def os_exit_zero():
    os._exit(0)


def os_exit_seven():
    os._exit(7)


def aborted():
    os.abort()


def segmentation_fault():
    ctypes.string_at(0)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def terminated():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)


def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)


def child_that_ends():
    child = os.fork()
    if not child:
        os._exit(13)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
