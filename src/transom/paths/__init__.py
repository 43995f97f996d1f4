"""Attack paths: what the windows see, joined; from what the outside reaches to everything, in the fewest steps."""

from __future__ import annotations

from transom.rules.window import window

CHECKS: dict[str, str] = {
    "exposed-path-to-cloud": "transom.paths.leads:leads_on",
    "exposed-path-to-everything": "transom.paths.leads:leads_on",
    "exposed-path-to-node": "transom.paths.leads:leads_on",
    "exposed-path-to-secrets": "transom.paths.leads:leads_on",
}
"""The checks that see all windows at once: rule id, and `module:function`."""

assess = window("paths", CHECKS)
