"""What must stay secret: long-lived tokens, and credentials where everyone can read them."""

from __future__ import annotations

from transom.rules.window import window

CHECKS: dict[str, str] = {
    "bootstrap-token-without-end": "transom.secrets.tokens:bootstrap_without_end",
    "known-credential-in-configmap": "transom.secrets.credentials:credential_in_settings",
    "known-credential-in-pod": "transom.secrets.credentials:credential_in_pod",
}
"""The checks of this window: rule id, and `module:function`."""

assess = window("secrets", CHECKS)
