"""Severity: what an attacker gains, on one scale for every rule."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """How bad a finding is; ordered, so that thresholds compare."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The lower-case word that files and reports use."""
        return self.name.lower()


SEVERITIES = {severity.label: severity for severity in Severity}
"""Every severity by its label."""
