"""What is written; the event says how."""

import asyncio
import logging
import os
import subprocess
import sys
import warnings

logger = logging.getLogger("own.logger")


def handler(event, context):
    return globals()[event.partition(" ")[0]](context)


def nothing(context):
    return None


def printed(context):
    print("printed", 1, None)


def printed_without_an_end(context):
    print("no end", end="")


def printed_unicode(context):
    print("zażółć 🐢 \u2028")


def printed_lines(context):
    print("a\nb\r\nc\rd")


def printed_surrogate(context):
    print("\ud800")


def printed_to_both(context):
    for n in range(3):
        print("out", n)
        print("err", n, file=sys.stderr)


def surrogate_to_stderr(context):
    print("\udc80", file=sys.stderr)


def many_lines(context):
    sys.stdout.writelines(f"{n}\n" for n in range(5))


def past_python(context):
    print("before")
    os.write(1, b"straight\n")
    os.write(2, b"to both\n")
    print("after")


def of_a_child(context):
    print("before")
    subprocess.run([sys.executable, "-c", "print('of a child')"], check=True)
    print("after")


def warned(context):
    warnings.warn("careful", stacklevel=1)


def of_the_context(context):
    context.log("log\nof the context\n")


def debug(context):
    logging.debug("dropped")


def info(context):
    logging.info("dropped")


def warning(context):
    logging.warning("a warning of %s", "mine")


def error(context):
    logger.error("an error")


def critical(context):
    logger.critical("critical")


def levels(context):
    for level in (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60):
        logger.log(level, "at %d", level)


def root_logger_level(context):
    return logging.getLogger().level


def level_changed(context):
    logging.getLogger().setLevel(logging.INFO)
    logging.info("now shown")
    logging.getLogger().setLevel(logging.WARNING)


def own_level(context):
    logger.setLevel(logging.DEBUG)
    logger.debug("of my own level")
    logger.setLevel(logging.NOTSET)


def basic_config(context):
    logging.basicConfig(level=logging.DEBUG, format="mine %(message)s")
    logging.info("still dropped")


def unicode_message(context):
    logger.error("zażółć 🐢 \u2028")


def message_of_lines(context):
    logger.error("first\nsecond")


def message_is_an_object(context):
    logger.error({"a": [1, None]})


def message_is_an_object_with_arguments(context):
    logger.error({"a": 1}, "more")


def message_is_a_list(context):
    logger.error(["a", 1])


def wrong_arguments(context):
    logger.error("%d", "no number")


def too_many_arguments(context):
    logger.error("one %s", "a", "b")


def percent_without_arguments(context):
    logger.error("100% sure")


def with_exception(context):
    try:
        {}["missing"]
    except KeyError:
        logger.exception("caught")


def with_exception_of_lines(context):
    try:
        raise ValueError("one\ntwo")
    except ValueError as error:
        logger.warning("caught", exc_info=error)


def with_exc_info_of_nothing(context):
    logger.error("nothing", exc_info=True)


def with_stack(context):
    logger.error("where", stack_info=False)


def with_extra(context):
    logger.error("more", extra={"order": 7, "items": ["a"], "nothing": None})


def with_extra_not_json(context):
    logger.error("more", extra={"thing": {1}, "at": Ellipsis})


def with_extra_of_our_names(context):
    logger.error("more", extra={"level": "mine", "timestamp": "mine", "requestId": "mine", "location": "mine"})


def in_a_task(context):
    async def main():
        logger.error("in a task")

    asyncio.run(main())


def disabled(context):
    logging.disable(logging.ERROR)
    logger.error("dropped")
    logging.disable(logging.NOTSET)


def request_id_of_a_record(context):
    own = logging.StreamHandler(sys.stdout)
    own.setFormatter(logging.Formatter("own %(aws_request_id)s %(message)s"))
    logging.getLogger().addHandler(own)
    logger.error("twice")
    logging.getLogger().removeHandler(own)


def time_of_a_record(context):
    own = logging.StreamHandler(sys.stdout)
    own.setFormatter(logging.Formatter("%(asctime)s own", "%Y-%m-%dT%H:%M:%SZ"))
    logger.addHandler(own)
    logger.error("utc")
    logger.removeHandler(own)


def formatter_replaced(context):
    handler = logging.getLogger().handlers[0]
    before = handler.formatter
    handler.setFormatter(logging.Formatter("[mine] %(message)s\n"))
    logger.error("other form")
    handler.setFormatter(before)


def raised(context):
    raise ValueError("żółw\nof lines")


def raised_without_a_message(context):
    raise ValueError


def raised_surrogate(context):
    raise ValueError("\udc80")


def handlers_taken_away(context):
    root = logging.getLogger()
    taken = root.handlers[:]
    root.handlers.clear()
    context.log("without a handler\n")
    logging.getLogger("own").warning("to the last resort")
    root.handlers.extend(taken)


def basic_config_forced(context):
    logging.basicConfig(force=True, stream=sys.stdout, level=logging.INFO, format="forced %(message)s")
    logging.info("shown")
