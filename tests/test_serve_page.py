"""The page for people: what it is made of, what its form does, and how it is in a real browser."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import fcall

for _module in ("uvicorn", "httptools"):
    pytest.importorskip(_module, reason=f"{_module} is not installed, which serving needs")

from toy_api import ToyApi  # noqa: E402 - it needs nothing, and nothing needs it where serving is skipped

from fcall.serve import Server  # noqa: E402

TOKEN = "sixteen characters"

HANDLERS = """
def area(event, context):
    print("measuring")
    return event["width"] * event["height"]

def markup(event, context):
    return "<img src=x onerror=document.title='broken'>"

def boom(event, context):
    raise ValueError("<b>no good</b>")

def echo(event, context):
    return event

def long(event, context):
    return [0] * event
"""

BROWSER = [
    *("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


class _FcToyApi(ToyApi):
    runtime = "fc"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of three functions, each in a process of its own."""
    Path("app.py").write_text(HANDLERS)
    fcall.local.forget_calls()
    with Server("app.py", apis=[ToyApi()], isolation="process", async_retries=1, async_pause=0) as server:
        yield server
        assert fcall.local.drain(60)


def got(url: str, data: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urlopen(Request(url, data, headers), timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except HTTPError as error:
        return error.code, dict(error.headers), error.read()


def called(server: Server, query: str, event: bytes = b"{}", **headers: str) -> tuple[int, dict[str, Any]]:
    status, _, body = got(f"{server.url}/_fcall/call/lambda?{query}", event, **headers)
    return status, json.loads(body)


def test_it_is_complete_in_itself(server: Server) -> None:
    """The page loads its own style and script, nothing from elsewhere, and the browser is told to keep it so."""
    pages = {path: got(server.url + path) for path in ("/", "/_fcall/page.css", "/_fcall/page.js")}
    kinds = [headers["content-type"] for _, headers, _ in pages.values()]
    text = b"".join(body for _, _, body in pages.values()).decode()

    assert ["text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"] == kinds
    assert [] == re.findall(r"""(?:https?:)?//[a-z]|\bon[a-z]+="|style="|innerHTML""", text)
    for _, headers, _ in pages.values():
        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert ("DENY", "no-store") == (headers["x-frame-options"], headers["cache-control"])


def test_the_form_calls_a_function(server: Server) -> None:
    """It brings the answer and the log, and the call is one of the server's."""
    status, answer = called(server, "function=area&type=Sync", b'{"width": 3, "height": 4}')

    assert (200, "ok", "12") == (status, answer["outcome"], answer["payload"])
    assert "measuring\n" in answer["logTail"]
    (entry,) = server.calls()
    assert ("page", "area", "Sync", "ok") == (entry.api, entry.function, entry.type, entry.outcome)


def test_the_form_shows_a_failure(server: Server) -> None:
    """With its class, whether the function ran, and what the function says of it."""
    status, answer = called(server, "function=boom&type=Sync")

    assert (200, "FunctionError", "YES") == (status, answer["outcome"], answer["executed"])
    assert ("ValueError", "<b>no good</b>") == (answer["errorType"], answer["errorMessage"])
    assert "in boom" in answer["stackTrace"][0]


def test_the_form_checks_and_enqueues(server: Server) -> None:
    """DryRun runs nothing, and an accepted event that fails to the last is a dead letter."""
    dry = called(server, "function=boom&type=DryRun")[1]
    accepted = called(server, "function=boom&type=Async")[1]
    assert fcall.local.drain(60)
    attempts = json.loads(got(server.url + "/_fcall/state")[2])["queue"]["attempts"]

    assert ["ok", "ok"] == [dry["outcome"], accepted["outcome"]]
    assert [(accepted["requestId"], 2, True), (accepted["requestId"], 1, False)] == [
        (each["requestId"], each["attempt"], each["givenUp"]) for each in attempts
    ]


def test_bytes_are_shown_in_base64() -> None:
    """What is no text is not made one."""
    registry = fcall.local.Registry()
    registry.function("binary")(lambda event, context: b"\xff\xfe")
    with Server(registry=registry, apis=[_FcToyApi()]) as server:
        body = got(f"{server.url}/_fcall/call/fc?function=binary", b"{}")[2]

    assert b"\xff\xfe" == base64.b64decode(json.loads(body)["base64"])


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("function=nobody&type=Sync", 404, "this function is not served any more"),
        ("function=area&type=Later", 400, "the type is Sync, Async or DryRun"),
    ],
)
def test_what_cannot_be_called_is_said(server: Server, query: str, status: int, words: str) -> None:
    """A function that went away and a type that there is not are refusals of the server's."""
    assert (status, {"outcome": "refused", "message": words}) == called(server, query)


def test_a_call_takes_post(server: Server) -> None:
    """A link cannot call a function."""
    assert 405 == got(server.url + "/_fcall/call/lambda?function=area")[0]


def test_other_sites_cannot_use_the_form(server: Server) -> None:
    """A request that a page of another site sends calls nothing."""
    status, _, body = got(server.url + "/_fcall/call/lambda?function=area", b"{}", Origin="http://evil.example")

    assert (403, True) == (status, b"another site" in body)
    assert [] == [*server.calls()]


