"""Functions that end in every way that a function can; they run by Lambda's rules and by Function Compute's."""

import os
import time


def echo(event, context):
    return event


def nothing(event, context):
    return None


def boom(event, context):
    raise ValueError("no good")


def slow(event, context):
    time.sleep(60)


def crash(event, context):
    os._exit(3)


def talk(event, context):
    print("said by the function")
    return "done"


def context_of(event, context):
    return context.client_context.custom


def note(event, context):
    _note(event)


def note_and_fail(event, context):
    _note(event)
    raise ValueError("no good")


def _note(event):
    with open(os.environ["NOTES"], "a", encoding="utf-8") as notes:
        notes.write((event.decode() if isinstance(event, bytes) else str(event)) + "\n")
