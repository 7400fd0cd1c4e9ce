"""What the context says; the event says what is asked."""


def handler(event, context):
    return globals()[event.partition(" ")[0]](context)


def shown(context):
    return repr(context)


def members(context):
    return sorted(name for name in dir(context) if not name.startswith("_"))


def types_of_members(context):
    return {
        name: type(getattr(context, name)).__name__
        for name in members(context)
        if not callable(getattr(context, name)) and name not in ("client_context", "identity")
    }


def class_name(context):
    return type(context).__name__


def function_name(context):
    return context.function_name


def function_version(context):
    return context.function_version


def invoked_function_arn(context):
    return context.invoked_function_arn


def memory_limit(context):
    return context.memory_limit_in_mb


def log_names(context):
    return [context.log_group_name, context.log_stream_name]


def request_id(context):
    return context.aws_request_id


def tenant(context):
    return context.tenant_id


def remaining_time(context):
    left = context.get_remaining_time_in_millis()
    return [type(left).__name__, 0 < left <= 3000]


def remaining_time_falls(context):
    first = context.get_remaining_time_in_millis()
    for _ in range(10_000_000):
        if context.get_remaining_time_in_millis() < first:
            return True
    return False


def identity(context):
    who = context.identity
    return [repr(who), who.cognito_identity_id, who.cognito_identity_pool_id, type(who).__name__]


def identity_takes_no_more(context):
    context.identity.more = 1


def attributes_can_be_set(context):
    context.function_name = "renamed"
    context.extra = 1
    return [context.function_name, context.extra]


def missing_attribute(context):
    return context.missing


def client_context(context):
    client = context.client_context
    return None if client is None else [repr(client), client.custom, client.env, type(client).__name__]


def client_of_it(context):
    client = context.client_context.client
    return None if client is None else [repr(client), client.app_title, client.installation_id, type(client).__name__]


def members_of_it(context):
    return sorted(name for name in dir(context.client_context) if not name.startswith("_"))


def other_key_of_it(context):
    return context.client_context.other


def trace(context):
    return context.w3c()


def trace_is_a_copy(context):
    context.w3c()["traceparent"] = "changed"
    return context.w3c()


def logged(context):
    context.log("as it is, ")
    context.log(42)
    context.log("\n")
    return context.log("")
