"""What takes too long; the event says how."""

import time

_served = 0


def handler(event, context):
    global _served
    _served += 1
    print("begun")
    return globals()[event.partition(" ")[0]](context)


def served(context):
    return _served


def asleep(context):
    time.sleep(0.7)


def busy(context):
    ends_at = time.monotonic() + 0.7
    while time.monotonic() < ends_at:
        pass


def catches_everything(context):
    try:
        time.sleep(0.7)
    except BaseException:
        return "caught"


def says_how_long(context):
    while context.get_remaining_time_in_millis() > 0:
        time.sleep(0.01)
    return time.sleep(0.2)
