"""Frozen dataclasses that are made quickly are as good as those that are made slowly."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from fcall._frozen import maker


@dataclass(frozen=True, slots=True)
class Point:
    """A class with a default, a factory and a field that is not shown."""

    x: int
    y: int = 0
    secret: str = field(default="", repr=False)
    more: Mapping[str, int] = field(default_factory=dict, compare=False)


make = maker(Point)


def test_it_is_what_the_class_makes() -> None:
    """Equal, of the same class, and shown in the same way."""
    quick, slow = make(1, 2, "s3cr3t", {}), Point(1, 2, "s3cr3t")

    assert slow == quick
    assert type(slow) is type(quick)
    assert hash(slow) == hash(quick)
    assert "Point(x=1, y=2, more={})" == repr(quick)


def test_it_is_frozen() -> None:
    """No field of it can be set, and no other attribute."""
    quick = make(1, 2, "", {})
    with pytest.raises(FrozenInstanceError):
        quick.x = 3  # type: ignore[misc]

    assert 1 == quick.x
    assert not hasattr(quick, "__dict__")


def test_it_travels() -> None:
    """Copied, pickled or changed in one field, it is what it was."""
    quick = make(1, 2, "", {"a": 1})

    assert [quick] * 2 == [copy.deepcopy(quick), pickle.loads(pickle.dumps(quick))]
    assert Point(1, 3) == replace(quick, y=3)


@pytest.mark.parametrize("values", [(), (1, 2, ""), (1, 2, "", {}, 5)])
def test_every_field_is_given(values: tuple[object, ...]) -> None:
    """A field too few or too many is a mistake of the code that makes it."""
    with pytest.raises(TypeError):
        make(*values)
