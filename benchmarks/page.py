"""The page of the figures: each has its place in ``docs/benchmarks.md``, and maybe a plot beside the page."""

from __future__ import annotations

from pathlib import Path

__all__ = ["put"]

_DOCS = Path(__file__).parent.parent / "docs"
_PAGE = _DOCS / "benchmarks.md"


def put(figure: str, text: str, plot: str | None) -> None:
    """Replace what the page says of a figure.

    Args:
        figure: its name, which the page has in two comments: what is between them is replaced.
        text: what is written there.
        plot: an SVG file, or None.
    """
    begin, end = f"<!-- {figure} begins -->", f"<!-- {figure} ends -->"
    before, _, rest = _PAGE.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise LookupError(f"docs/benchmarks.md has no place for {figure}")
    if plot is not None:
        (_DOCS / "_static" / f"benchmark-{figure}.svg").write_text(plot, encoding="utf-8")
        text += f"\n\n![{figure} as bars](_static/benchmark-{figure}.svg)"
    _PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
