"""Many calls at once: lazy in and out, so many under way and no more, each item with one outcome.

The iterable is read by the consumer, workers call, and `Work` is what lies between them.
"""
