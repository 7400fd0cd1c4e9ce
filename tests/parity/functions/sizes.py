"""Answers of a size; the event says how many bytes of JSON."""

_served = 0


def handler(event, context):
    global _served
    _served += 1
    return "x" * (event - 2) if event else _served
