"""Whether a signer is one who may sign: issuer and identity both, and what the certificate says of a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from transom.images.signatures.refusing import RefusedError
from transom.model.errors import TransomError
from transom.model.signatures import Identity, Problem, Signer

PATTERNS_KEPT = 1_000  # of all policies
MAX_TOLD_CHARS = 200  # of what a certificate says, in a message


def check_signer(signer: Signer, identities: Sequence[Identity]) -> None:
    """Raise RefusedError where a signer is none of those who may sign: by the word that came nearest."""
    refusals = []
    for identity in identities:
        try:
            _check(signer, identity)
        except RefusedError as error:
            refusals.append(error)
        else:
            return
    raise max(refusals, key=lambda each: list(Problem).index(each.problem))


def _check(signer: Signer, identity: Identity) -> None:
    if not _is(signer.issuer, identity.issuer, identity.issuer_regexp):
        wanted = identity.issuer or f"one like {identity.issuer_regexp}"
        found = signer.issuer[:MAX_TOLD_CHARS] or "nobody"
        why = f"{signer.subject[:MAX_TOLD_CHARS]} is vouched for by {found}, not by {wanted}"
        raise RefusedError(Problem.ISSUER, why)
    if not _is(signer.subject, identity.subject, identity.subject_regexp):
        wanted = identity.subject or f"one like {identity.subject_regexp}"
        raise RefusedError(Problem.IDENTITY, f"it is signed by {signer.subject[:MAX_TOLD_CHARS]}, not by {wanted}")
    for name, wanted in identity.claims.items():
        found = signer.claims.get(name, "")
        if found != wanted:
            why = f"its certificate says {name} {found[:MAX_TOLD_CHARS]!r}, not {wanted!r}"
            raise RefusedError(Problem.CLAIM, why)


def _is(found: str, exact: str, pattern: str) -> bool:
    if exact:
        return found == exact
    return bool(found) and pattern_of(pattern).fullmatch(found) is not None


@lru_cache(PATTERNS_KEPT)
def pattern_of(text: str) -> Any:
    """Return an RE2 expression, compiled once; raises TransomError."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise TransomError(f"{text[:80]!r} is no expression of RE2", str(error), "correct it") from error
