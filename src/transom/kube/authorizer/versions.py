"""What the authorizer does differently in earlier versions of Kubernetes."""

from __future__ import annotations

Version = tuple[int, int]
LATEST: Version = (1, 36)

SINCE: dict[str, Version] = {
    "AuthorizeWithSelectors": (1, 32),
    "AuthorizeNodeWithSelectors": (1, 32),
    "KubeletFineGrainedAuthz": (1, 33),
    "KubeletServiceAccountTokenForCredentialProviders": (1, 34),
    "AuthorizePodWebsocketUpgradeCreatePermission": (1, 35),
    "ConstrainedImpersonation": (1, 36),
}
"""Feature gates that change who may do what, and the version from which they are on unless turned off."""


def has(version: Version, feature: str) -> bool:
    """Tell whether a version has a feature on by default."""
    return version >= SINCE[feature]


def verbs_that_stream(version: Version) -> tuple[str, ...]:
    """Return the verbs of which one is enough for exec, attach and port-forward.

    Before 1.35 a WebSocket, which begins as a GET, needed `get` only; since then `create` is asked for as well.
    """
    return ("create",) if has(version, "AuthorizePodWebsocketUpgradeCreatePermission") else ("create", "get")
