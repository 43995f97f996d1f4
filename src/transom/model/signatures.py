"""Who must have signed an image, and what was proven of it: the words that policies of every format are read into."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Problem(StrEnum):
    """Why nothing was proven: the least telling first, so that the last of several says how near it was."""

    UNSIGNED = "unsigned"  # there is nothing
    FORBIDDEN = "forbidden"  # a policy refuses the image whatever it has
    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    PAYLOAD_TYPE = "payload-type"  # it says something of a kind that is not known
    ALGORITHM = "algorithm"  # none, unknown or too weak
    NO_CERTIFICATE = "no-certificate"  # signed by a bare key where a person or a workflow was asked for
    OTHER_KEY = "other-key"
    OTHER_DIGEST = "other-digest"
    UNTRUSTED = "untrusted"  # a certificate of an authority that nobody here trusts
    NO_SCT = "no-sct"  # nothing proves that the certificate was made public
    WRONG_USE = "wrong-use"  # a certificate that is not for signing code
    NO_LOG_ENTRY = "no-log-entry"
    LOG_FORGED = "log-forged"
    LOG_MISMATCH = "log-mismatch"  # a true entry of another signature
    FUTURE = "future"  # made after now
    NO_TIME = "no-time"  # nothing proves when it was made
    TIMESTAMP = "timestamp"
    OUTSIDE_LIFE = "outside-life"  # made when its certificate was not valid
    EXPIRED = "expired"
    REVOKED = "revoked"
    ISSUER = "issuer"
    IDENTITY = "identity"
    CLAIM = "claim"  # another repository, branch, workflow or trigger
    CONDITION = "condition"


class Identity(Struct, frozen=True):
    """A person or workload that may sign, and who vouches for it. Expressions are RE2 and must match the whole text.

    claims: what the certificate must say of a workflow, by the names of signers' claims.
    """

    issuer: str = ""
    issuer_regexp: str = ""
    subject: str = ""
    subject_regexp: str = ""
    claims: Mapping[str, str] = {}


class AttestationRule(Struct, frozen=True):
    """A statement that must have been signed. predicate_type: in full; condition: CEL over it, "" for none.

    unsupported: what of the rule cannot be judged here, in a person's words.
    """

    name: str
    predicate_type: str
    condition: str = ""
    unsupported: str = ""


class X509Rule(Struct, frozen=True):
    """Which certificates may have signed, as notation's trust policies say it.

    stores: `ca:NAME`, `signingAuthority:NAME`; certificates: that are trusted beside them, in PEM; subjects: distinguished
    names that a signer's must have all parts of, `*` for any; enforced: the validations that refuse, of authenticity,
    authenticTimestamp, expiry and revocation; the others are only told.
    """

    stores: tuple[str, ...]
    subjects: tuple[str, ...]
    enforced: frozenset[str]
    certificates: tuple[str, ...] = ()


class Authority(Struct, frozen=True):
    """One way to satisfy a policy: by a key, by an identity, by certificates, or without asking (static).

    keys: public keys in PEM; log: whether an entry of a transparency log is asked for beside a key; timestamp: an authority's;
    attestations: asked for in the place of a signature; places: other repositories
    that keep what is asked for, () for the image's own; static: `pass` or `fail`; unsupported: what of it cannot be judged here.
    """

    name: str
    keys: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    x509: X509Rule | None = None
    log: bool = False
    timestamp: bool = False
    attestations: tuple[AttestationRule, ...] = ()
    places: tuple[str, ...] = ()
    static: str = ""
    message: str = ""
    unsupported: str = ""


class ImagePolicy(Struct, frozen=True):
    """What images of some names must have: one of its authorities suffices, an image needs all policies that name it.

    images: patterns of names, `*` within a step and `**` over steps; otherwise: whether it speaks only of what no other policy of its
    file names; without: patterns of what it does not speak of; enforced: whether a failure is a finding of weight.
    """

    name: str
    images: tuple[str, ...]
    authorities: tuple[Authority, ...]
    otherwise: bool = False
    without: tuple[str, ...] = ()
    enforced: bool = True
    file: str = ""


class Refusal(Struct, frozen=True):
    """Something that proves nothing. why: in a person's words; source: the manifest that holds it, "" where nothing is there."""

    problem: Problem
    why: str
    source: str = ""


class Unjudged(Struct, frozen=True):
    """Something of a policy that could not be judged: neither proven nor refused."""

    reason: str
    next_step: str = ""


class Signer(Struct, frozen=True):
    """Who signed: a key by its fingerprint (SHA-256 of its SubjectPublicKeyInfo), or whom a certificate names."""

    key: str = ""
    subject: str = ""
    issuer: str = ""
    claims: Mapping[str, str] = {}

    def __str__(self) -> str:
        if not self.subject:
            return f"key {self.key[:16]}"
        return f"{self.subject} by the word of {self.issuer}" if self.issuer else self.subject


class Proof(Struct, frozen=True):
    """What was proven. form: how it was signed; digest: what was; time_s: when, 0 where nothing proves that.

    name: what the signer calls the image; predicate_type: of an attestation; notes: what was not as it should be, and is only told.
    """

    form: str
    digest: str
    signer: Signer
    source: str
    time_s: float = 0.0
    log_index: int = -1
    name: str = ""
    predicate_type: str = ""
    facts: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()


class Outcome(Struct, frozen=True):
    """What one policy says of an image. It holds where there are proofs and no word against them."""

    policy: ImagePolicy
    authority: str = ""
    proofs: tuple[Proof, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the policy is satisfied."""
        return bool(self.authority)


class Verdict(Struct, frozen=True):
    """What all policies say of an image. digest: that its name led to, and everything was held to; index: of which it is one.

    unread: what belongs to it and could not be read; unsigned_bill: whether a bill of materials is attached that nobody signed.
    """

    name: str
    digest: str
    index: str = ""
    outcomes: tuple[Outcome, ...] = ()
    unread: tuple[Unjudged, ...] = ()
    unsigned_bill: bool = False

    @property
    def holds(self) -> bool:
        """Whether some policy names the image, and all that do are satisfied."""
        return bool(self.outcomes) and all(each.holds for each in self.outcomes)
