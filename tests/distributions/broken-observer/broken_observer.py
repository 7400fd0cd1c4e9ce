"""An observer whose import wants to end the process."""

raise SystemExit("this observer has seen enough")
