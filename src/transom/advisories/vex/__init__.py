"""VEX: what those who know a product say of vulnerabilities in it (OpenVEX, CycloneDX, CSAF), in and out."""

from __future__ import annotations

from transom.advisories.vex.reading import read_vex
from transom.advisories.vex.statements import Said, Status, Vex

__all__ = ["Said", "Status", "Vex", "read_vex"]
