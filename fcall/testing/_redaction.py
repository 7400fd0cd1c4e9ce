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
    "secret",
    "signature",
    "token",
)
# Key ids of AWS and of Alibaba Cloud, bearer tokens, and signed tokens (JWT).
_SHAPES = r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bLTAI[0-9A-Za-z]{12,}\b|(?<=Bearer )\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]+"


class Redaction:
    """Takes secrets out of payloads and texts, the same ones to the same mask every time.

    Args:
        words: parts of the names of further members whose values are secrets.
        secrets: texts that are secrets wherever they stand.
    """

    def __init__(self, words: Iterable[str], secrets: Iterable[str]) -> None:
        self._words = (*_WORDS, *map(_plain, _texts("redact", words)))
        literal = sorted(_texts("secrets", secrets), key=len, reverse=True)
        self._shapes = re.compile("|".join([*map(re.escape, literal), _SHAPES]))

    def text(self, text: str) -> str:
        """The text without the secrets that it shows by their shape or that are known."""
        return self._shapes.sub(_MASK, text)

    def payload(self, payload: bytes) -> bytes:
        """The payload without secrets; byte for byte the same where there are none."""
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            return payload
        try:
            value = _json.decode(payload)
        except (ValueError, RecursionError):
            return self.text(text).encode()
        masked = self._masked(value)
        return payload if masked == value else json.dumps(masked, ensure_ascii=False).encode()

    def _masked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._member(name, each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._masked(each) for each in value]
        return self.text(value) if isinstance(value, str) else value

    def _member(self, name: str, value: Any) -> Any:
        plain = _plain(name)
        is_secret = value is not None and any(word in plain for word in self._words)
        return _MASK if is_secret else self._masked(value)


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


def _texts(what: str, given: Iterable[str]) -> list[str]:
    texts = [given] if isinstance(given, str) else list(given)
    for text in texts:
        if not isinstance(text, str) or not text:
            raise InvalidParamsError(f"{what} is texts that are not empty, and one of them is {a_kind(text)}")
    return texts
