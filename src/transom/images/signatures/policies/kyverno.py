"""Kyverno's verifyImages rules (ClusterPolicy and Policy, kyverno.io/v1 and v2beta1): who must have signed, in their words.

Each set of attestors is a policy of its own, since an image needs them all; of a set as many entries must hold as `count` says, all
by default. What cannot be judged from files is told as such: conditions in JMESPath, keys in Secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from transom.images.signatures.certificates import certificates_of_pem
from transom.images.signatures.identities import pattern_of
from transom.images.signatures.keys import load_keys
from transom.images.signatures.names import glob, repository_named
from transom.images.signatures.policies.shape import shaped
from transom.images.signatures.policies.trust_policy import LEVELS
from transom.images.signatures.provenance import in_full
from transom.images.signatures.refusing import RefusedError
from transom.model.errors import TransomError, UsageError
from transom.model.signatures import AttestationRule, Authority, Identity, ImagePolicy, X509Rule

KINDS = ("ClusterPolicy", "Policy")
GROUP = "kyverno.io/"
BEGIN = "-----BEGIN "


class _Rekor(Struct, rename="camel"):
    url: str = ""
    ignore_tlog: bool = False


class _Keys(Struct, rename="camel"):
    public_keys: str = ""
    kms: str = ""
    secret: dict[str, Any] | None = None
    rekor: _Rekor | None = None


class _Keyless(Struct, rename="camel"):
    subject: str = ""
    issuer: str = ""
    subject_reg_exp: str = ""
    issuer_reg_exp: str = ""
    roots: str = ""
    additional_extensions: dict[str, str] = {}


class _Certificates(Struct, rename="camel"):
    cert: str = ""
    cert_chain: str = ""


class _Entry(Struct):
    keys: _Keys | None = None
    keyless: _Keyless | None = None
    certificates: _Certificates | None = None
    attestor: Any = None
    repository: str = ""


class _Set(Struct):
    entries: list[_Entry] = []
    count: int | None = None


class _Attestation(Struct, rename="camel"):
    name: str = ""
    type: str = ""
    predicate_type: str = ""
    attestors: list[_Set] = []
    conditions: list[Any] = []


class _Verify(Struct, rename="camel"):
    image_references: list[str] = []
    skip_image_references: list[str] = []
    type: str = "Cosign"
    attestors: list[_Set] = []
    attestations: list[_Attestation] = []
    repository: str = ""
    failure_action: str = ""


class _Rule(Struct, rename="camel"):
    name: str
    verify_images: list[_Verify] | None = None


class _Spec(Struct, rename="camel"):
    rules: list[_Rule] = []
    validation_failure_action: str = ""


class _Metadata(Struct):
    name: str = ""


class _Document(Struct, rename="camel"):
    api_version: str
    spec: _Spec
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


def read(value: Any, file: str, where: str) -> Iterator[ImagePolicy]:
    """Yield the policies of a document; raises UsageError where it cannot be meant."""
    found = shaped(value, _Document, where)
    for rule in found.spec.rules:
        for verify in rule.verify_images or ():
            name = f"{found.metadata.name}/{rule.name}"
            action = verify.failure_action or found.spec.validation_failure_action or "Audit"
            try:
                yield from _policies(verify, name, file, action.lower() == "enforce")
            except (TransomError, RefusedError) as error:
                raise UsageError(f"cannot read the policy {name} in {where}", str(error), "correct it") from error


def _policies(found: _Verify, name: str, file: str, enforced: bool) -> Iterator[ImagePolicy]:
    images = tuple(map(_pattern, found.image_references or ["*"]))
    without = tuple(map(_pattern, found.skip_image_references))
    for pattern in (*images, *without):
        glob(pattern)
    asked = [(each, ()) for each in found.attestors]
    for attestation in found.attestations:
        sets = attestation.attestors or found.attestors
        asked += [(each, (_attestation(attestation),)) for each in sets]  # type: ignore[misc]
    if not asked:
        raise UsageError(f"{name} names no attestors", "anybody could have signed", "name some")
    for number, (attestors, rules) in enumerate(asked):
        for together in _together(attestors, f"{name}[{number}]"):
            authorities = tuple(_authority(each, found, rules) for each in together)
            yield ImagePolicy(name, images, authorities, enforced=enforced, file=file, without=without)


def _together(found: _Set, name: str) -> list[list[_Entry]]:
    """Return the entries of a set as choices that must all hold: each by itself, or all as one choice."""
    entries = [one for entry in found.entries for one in _single(entry)]
    wanted = len(entries) if found.count is None else found.count
    if not entries or not 1 <= wanted <= len(entries):
        raise UsageError(f"{name} asks for {wanted} of {len(entries)} entries", "", "correct count and entries")
    if wanted == len(entries):
        return [[each] for each in entries]
    if wanted == 1:
        return [entries]
    raise UsageError(
        f"{name} asks for {wanted} of {len(entries)} entries", "only one or all are judged here", "write several sets"
    )


def _single(entry: _Entry) -> Iterator[_Entry]:
    """Yield an entry once for each of its keys, which count as entries of their own."""
    keys = entry.keys
    if keys is None or keys.public_keys.count(BEGIN) < 2:
        yield entry
        return
    for block in keys.public_keys.split(BEGIN)[1:]:
        yield replace(entry, keys=replace(keys, public_keys=BEGIN + block))


def _authority(entry: _Entry, found: _Verify, rules: Sequence[AttestationRule]) -> Authority:
    place = entry.repository or found.repository
    made = Authority("attestor", attestations=tuple(rules), places=(repository_named(place),) if place else ())
    unsupported = _unsupported(entry, found.type)
    if entry.certificates is not None and rules:
        unsupported = "an attestation by a certificate is not judged"
    if unsupported:
        return replace(made, unsupported=unsupported)
    if entry.keys is not None:
        load_keys(entry.keys.public_keys)
        log = entry.keys.rekor is None or not entry.keys.rekor.ignore_tlog  # asked for unless it says otherwise
        return replace(made, keys=(entry.keys.public_keys,), log=log)
    if entry.keyless is not None:
        return replace(made, identities=(_identity(entry.keyless),))
    assert entry.certificates is not None
    pem = entry.certificates.cert_chain or entry.certificates.cert
    if not certificates_of_pem(pem.encode()):
        raise UsageError("an attestor's certificate is no PEM", "", "give the certificate of its authority")
    return replace(made, x509=X509Rule((), ("*",), LEVELS["strict"], (pem,)))


def _unsupported(entry: _Entry, kind: str) -> str:
    """Return what of an entry cannot be judged from files, "" where all can."""
    if entry.attestor is not None:
        return "its attestors stand within one another"
    if entry.keys is not None:
        keys = entry.keys.public_keys.strip()
        return "" if keys.startswith("-----BEGIN") else "its key is kept in the cluster or with a key service"
    if entry.keyless is not None:
        return "its roots stand in the policy; put them into the trusted root" if entry.keyless.roots else ""
    if entry.certificates is not None:
        return "" if kind == "Notary" else "a certificate without an identity is not judged for cosign's signatures"
    raise UsageError("an attestor has neither keys, keyless nor certificates", "", "name one")


def _identity(found: _Keyless) -> Identity:
    if not (found.issuer or found.issuer_reg_exp) or not (found.subject or found.subject_reg_exp):
        raise UsageError("an identity names no issuer or no subject", "anybody could be meant", "name both")
    for pattern in (found.issuer_reg_exp, found.subject_reg_exp):
        pattern_of(pattern)
    claims = {CLAIMS.get(name, name): value for name, value in found.additional_extensions.items()}
    subject = "" if "*" in found.subject else found.subject
    wild = ".*".join(map(re.escape, found.subject.split("*"))) if "*" in found.subject else found.subject_reg_exp
    return Identity(found.issuer, found.issuer_reg_exp, subject, wild, claims)


CLAIMS = {
    "githubWorkflowTrigger": "trigger",
    "githubWorkflowSha": "sha",
    "githubWorkflowName": "workflow",
    "githubWorkflowRepository": "repository",
    "githubWorkflowRef": "ref",
}
"""What Kyverno calls what certificates say of workflows."""


def _pattern(text: str) -> str:
    """Return one of Kyverno's patterns, whose star stands for anything, as one of ours."""
    return text.replace("*", "**")


def _attestation(found: _Attestation) -> AttestationRule:
    kind = found.type or found.predicate_type
    if not kind:
        raise UsageError("an attestation names no type", "", "name its predicate type")
    unsupported = "its conditions are in JMESPath, which is not judged here" if found.conditions else ""
    return AttestationRule(found.name or kind, in_full(kind), unsupported=unsupported)
