"""Playbooks: their vocabulary, and what can be said of one before it runs."""

from pathlib import Path

#: The shipped ones.
PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
