"""A module that cannot be imported."""

import no_module_of_this_name as no_module_of_this_name


def handler(event, context):
    return None
