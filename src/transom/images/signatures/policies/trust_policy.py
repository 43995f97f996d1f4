"""Notation's trust policy (trustpolicy.json, version 1.0): which certificates may sign which repositories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography import x509
from msgspec import Struct

from transom.images.signatures.names import glob
from transom.images.signatures.policies.shape import shaped
from transom.model.errors import TransomError, UsageError
from transom.model.signatures import Authority, ImagePolicy, X509Rule

VALIDATIONS = ("authenticity", "authenticTimestamp", "expiry", "revocation")
LEVELS: dict[str, frozenset[str]] = {
    "strict": frozenset(VALIDATIONS),
    "permissive": frozenset(("authenticity",)),
    "audit": frozenset(),
    "skip": frozenset(),
}
"""What each level enforces; integrity is enforced by all but skip."""
SUBJECT = "x509.subject:"


class _Verification(Struct, rename="camel", forbid_unknown_fields=True):
    level: str
    override: dict[str, str] = {}
    verify_timestamp: str = ""


class _Policy(Struct, rename="camel"):
    name: str
    registry_scopes: list[str]
    signature_verification: _Verification
    trust_stores: list[str] = []
    trusted_identities: list[str] = []


class _Document(Struct, rename="camel"):
    version: str
    trust_policies: list[_Policy]


def read(value: Any, file: str, where: str) -> Iterator[ImagePolicy]:
    """Yield the policies of a trust policy document; raises UsageError where it cannot be meant."""
    found = shaped(value, _Document, where)
    if found.version != "1.0":
        raise UsageError(
            f"cannot read the trust policy in {where}", f"its version is {found.version[:20]!r}", "write 1.0"
        )
    for each in found.trust_policies:
        try:
            yield _policy(each, file)
        except TransomError as error:
            raise UsageError(
                f"cannot read the policy {each.name} in {where}: {error.what}", error.why, error.next_step
            ) from error


def _policy(found: _Policy, file: str) -> ImagePolicy:
    level = found.signature_verification.level
    everywhere = "*" in found.registry_scopes
    if level not in LEVELS:
        raise UsageError(f"there is no level {level[:40]!r}", "", f"choose from {', '.join(LEVELS)}")
    if level == "skip" and everywhere:
        raise UsageError("level skip for every repository", "nothing would be verified", "name the repositories")
    images = (
        ("**",) if everywhere else tuple(pattern for scope in found.registry_scopes for pattern in _patterns(scope))
    )
    authority = Authority(found.name, static="pass") if level == "skip" else _authority(found, level)
    return ImagePolicy(found.name, images, (authority,), otherwise=everywhere, enforced=level != "audit", file=file)


def _patterns(scope: str) -> tuple[str, ...]:
    if "*" in scope:
        raise UsageError(f"{scope[:80]!r} is no scope", "a scope is one repository, or * alone", "name the repository")
    glob(scope)
    return f"{scope}:*", f"{scope}@*"


def _authority(found: _Policy, level: str) -> Authority:
    enforced = set(LEVELS[level])
    for name, action in found.signature_verification.override.items():
        if name not in VALIDATIONS or action not in ("enforce", "log", "skip"):
            raise UsageError(
                f"{name[:40]}: {action[:20]} cannot be overridden", "", f"choose from {', '.join(VALIDATIONS)}"
            )
        (enforced.add if action == "enforce" else enforced.discard)(name)
    if not found.trust_stores or not found.trusted_identities:
        raise UsageError("it names no trust store or no identity", "", 'name both; "*" is any identity')
    subjects = tuple(_subject(each) for each in found.trusted_identities)
    return Authority(found.name, x509=X509Rule(tuple(found.trust_stores), subjects, frozenset(enforced)))


def _subject(text: str) -> str:
    if text == "*":
        return text
    subject = text.removeprefix(SUBJECT).strip()
    try:
        if not text.startswith(SUBJECT):
            raise ValueError("it does not begin with x509.subject:")
        x509.Name.from_rfc4514_string(_with_known_names(subject))
    except ValueError as error:
        raise UsageError(f"{text[:80]!r} is no identity", str(error), "write x509.subject: C=…, O=…, CN=…") from error
    return _with_known_names(subject)


def _with_known_names(subject: str) -> str:
    """Return a distinguished name without the blanks after commas that people write, and `S` for a state as `ST`."""
    parts = (each.strip() for each in subject.replace("\\,", "\0").split(","))
    named = ("ST=" + each[2:] if each.startswith("S=") else each for each in parts)
    return ",".join(named).replace("\0", "\\,")
