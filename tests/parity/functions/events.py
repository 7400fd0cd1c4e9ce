"""The event, as the handler sees it: its type and how Python writes it."""


def handler(event, context):
    return [type(event).__name__, ascii(event)[:200]]