def test_the_form_asks_for_the_token() -> None:
    """Where the server has a token, the form takes it as the page does, and no signature in its place."""
    registry = fcall.local.Registry()
    registry.function("echo")(lambda event, context: event)
    shown = "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()
    with Server(registry=registry, apis=[ToyApi()], token=TOKEN) as server:
        path = server.url + "/_fcall/call/lambda?function=echo"
        assert 401 == got(path, b"1")[0]
        assert 401 == got(path, b"1", **{"X-Key": f"fcall:{TOKEN}"})[0]
        assert 200 == got(path, b"1", Authorization=shown)[0]


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright drives the browser")
    chromium = os.environ.get("FCALL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed, which the page is tried in")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=BROWSER)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def page(browser: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page, opened; nothing may be wrong in its console at the end."""
    page = browser.new_page(color_scheme=request.param)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(server.url)
    page.wait_for_selector("#function option", state="attached")
    yield page
    page.close()
    assert [] == wrong


def _tab_to(page: Any, selector: str) -> None:
    for _ in range(20):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached with the keyboard")


def test_a_function_is_called_with_the_keyboard_alone(page: Any) -> None:
    """Choose, type an event, call, and read the answer, the log and the entry among the recent calls."""
    _tab_to(page, "#function")
    page.keyboard.press("a")  # the first function that begins so
    _tab_to(page, "#event")
    page.keyboard.press("Control+A")
    page.keyboard.type('{"width": 3, "height": 4}')
    _tab_to(page, "#send")
    page.keyboard.press("Enter")
    page.wait_for_selector(".verdict")
    page.wait_for_selector("#calls .good")

    assert "area: answered" == page.inner_text(".verdict")
    assert "12" == page.inner_text("#result pre >> nth=0")
    assert "measuring" in page.inner_text("#result pre >> nth=1")
    assert "area" == page.inner_text("#calls td >> nth=1")


def test_what_functions_say_stays_text(page: Any) -> None:
    """Markup in an answer or in an error is shown, and never becomes part of the page."""
    for function in ("markup", "boom"):
        page.select_option("#function", function)
        page.focus("#event")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(f".verdict:has-text('{function}')")

    assert "fcall serve" == page.title()
    assert "<b>no good</b>" in page.inner_text("#result pre >> nth=0")
    assert 0 == page.locator("#result img, #result b").count()


def test_a_dead_letter_is_seen(page: Any) -> None:
    """An accepted event that fails to the last is in the queue's table, and the answer says that it was accepted."""
    page.select_option("#function", "boom")
    page.select_option("#type", "Async")
    page.click("#send")
    page.wait_for_selector("#queue .bad")

    assert "boom: accepted; it runs later" == page.inner_text(".verdict")
    assert "dead letter" == page.inner_text("#queue td >> nth=0")
    assert "0 events wait to run, or to run again." == page.inner_text("#waiting")


def test_an_answer_is_indented_and_not_changed(page: Any) -> None:
    """Numbers are shown as the function wrote them, however large, and characters instead of their escapes."""
    page.select_option("#function", "echo")
    page.fill("#event", '{"number": 12345678901234567890, "list": [1.0, [], {}, "a, {b}: \\"\\u00fc\\""]}')
    page.click("#send")
    page.wait_for_selector(".verdict")
    lines = [
        "{",
        '  "number": 12345678901234567890,',
        '  "list": [',
        "    1.0,",
        "    [],",
        "    {},",
        '    "a, {b}: \\"ü\\""',
        "  ]",
        "}",
    ]

    assert lines == page.inner_text("#result pre >> nth=0").split("\n")


def test_a_long_answer_is_shown_in_part(page: Any) -> None:
    """What would keep the browser busy for long is cut, and the page says so."""
    page.select_option("#function", "long")
    page.fill("#event", "50000")
    page.click("#send")
    page.wait_for_selector(".verdict")

    assert 100_000 == len(page.inner_text("#result pre >> nth=0"))
    assert "The first 100000 characters; 50000 more are not shown." in page.inner_text("#result")


def test_the_page_leaves_alone_what_somebody_holds(page: Any) -> None:
    """The focus stays on the button after a call, and what is selected stays so while nothing new is there."""
    page.select_option("#function", "echo")
    page.focus("#send")
    page.keyboard.press("Enter")
    page.wait_for_selector("#calls .good")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#calls .id'))")
    selected = page.evaluate("String(getSelection())")
    for _ in range(2):
        with page.expect_response("**/_fcall/state"):
            pass

    assert "send" == page.evaluate("document.activeElement.id")
    assert 36 == len(selected)
    assert selected == page.evaluate("String(getSelection())")


def test_an_event_that_is_no_json_is_said_to_be_none(page: Any) -> None:
    """It is sent all the same, since a function may be tried with it."""
    page.fill("#event", "{")

    assert "This is not JSON. It is sent as it is." == page.inner_text("#event-note")
    assert "true" == page.get_attribute("#event", "aria-invalid")


def test_its_text_can_be_read(page: Any) -> None:
    """Against the ground it stands on, each kind of text has a contrast of at least 4.5."""
    page.select_option("#function", "boom")
    page.click("#send")
    page.wait_for_selector(".verdict")
    ratios = page.evaluate(
        """() => {
          const light = (channel) => channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
          const of = (color) => {
            const [red, green, blue] = color.match(/[0-9.]+/g).map((part) => light(part / 255));
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
          };
          const ground = (element) => {
            const color = getComputedStyle(element).backgroundColor;
            return color === "rgba(0, 0, 0, 0)" ? ground(element.parentElement) : color;
          };
          const texts = ["h1", "#apis", "h2", "label", "button", ".quiet", ".verdict", "pre", "th", "td", "td.id"];
          return texts.map((selector) => {
            const element = document.querySelector(selector);
            const [one, other] = [of(getComputedStyle(element).color), of(ground(element))].sort((a, b) => b - a);
            return [selector, (one + 0.05) / (other + 0.05)];
          });
        }"""
    )

    assert [] == [(selector, ratio) for selector, ratio in ratios if ratio < 4.5]
