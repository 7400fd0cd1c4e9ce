"""A wire API that no vendor has, for tests of the server, with its client and functions to be called."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from fcall.errors import FcallError, FunctionError
from fcall.serve import Answer, Call, Catalogue, Function, Keys, Outcome, Request, Server

__all__ = ["HANDLERS", "ToyApi", "asked", "listed"]

HANDLERS = """
import os, sys, time

def echo(event, context):
    return event

def service_of(event, context):
    return context.function_name

def boom(event, context):
    raise ValueError("no good")

def leave(event, context):
    sys.exit(3)

def crash(event, context):
    os._exit(3)

def flood(event, context):
    for _ in range(300):
        print("x" * 10_000)
        print("y" * 10_000, file=sys.stderr)
    return "flooded"

def hang(event, context):
    time.sleep(event)

def _private(event, context): ...
def too_few(event): ...
def too_many(event, context, more): ...
"""


class ToyApi:
    """``POST /toy/[service/]function?type=Sync&log=1`` calls a function, ``GET /toy/`` lists them."""

    name = "toy"
    title = "Toy"
    runtime: Literal["lambda"] = "lambda"

    def owns(self, path: str) -> bool:
        return path.startswith("/toy/")

    def verify(self, request: Request, keys: Keys) -> Answer | None:
        signed = request.headers.get("x-key", "").partition(":")
        return None if keys.get(signed[0]) == signed[2] else _answer(403, error="unsigned")

    def read(self, request: Request, catalogue: Catalogue) -> Call | Answer:
        if request.body == b"break the API":
            raise ZeroDivisionError
        *service, name = request.path.removeprefix("/toy/").split("/")
        if request.method == "GET":
            return _answer(200, names=[each.name for each in catalogue.functions()])
        said: dict[str, Any] = dict(parse_qsl(request.target.partition("?")[2]))
        function = catalogue.find(name, service[0] if service else None)
        if function is None or catalogue.version(said.get("version")) is None:
            return _answer(404, error="missing")
        type_, wants_log = said.get("type", "Sync"), "log" in said
        return Call(function, service[0] if service else None, type_, request.body, log_tail=wants_log)

    def answer(self, call: Call, outcome: Outcome) -> Answer:
        facts = {"id": outcome.request_id}
        if isinstance(outcome, FunctionError):
            return _answer(200, error=outcome.error_type, log=outcome.log_tail, **facts)
        if isinstance(outcome, FcallError):
            return _answer(400, error=type(outcome).__name__, **facts)
        payload = outcome.payload.decode()
        return _answer(outcome.status_code if outcome.status_code != 204 else 200, payload=payload, **facts)

    def problem(self, request: Request, status: int, message: str) -> Answer:
        return _answer(status, error=message)

    def usage(self, url: str, function: Function) -> Mapping[str, Sequence[str]]:
        return {"curl": (f"curl --data '{{}}' {url}/toy/{function.name}",)}


def _answer(status: int, **content: Any) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),), json.dumps(content).encode())


def asked(
    server: Server, path: str, body: bytes | None = b"{}", method: str = "POST", **headers: str
) -> tuple[int, Any]:
    """Status and document of an answer of the server."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = answer.read()
        is_json = answer.headers.get("Content-Type") == "application/json"
        return answer.status, json.loads(content) if is_json else content.decode()
    finally:
        connection.close()


def listed(server: Server) -> list[str]:
    """The names of the functions that are served."""
    names: list[str] = asked(server, "/toy/", None, "GET")[1]["names"]
    return names
