"""The questions: every case, and where an answer is meant to be another one, why.

`FUNCTIONS` is all of it. A difference that no longer shows, or shows in another aspect than it says, fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from parity.case import Case, Function, each
from parity.differences import (
    BOTH_ERRORS,
    BY_THE_PROCESS,
    CHECKED,
    INTERRUPT,
    KEEPS,
    NO_CREDENTIALS,
    NOT_JSON,
    OTHER_KEYS,
    OWN_ARGUMENTS,
    OWN_NAME_ALONE,
    OWN_STREAMS,
    OWN_STREAMS_IN_A_TRACE,
    REFUSED_ANSWER,
    SURROGATE,
)
from parity.loads import LOADS

RETURNS = Function(
    "returns",
    "return values",
    each(
        """
        none true false zero minus_one big_integer integer_of_5000_digits fraction_of_a_float whole_float minus_zero
        large_float tiny_float infinite minus_infinite nan nan_inside complex_number fraction empty_text text
        quotes_and_controls accents beyond_the_first_plane line_separators markup unicode_key surrogate_pair_apart
        lone_surrogate lone_surrogate_as_key empty_list empty_object nested order_of_keys tuples tuples_inside
        list_of_10000 named_tuple named_tuples_inside object_with_asdict objects_with_asdict_inside asdict_of_no_dict
        asdict_raises ordered_dict default_dict counter dict_subclass dict_whose_items_raise list_subclass
        tuple_subclass text_subclass integer_subclass float_subclass circular_list circular_dict
        twice_but_not_circular deep_500 deep_100000 deep_100000_objects integer_key big_integer_key float_key nan_key
        boolean_keys none_key same_key_twice bytes_key bytes_key_not_utf8 decimal_key tuple_key frozenset_key
        object_key keys_of_several_types decimal_keeps_digits decimal_with_exponent decimal_tiny decimal_minus_zero
        decimal_long decimal_nan decimal_minus_nan decimal_signalling_nan decimal_infinity decimal_minus_infinity
        decimals_inside decimal_subclass bytes_at_top empty_bytes_at_top bytes_subclass_at_top bytes_inside
        bytes_inside_not_utf8 byte_array memory_view array_of_numbers plain_enum text_enum str_enum int_enum int_flag
        enum_keys plain_enum_key a_set a_set_inside a_frozenset a_range a_generator an_iterator a_map a_deque
        dict_keys dict_items user_dict user_list user_string chain_map mapping_proxy simple_namespace dataclass
        a_datetime a_date a_time_delta a_uuid a_path an_exception an_object a_class a_function an_async_generator
        ellipsis not_implemented with_for_json with_to_json with_dunder_dict raw_json simplejson_text
        """
    ),
)

EVENTS = Function(
    "events",
    "events",
    (
        Case("absent", b""),
        Case("null", b"null"),
        Case("true", b"true"),
        Case("false", b"false"),
        Case("zero", b"0"),
        Case("minus_zero", b"-0"),
        Case("integer", b"-17"),
        Case("big_integer", b"123456789012345678901234567890"),
        Case("float", b"1.5"),
        Case("float_of_many_digits", b"0.1000000000000000055511151231257827"),
        Case("exponent", b"1E5"),
        Case("minus_zero_float", b"-0.0"),
        Case("too_large_float", b"1e400"),
        Case("too_small_float", b"1e-400"),
        Case("empty_text", b'""'),
        Case("text", b'"text"'),
        Case("accents", '"zażółć"'.encode()),
        Case("escaped_accents", b'"za\\u017c\\u00f3\\u0142\\u0107"'),
        Case("surrogate_pair", b'"\\ud83d\\udc22"'),
        Case("lone_surrogate", b'"\\ud800"'),
        Case("surrogates_in_disorder", b'"\\udc22\\ud83d"'),
        Case("escaped_nul", b'"\\u0000"'),
        Case("escapes", b'"\\"\\\\\\/\\b\\f\\n\\r\\t"'),
        Case("delete_character", b'"\x7f"'),
        Case("list", b'[1, "a", null, [true]]'),
        Case("empty_list", b"[]"),
        Case("object", b'{"a": {"b": [1.0, 2]}}'),
        Case("empty_object", b"{}"),
        Case("same_key_twice", b'{"a": 1, "a": 2}'),
        Case("empty_key", b'{"": 1}'),
        Case("white_space_around", b' \t\r\n{"a" : 1 }\n '),
        Case("byte_order_mark", b"\xef\xbb\xbf[1]"),
        Case("deep_400", b"[" * 400 + b"]" * 400),
        Case("not_a_number", b"NaN", process=NOT_JSON, inline=NOT_JSON),
        Case("infinity", b"Infinity", process=NOT_JSON, inline=NOT_JSON),
        Case("minus_infinity_inside", b"[-Infinity]", process=NOT_JSON, inline=NOT_JSON),
        Case("control_character", b'"a\nb"', process=NOT_JSON, inline=NOT_JSON),
        Case("not_utf8", b'"\xff"', process=NOT_JSON, inline=NOT_JSON),
        Case("utf16", '{"a": 1}'.encode("utf-16"), process=NOT_JSON, inline=NOT_JSON),
        Case("cut_off", b'{"a": ', process=NOT_JSON, inline=NOT_JSON),
        Case("something_behind", b"{} {}", process=NOT_JSON, inline=NOT_JSON),
        Case("single_quotes", b"{'a': 1}", process=NOT_JSON, inline=NOT_JSON),
        Case("trailing_comma", b"[1,]", process=NOT_JSON, inline=NOT_JSON),
        Case("comment", b"[1] // one", process=NOT_JSON, inline=NOT_JSON),
        Case("leading_zero", b"01", process=NOT_JSON, inline=NOT_JSON),
        Case("plus_sign", b"+1", process=NOT_JSON, inline=NOT_JSON),
        Case("capital_true", b"True", process=NOT_JSON, inline=NOT_JSON),
        Case("white_space_alone", b" ", process=NOT_JSON, inline=NOT_JSON),
        Case("bad_escape", b'"\\x"', process=NOT_JSON, inline=NOT_JSON),
        Case("integer_of_5000_digits", b"1" * 5000, process=NOT_JSON, inline=NOT_JSON),
        Case("deep_100000", b"[" * 100_000 + b"]" * 100_000, process=NOT_JSON, inline=NOT_JSON),
        Case("after_all_of_these", b"1"),
    ),
)

RAISES = Function(
    "raises",
    "exceptions",
    each(
        """
        value_error no_message empty_message two_arguments message_is_a_number message_is_none key_error index_error
        attribute_error name_error unbound_local zero_division type_error assertion bare_assertion import_error
        import_error_of_a_name syntax_error_in_eval error_in_exec os_error file_not_found timeout_error memory_error
        unicode_error json_error warning_raised not_implemented stop_iteration next_of_nothing stop_async_iteration
        raised_in_a_generator stop_iteration_in_a_generator no_exception_class class_of_no_exception custom
        custom_text class_in_a_class class_in_a_function class_beyond_ascii sub_key_error message_beyond_ascii
        message_of_lines message_with_controls message_of_10000 cause context context_alone cause_hidden notes group
        group_in_a_group rest_of_a_group recursion recursion_of_two four_times_the_same_line three_times_the_same_line
        in_a_lambda in_a_comprehension in_a_dict_comprehension in_a_statement_of_lines in_a_chain decorated
        in_a_property in_a_context_manager in_a_callback in_asyncio asyncio_works cancelled_in_asyncio in_a_thread
        the_same_exception_again and_once_more traceback_taken_away raised_again raised_again_by_name handled
        repr_raises text_of_a_subclass class_with_another_name no_such_function served
        """
    ),
)


def _ending(names: str, **differences: Any) -> Iterator[Case]:
    """Each case, and how many events its process has served after it."""
    for name in names.split():
        yield Case(name, **differences)
        yield Case(f"after_{name}", b'"served"', inline=KEEPS, not_inline=differences.get("not_inline", ""))


ENDS = Function(
    "ends",
    "ends of the process",
    (
        Case("begun", b'"served"'),
        *_ending(
            """
            exit_without_a_status exit_with_zero exit_with_three exit_with_minus_one exit_with_256_and_one
            exit_with_true exit_with_false exit_with_text exit_with_a_float exit_raised exit_of_a_subclass
            exit_in_asyncio generator_exit cancelled base_exception base_exception_group text_that_raises
            text_that_is_none text_that_exits answer_whose_asdict_exits
            """
        ),
        *_ending("message_with_a_lone_surrogate", inline=SURROGATE, process=BOTH_ERRORS),
        *_ending(
            """
            exit_with_words_at_exit exit_of_the_site os_exit_zero os_exit_seven aborted segmentation_fault killed
            terminated
            """,
            not_inline=BY_THE_PROCESS,
        ),
        *_ending("keyboard_interrupt interrupted", not_inline=INTERRUPT),
        *each("exit_in_a_thread exit_caught child_that_ends"),
    ),
)

CONTEXTS = Function(
    "contexts",
    "context",
    (
        *each(
            """
            shown members types_of_members class_name function_name function_version invoked_function_arn memory_limit
            log_names request_id tenant remaining_time remaining_time_falls identity identity_takes_no_more
            attributes_can_be_set missing_attribute client_context trace logged
            """
        ),
        Case("no_context_but_its_trace", b'"trace"', None),
        Case("empty_context", b'"client_context"', {}),
        Case("custom", b'"client_context"', {"custom": {"a": [1, None]}}),
        Case("custom_null", b'"client_context"', {"custom": None, "env": None, "client": None}, CHECKED, CHECKED),
        Case("custom_is_text", b'"client_context"', {"custom": "text"}, CHECKED, CHECKED),
        Case("custom_beyond_ascii", b'"client_context"', {"custom": {"zażółć": "🐢"}}),
        Case("env", b'"client_context"', {"env": {"locale": "pl"}}),
        Case("client", b'"client_of_it"', {"client": {"app_title": "t", "installation_id": "i", "other": 1}}),
        Case("client_empty", b'"client_of_it"', {"client": {}}),
        Case("client_null", b'"client_of_it"', {"client": None}),
        Case("client_is_text", b'"client_of_it"', {"client": "text"}),
        Case("client_is_a_list", b'"client_of_it"', {"client": []}),
        Case("members_of_the_client_context", b'"members_of_it"', {"custom": {}}),
        Case("other_keys", b'"other_key_of_it"', {"other": 1}, process=OTHER_KEYS, inline=OTHER_KEYS),
        Case("shown_whole", b'"shown"', {"custom": {"a": 1}, "client": {"app_title": "t"}}),
        Case("trace_context", b'"trace"', {"w3c": {"traceparent": "a", "tracestate": "b", "baggage": "c", "x": "d"}}),
        Case("trace_context_in_part", b'"trace"', {"w3c": {"traceparent": "a", "tracestate": 1, "baggage": None}}),
        Case("trace_context_null", b'"trace"', {"w3c": None}),
        Case("trace_context_is_a_list", b'"trace"', {"w3c": ["traceparent"]}),
        Case("trace_is_a_copy", None, {"w3c": {"traceparent": "a"}}),
        Case("trace_is_no_part", b'"client_context"', {"w3c": {"traceparent": "a"}, "custom": {"b": 1}}),
        Case("trace_is_no_member", b'"members_of_it"', {"w3c": {"traceparent": "a"}}),
    ),
)

STATE = Function(
    "state",
    "warm state",
    (
        Case("first", b'{"do": "count"}'),
        Case("second", b'{"do": "count"}'),
        Case("an_exception", b'{"do": "fail"}'),
        Case("after_an_exception", b'{"do": "count"}'),
        Case("a_result_that_is_not_json", b'{"do": "unmarshallable"}'),
        Case("after_a_result_that_is_not_json", b'{"do": "count"}'),
        Case("event_kept", b'{"do": "keep", "n": 1}'),
        Case("equal_event_kept", b'{"do": "keep", "n": 1}'),
        Case("events_are_objects_of_their_own", b'{"do": "kept"}'),
    ),
)

_PROCESS_WIDE = "It is about what a whole process has, which inline is the caller's."

ENVIRONMENT = Function(
    "environment",
    "environment",
    (
        *each("named handler_and_folder log_settings own_variables"),
        *each("credentials runtime_api", process=NO_CREDENTIALS),
        *each("trace trace_overwritten"),
        Case("trace_is_set_anew", b'"trace"'),
        *each(
            "variable_set variable_kept working_folder import_path module_names module_is_registered time_zone "
            "encodings"
        ),
        *each("standard_input thread recursion_limit root_logger formatter_converter"),
        Case("write_returns", process=OWN_STREAMS),
        Case("arguments", process=OWN_ARGUMENTS),
    ),
    environment={"OWN": "value", "OWN_UNICODE": "żółw"},
    needs_process=_PROCESS_WIDE,
)

MODULE = Function(
    "module",
    "environment",
    (
        Case("module_names", inline=OWN_NAME_ALONE),
        Case("module_is_registered"),
    ),
    "environment.py:handler",
)

_LOGS = (
    Case("printed_surrogate", process=OWN_STREAMS_IN_A_TRACE),
    *each(
        """
        nothing printed printed_without_an_end printed_unicode printed_lines printed_to_both surrogate_to_stderr
        many_lines past_python of_a_child warned of_the_context debug info warning error critical levels level_changed
        own_level basic_config unicode_message message_of_lines message_is_an_object
        message_is_an_object_with_arguments message_is_a_list wrong_arguments too_many_arguments
        percent_without_arguments with_exception with_exception_of_lines with_exc_info_of_nothing with_stack
        with_extra with_extra_not_json with_extra_of_our_names in_a_task disabled request_id_of_a_record
        time_of_a_record formatter_replaced raised raised_without_a_message
        """
    ),
)
_LAST = each("handlers_taken_away basic_config_forced")
_LEVELS = each("levels debug root_logger_level")


def _logs(name: str, cases: tuple[Case, ...], log_format: str, level: str = "") -> Function:
    return Function(
        name, "logging", cases, "logs.py:handler", log_format=log_format, log_level=level, needs_process=_PROCESS_WIDE
    )


LOGS = (
    _logs("logs", (*_LOGS, Case("raised_surrogate", process=BOTH_ERRORS), *_LAST), "Text"),
    _logs("logs-json", (*_LOGS, Case("raised_surrogate", process=replace(BOTH_ERRORS, since=(3, 12))), *_LAST), "JSON"),
    _logs("logs-text-debug", _LEVELS, "Text", "DEBUG"),
    _logs("logs-text-error", _LEVELS, "Text", "ERROR"),
    _logs("logs-json-info", _LEVELS, "JSON", "INFO"),
    _logs("logs-json-trace", _LEVELS, "JSON", "TRACE"),
    _logs("logs-lower-case-level", _LEVELS, "Text", "info"),
    _logs("logs-unknown-level", _LEVELS, "Text", "LOUD"),
)

SIZES = Function(
    "sizes",
    "limits",
    (
        Case("largest_answer", b"6291556"),
        Case("after_the_largest_answer", b"0"),
        Case("too_large_answer", b"6291557", process=REFUSED_ANSWER),
        Case("after_a_too_large_answer", b"0", inline=KEEPS),
    ),
)

STATE_OF_A_PROCESS = Function(
    "state-of-a-process",
    "warm state",
    (
        Case("thread_left_running", b'{"do": "thread_left_running"}'),
        Case("thread_still_there", b'{"do": "threads"}'),
        Case("folder_changed", b'{"do": "folder_changed"}'),
        Case("folder_still_changed", b'{"do": "folder"}'),
        Case("process_ended", b'{"do": "leave"}'),
        Case("thread_gone", b'{"do": "threads"}'),
        Case("count_begun_anew", b'{"do": "count"}'),
    ),
    "state.py:handler",
    needs_process=_PROCESS_WIDE,
)

SLOW = Function(
    "slow",
    "limits",
    (
        Case("in_time", b'"served"'),
        *(case for name in ("asleep", "busy", "catches_everything", "says_how_long") for case in _ending(name)),
    ),
    timeout=0.5,
)

FUNCTIONS: tuple[Function, ...] = (
    RETURNS,
    EVENTS,
    RAISES,
    *LOADS,
    ENDS,
    CONTEXTS,
    ENVIRONMENT,
    MODULE,
    *LOGS,
    STATE,
    STATE_OF_A_PROCESS,
    SLOW,
    SIZES,
)
