"""Who may do what: roles that hand out the cluster, and bindings that hand them to too many."""

from __future__ import annotations

from transom.rules.window import window

CHECKS: dict[str, str] = {
    "bound-account-missing": "transom.identity.accounts:bound_account_missing",
    "default-role-widened": "transom.identity.defaults:widened",
    "role-missing": "transom.identity.accounts:role_missing",
    "service-account-missing": "transom.identity.accounts:account_missing",
    "service-account-shared": "transom.identity.accounts:account_shared",
}
"""The checks of this window: rule id, and `module:function`."""

assess = window("identity", CHECKS)
