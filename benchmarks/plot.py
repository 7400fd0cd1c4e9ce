"""A plot of bars, as an SVG file: nothing has to be installed for it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

__all__ = ["bars"]

_ROW, _GAP, _LABEL, _BAR, _NUMBER = 20, 26, 250, 380, 90
_OURS, _THEIRS = "#2a6fb0", "#b9c0c8"


def bars(groups: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """The text of the file: for each group its bars, each as long as its share of the group's longest.

    Args:
        groups: for the name of each group, a number by name. The names that begin with fcall stand out.
        unit: what the numbers count.
    """
    lines, y = [], 4
    for title, numbers in groups.items():
        y += _GAP
        lines.append(_text(0, y - 8, f"{title}, {unit}", bold=True))
        longest = max(numbers.values())
        for name, number in numbers.items():
            lines += _bar(y, name, number, number / longest)
            y += _ROW
    width, height = _LABEL + _BAR + _NUMBER, y + 6
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    style = "<style>text{font:12px sans-serif;fill:#222}</style>"
    paper = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([head, style, paper, *lines, "</svg>", ""])


def _bar(y: int, name: str, number: float, share: float) -> list[str]:
    length = max(1, round(share * _BAR))
    colour = _OURS if name.startswith("fcall") else _THEIRS
    return [
        _text(12, y + 14, name),
        f'<rect x="{_LABEL}" y="{y + 3}" width="{length}" height="{_ROW - 6}" fill="{colour}"/>',
        _text(_LABEL + length + 6, y + 14, f"{number:,.0f}"),
    ]


def _text(x: int, y: int, words: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}"{weight}>{escape(words)}</text>'
