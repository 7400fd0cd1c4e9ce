"""What is kept from one event to the next."""

import os
import threading
import time

_served = 0
_events = []


def handler(event, context):
    global _served
    _served += 1
    return globals()[event["do"]](event)


def count(event):
    return _served


def fail(event):
    raise ValueError(_served)


def unmarshallable(event):
    return {_served}


def keep(event):
    _events.append(event)
    event["changed"] = True
    return len(_events)


def kept(event):
    return [kept.get("changed") for kept in _events]


def thread_left_running(event):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return threading.active_count()


def threads(event):
    return threading.active_count()


def folder_changed(event):
    os.chdir("/")


def folder(event):
    return os.getcwd()


def leave(event):
    os._exit(0)
