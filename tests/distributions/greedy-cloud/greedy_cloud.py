"""A plugin that wants to be the local provider."""

raise AssertionError("the built-in provider is never looked up among plugins")
