"""Frameworks: the standards that people are held to, as controls and the rules that serve them."""

from __future__ import annotations

from msgspec import Struct


class Control(Struct, frozen=True, forbid_unknown_fields=True):
    """One demand of a framework: its id there, what it asks in a few words of ours, and the rules that serve it.

    undecided: why no object decides it, where there are no rules.
    """

    id: str
    title: str
    rules: tuple[str, ...]
    undecided: str = ""


class Framework(Struct, frozen=True, forbid_unknown_fields=True):
    """One standard at one version. source: the address of its text, told and never read."""

    id: str
    title: str
    version: str
    source: str
    controls: tuple[Control, ...]

    @property
    def name(self) -> str:
        """What a person calls it, with the version."""
        return f"{self.title} {self.version}"

    @property
    def rules(self) -> frozenset[str]:
        """The ids of all rules that serve a control of it."""
        return frozenset(rule for control in self.controls for rule in control.rules)
