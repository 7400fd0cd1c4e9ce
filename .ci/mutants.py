"""Changes to error tables, beside those that cosmic-ray knows: a row less, another error, another word on what ran."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import cosmic_ray.plugins
from cosmic_ray.operators.operator import Operator
from parso.python.tree import ImportFrom, Name, PythonLeaf, PythonNode, String

__all__ = ["register"]

_Position = tuple[tuple[int, int], tuple[int, int]]


class DropRow(Operator):
    """Takes one entry out of a dict or a set."""

    def mutation_positions(self, node: Any) -> Iterator[_Position]:
        if isinstance(node, PythonNode) and node.type == "dictorsetmaker" and "comp_for" not in node.children[-1].type:
            for row in self._rows(node):
                yield row[0].start_pos, row[-1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        gone = self._rows(node)[index]
        node.children = [child for child in node.children if not any(child is part for part in gone)]
        return node

    @staticmethod
    def _rows(node: Any) -> list[list[Any]]:
        """The entries, each with the comma behind it."""
        rows: list[list[Any]] = [[]]
        for child in node.children:
            rows[-1].append(child)
            if child == ",":
                rows.append([])
        return [row for row in rows if row]

    @classmethod
    def examples(cls) -> Iterable[Any]:
        return ()


class DropWord(Operator):
    """Takes one name out of a text that lists names, such as ``"NotReady Pending Updating"``."""

    _LIST = re.compile(r'"[A-Z]\w+(?: [A-Z]\w+)+ ?"')

    def mutation_positions(self, node: Any) -> Iterator[_Position]:
        if isinstance(node, String) and self._LIST.fullmatch(node.value):
            for _ in node.value[1:-1].split():
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        words = node.value[1:-1].split()
        del words[index]
        node.value = f'"{" ".join(words)} "'
        return node

    @classmethod
    def examples(cls) -> Iterable[Any]:
        return ()


class OtherError(Operator):
    """Takes another error: the one that the module imports next."""

    def mutation_positions(self, node: Any) -> Iterator[_Position]:
        errors = _errors_of(node) if isinstance(node, Name) and _is_used(node) else []
        if len(errors) > 1 and node.value in errors:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        errors = _errors_of(node)
        node.value = errors[(errors.index(node.value) + 1) % len(errors)]
        return node

    @classmethod
    def examples(cls) -> Iterable[Any]:
        return ()


class OtherExecuted(Operator):
    """Says another thing of whether the function ran: doubt where there was none, and none where there was."""

    _OTHERS: ClassVar = {"NO": "MAYBE", "YES": "MAYBE", "MAYBE": "NO", "_NO": "_MAYBE", "_MAYBE": "_NO"}

    def mutation_positions(self, node: Any) -> Iterator[_Position]:
        if isinstance(node, Name) and node.value in self._OTHERS and _is_used(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.value = self._OTHERS[node.value]
        return node

    @classmethod
    def examples(cls) -> Iterable[Any]:
        return ()


class OtherException(Operator):
    """Waits for an exception that nobody raises. cosmic-ray's own one does not know names with a dot."""

    def mutation_positions(self, node: Any) -> Iterator[_Position]:
        for caught in self._caught(node):
            yield caught.start_pos, caught.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        gone = self._caught(node)[index]
        siblings = gone.parent.children
        siblings[siblings.index(gone)] = Name(" FloatingPointError", gone.start_pos)
        return node

    @staticmethod
    def _caught(node: Any) -> list[Any]:
        """The classes of an ``except``."""
        if node.type != "except_clause":
            return []
        caught = node.children[1]
        if caught.type != "atom":
            return [caught]
        inside = caught.children[1]
        return [each for each in inside.children if each != ","] if inside.type == "testlist_comp" else [inside]

    @classmethod
    def examples(cls) -> Iterable[Any]:
        return ()


def register() -> None:
    """Have cosmic-ray make these changes too."""
    operators = {each.__name__: each for each in (DropRow, DropWord, OtherError, OtherException, OtherExecuted)}
    cosmic_ray.plugins.OPERATOR_PROVIDERS["tables"] = operators


def _is_used(name: PythonLeaf) -> bool:
    """Whether the name stands for its value: not where it is imported or set."""
    return name.search_ancestor("import_from", "import_name") is None and not name.is_definition()


def _errors_of(node: Any) -> list[str]:
    """The errors that the node's module imports."""
    imports = (each for each in node.get_root_node().iter_imports() if isinstance(each, ImportFrom))
    names = (name.value for each in imports for name in each.get_defined_names())
    return sorted(name for name in names if name.endswith("Error"))
