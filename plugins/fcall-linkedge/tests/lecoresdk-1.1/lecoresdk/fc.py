"""Calls in the shape of lecoresdk 1.1: the gateway's modules in a package, one step, a context that it encodes."""

import base64
import json
import logging

from runtime_utils import config, fc_error, ipc_wrapper, sync, utils


class Client:
    def __init__(self):
        self.ipc = ipc_wrapper.ipc
        self.waiting = sync.SyncMsg_Event()

    def invoke_function(self, params):
        kind = params.get("invocationType", config.INVOCATION_TYPE_SYNC)
        function_id = _function_id(params)
        payload = params.get("payload", "")
        known = kind in (config.INVOCATION_TYPE_SYNC, config.INVOCATION_TYPE_ASYNC)
        if not known or not isinstance(function_id, str) or not isinstance(payload, (str, bytes)):
            logging.error("invalid parameter")
            return fc_error.PY_RUNTIME_ERROR_INVAILD_PARAM
        reply = self.ipc.invokeTask(function_id, _context(params), kind, payload)
        if kind == config.INVOCATION_TYPE_ASYNC:
            return _accepted(reply)
        return _result(reply)


def _function_id(params):
    if utils.check_param(params, "functionId"):
        return params["functionId"]
    names = [params.get("serviceName"), params.get("functionName")]
    if not all(name and isinstance(name, str) for name in names):
        return None
    return utils.buildArnString("", "", *names)


def _context(params):
    if "invokerContext" not in params:
        return ""
    context = params["invokerContext"]
    text = context if isinstance(context, str) else json.dumps(context)
    return base64.standard_b64encode(text.encode()).decode()


def _accepted(reply):
    if reply is None or "msg" not in reply:
        return "fail"
    message = reply["msg"]
    return "success" if message.get("statusCode") == 200 and "headers" in message else None


def _result(reply):
    if reply is None or "msg" not in reply:
        logging.error("no answer")
        return None
    message = reply["msg"]
    logging.debug("answer: %s", message)
    return {
        "statusCode": message["statusCode"],
        "functionError": message.get("headers", {}).get(config.HEADER_FUNCTION_ERROR, ""),
        "payload": message.get("body", ""),
    }
