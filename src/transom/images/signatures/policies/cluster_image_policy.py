"""Sigstore's ClusterImagePolicy (policy.sigstore.dev/v1beta1 and v1alpha1), as its admission controller reads it.

Two things can be said beyond it: `policy: {type: cel}` of an attestation, and `claims` of an identity. Expressions must match the
whole text, issuer and subject are asked for both. What cannot be judged here is told as such, never taken for satisfied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from transom.images.signatures.certificates import CLAIMS
from transom.images.signatures.conditions import condition
from transom.images.signatures.identities import pattern_of
from transom.images.signatures.keys import load_keys
from transom.images.signatures.names import glob, repository_named
from transom.images.signatures.policies.shape import shaped
from transom.images.signatures.provenance import in_full
from transom.model.errors import TransomError, UsageError
from transom.model.signatures import AttestationRule, Authority, Identity, ImagePolicy

KIND = "ClusterImagePolicy"
GROUP = "policy.sigstore.dev/"
MODES = ("", "enforce", "warn")


class _Identity(Struct, rename="camel", forbid_unknown_fields=True):
    issuer: str = ""
    subject: str = ""
    issuer_reg_exp: str = ""
    subject_reg_exp: str = ""
    claims: dict[str, str] = {}


class _Key(Struct, rename="camel", forbid_unknown_fields=True):
    data: str = ""
    secret_ref: dict[str, Any] | None = None
    kms: str = ""
    hash_algorithm: str = ""


class _Keyless(
    Struct, rename={"ca_cert": "ca-cert", "trust_root_ref": "trustRootRef", "insecure": "insecureIgnoreSCT"}
):
    identities: list[_Identity] = []
    url: str = ""
    ca_cert: _Key | None = None
    trust_root_ref: str = ""
    insecure: bool = False


class _Static(Struct, forbid_unknown_fields=True):
    action: str
    message: str = ""


class _Log(Struct, rename="camel", forbid_unknown_fields=True):
    url: str = ""
    trust_root_ref: str = ""


class _Policy(Struct, rename="camel"):
    type: str
    data: str = ""


class _Attestation(Struct, rename="camel", forbid_unknown_fields=True):
    name: str
    predicate_type: str
    policy: _Policy | None = None


class _Source(Struct, rename="camel"):
    oci: str = ""
    tag_prefix: str | None = None
    signature_pull_secrets: list[Any] = []


class _Authority(Struct, rename="camel", forbid_unknown_fields=True):
    name: str = ""
    key: _Key | None = None
    keyless: _Keyless | None = None
    static: _Static | None = None
    source: list[_Source] = []
    ctlog: _Log | None = None
    attestations: list[_Attestation] = []
    rfc3161timestamp: _Log | None = None
    signature_format: str = ""


class _Image(Struct, forbid_unknown_fields=True):
    glob: str


class _Spec(Struct, forbid_unknown_fields=True):
    images: list[_Image]
    authorities: list[_Authority] = []
    policy: _Policy | None = None
    mode: str = ""
    match: list[Any] = []


class _Metadata(Struct):
    name: str = ""


class _Document(Struct, rename="camel"):
    api_version: str
    spec: _Spec
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


def read(value: Any, file: str, where: str) -> Iterator[ImagePolicy]:
    """Yield the policy of a document; raises UsageError where it cannot be meant."""
    found = shaped(value, _Document, where)
    name = found.metadata.name
    try:
        yield _policy(found, file)
    except TransomError as error:
        raise UsageError(
            f"cannot read the policy {name} in {where}: {error.what}", error.why, error.next_step
        ) from error


def _policy(found: _Document, file: str) -> ImagePolicy:
    spec = found.spec
    if not found.api_version.startswith(GROUP):
        raise UsageError(f"it is of {found.api_version[:80]!r}", "", f"write apiVersion: {GROUP}v1beta1")
    if spec.mode not in MODES:
        raise UsageError(f"there is no mode {spec.mode[:40]!r}", "", "write enforce or warn")
    if not spec.images or not spec.authorities:
        raise UsageError("it names no images or no authorities", "", "see docs/signatures.md")
    for each in spec.images:
        glob(each.glob)
    above = f"its policy over all authorities is in {spec.policy.type}" if spec.policy else ""
    authorities = tuple(_authority(each, number, above) for number, each in enumerate(spec.authorities))
    images = tuple(each.glob for each in spec.images)
    return ImagePolicy(found.metadata.name, images, authorities, enforced=spec.mode != "warn", file=file)


def _authority(found: _Authority, number: int, above: str) -> Authority:
    name = found.name or f"authority-{number}"
    if sum(each is not None for each in (found.key, found.keyless, found.static)) != 1:
        raise UsageError(f"{name} must have one of key, keyless and static", "", "")
    if found.static is not None:
        if found.static.action not in ("pass", "fail"):
            raise UsageError(f"{name} has no such action: {found.static.action[:40]!r}", "", "write pass or fail")
        return Authority(name, static=found.static.action, message=found.static.message, unsupported=above)
    if found.keyless is not None and not found.keyless.identities:
        raise UsageError(f"{name} names nobody", "anybody with an account could have signed", "name identities")
    log = found.ctlog is not None and bool(found.ctlog.url or found.ctlog.trust_root_ref)
    return Authority(
        name,
        keys=_keys(found.key, name),
        identities=tuple(_identity(each, name) for each in found.keyless.identities) if found.keyless else (),
        log=log,
        timestamp=found.rfc3161timestamp is not None,
        attestations=tuple(map(_attestation, found.attestations)),
        places=tuple(repository_named(each.oci) for each in found.source if each.oci),
        unsupported=_unsupported(found) or above,
    )


def _unsupported(found: _Authority) -> str:
    """Return what of an authority cannot be judged from files, "" where all can."""
    if found.key is not None and not found.key.data:
        kept = "with a key service" if found.key.kms else "in a Secret"
        return f"its key is kept {kept}, not in the policy"
    if found.keyless is not None and found.keyless.ca_cert is not None:
        return "its authority's certificate stands in the policy; put it into the trusted root"
    if any(each.tag_prefix for each in found.source):
        return "its signatures have tags of their own, with a prefix"
    return ""


def _keys(found: _Key | None, name: str) -> tuple[str, ...]:
    if found is None or not found.data:
        return ()
    load_keys(found.data)
    return (found.data,)


def _identity(found: _Identity, name: str) -> Identity:
    if not (found.issuer or found.issuer_reg_exp) or not (found.subject or found.subject_reg_exp):
        raise UsageError(f"an identity of {name} names no issuer or no subject", "anybody could be meant", "name both")
    for pattern in (found.issuer_reg_exp, found.subject_reg_exp):
        pattern_of(pattern)
    unknown = sorted(set(found.claims) - set(CLAIMS.values()))
    if unknown:
        raise UsageError(f"there is no claim {unknown[0][:80]!r}", "", f"choose from {', '.join(CLAIMS.values())}")
    return Identity(found.issuer, found.issuer_reg_exp, found.subject, found.subject_reg_exp, found.claims)


def _attestation(found: _Attestation) -> AttestationRule:
    kind = in_full(found.predicate_type)
    if found.policy is None:
        return AttestationRule(found.name, kind)
    if found.policy.type != "cel":
        return AttestationRule(
            found.name, kind, unsupported=f"its policy is in {found.policy.type}, which is not judged here"
        )
    condition(found.policy.data)
    return AttestationRule(found.name, kind, found.policy.data)
