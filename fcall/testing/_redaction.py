"""Redaction: what is written into a file that others will read, with what may be a secret taken out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from fcall import _json
from fcall._wording import a_kind
from fcall.errors import InvalidParamsError

__all__ = ["Redaction"]

_MASK = "***"
_WORDS = (
    "accesskey",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "signature",
    "token",
)
# Key ids of AWS and of Alibaba Cloud, bearer tokens, signed tokens (JWT), what stands before a URL's host, and PEM.
_SHAPES = (
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bLTAI[0-9A-Za-z]{12,}\b|(?<=[Bb]earer )\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]+"
    r"|(?<=://)[^\s/:@]*+:[^\s/@]++(?=@)|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
# What follows the name of a secret in a query, a header, or an object that somebody printed.
_SAID = r"""([\w.-]*+\\*["']?\s*[=:]\s*(?:\\*["'])?(?:(?:Basic|Bearer) )?)((?<=["'])[^"'\\]++|[^\s&;,"'\\<>{}\[\]]++)"""

_LONE = re.compile("[\ud800-\udfff]")  # lone surrogates, which JSON carries by their numbers alone


class Redaction:
    """Takes secrets out of payloads and texts, the same ones to the same mask every time.

    Args:
        words: parts of the names of further members whose values are secrets.
        secrets: texts that are secrets wherever they stand.
    """

    def __init__(self, words: Iterable[str], secrets: Iterable[str]) -> None:
        self._words = (*_WORDS, *filter(None, map(_plain, _texts("redact", words))))
        literal = sorted(_texts("secrets", secrets), key=len, reverse=True)
        self._shapes = re.compile("|".join([*map(re.escape, literal), _SHAPES]), re.DOTALL)
        self._said = re.compile(f"({'|'.join(map('[ _.-]?'.join, self._words))}){_SAID}", re.IGNORECASE)

    def text(self, text: str) -> str:
        """The text without the secrets that it names, or shows by their shape, or that are known."""
        return self._said.sub(rf"\1\2{_MASK}", self._shapes.sub(_MASK, text))

    def payload(self, payload: bytes) -> bytes:
        """The payload without secrets; byte for byte the same where there are none."""
        # What is no UTF-8 may still have texts in it that are known.
        return self._document(payload.decode(errors="surrogateescape")).encode(errors="surrogateescape")

    def _document(self, text: str) -> str:
        """A text, which may be JSON; the same one where there is nothing to mask."""
        try:
            value = _json.decode(text.encode())
            masked = self._masked(value)
        except (ValueError, RecursionError):
            return self.text(text)
        if masked == value:
            return text
        written = json.dumps(masked, ensure_ascii=False)
        return json.dumps(masked) if _LONE.search(written) else written

    def _masked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._shapes.sub(_MASK, name): self._member(name, each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._masked(each) for each in value]
        if isinstance(value, str):  # which may be a document again, as the body of a request that a gateway hands on is
            return self._document(value) if value.lstrip()[:1] in ("{", "[", '"') else self.text(value)
        return 0 if _is_number(value) and self._shapes.search(str(value)) else value

    def _member(self, name: str, value: Any) -> Any:
        plain = _plain(name)
        return self._hidden(value) if any(word in plain for word in self._words) else self._masked(value)

    def _hidden(self, value: Any) -> Any:
        """What has the value's shape and nothing of what it says: whoever reads it when it is played still can."""
        if isinstance(value, dict):
            return {self._shapes.sub(_MASK, name): self._hidden(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._hidden(each) for each in value]
        return _MASK if isinstance(value, str) else 0 if _is_number(value) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _texts(what: str, given: Iterable[str]) -> list[str]:
    texts = [given] if isinstance(given, str) else list(given)
    for text in texts:
        if not isinstance(text, str) or not text:
            raise InvalidParamsError(f"{what} is texts that are not empty, and one of them is {a_kind(text)}")
    return texts
