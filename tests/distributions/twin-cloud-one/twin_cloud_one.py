"""One of two that bring the same provider."""

raise AssertionError("which of two is meant is not decided by importing one")
