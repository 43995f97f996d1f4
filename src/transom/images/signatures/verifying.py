"""verify: what policies say of an image, from the signatures that belong to its digest.

The name was resolved once; everything is held to the digests that it led to: the index, and the manifest of one platform in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.images.signatures.believing import Proven, by_identity, by_key
from transom.images.signatures.conditions import check_condition
from transom.images.signatures.discovery import Carried, Form, has_unsigned_bill, signatures_of
from transom.images.signatures.keys import load_keys
from transom.images.signatures.materials import Material, materials
from transom.images.signatures.names import policies_for
from transom.images.signatures.provenance import facts_of, is_of_type
from transom.images.signatures.refusing import CannotJudgeError, RefusedError
from transom.images.signatures.statements import SIGNATURE_PREDICATE, Claim
from transom.model.errors import TransomError
from transom.model.signatures import (
    AttestationRule,
    Authority,
    ImagePolicy,
    Outcome,
    Problem,
    Proof,
    Refusal,
    Unjudged,
    Verdict,
)
from transom.registry.blobs import Descriptor, Repository, verified

if TYPE_CHECKING:
    from transom.images.signatures.trust import Trust

PREDICATE = "dev.sigstore.bundle.predicateType"
NOTATION = (Form.JWS, Form.COSE)
Word = Proof | Refusal | Unjudged


class Subject:
    """An image that may be signed: its name, and the digests that the name led to, read when first asked for.

    digests: descriptors, the index first where there is one, then the manifest; elsewhere: opens another repository by its name.
    """

    def __init__(
        self,
        name: str,
        digests: Sequence[Descriptor],
        repository: Repository,
        elsewhere: Callable[[str], Repository] | None = None,
    ) -> None:
        self.name = name
        self.digests = tuple(digests)
        self.repository = repository
        self._elsewhere = elsewhere
        self._found: dict[str, list[Carried | Unjudged]] = {}

    def carried(self, places: Sequence[str] = ()) -> Iterator[Carried]:
        """Yield everything that claims to be a signature of one of the digests, kept beside the image or in other repositories."""
        for place in places or ("",):
            yield from (each for each in self._kept(place) if isinstance(each, Carried))

    @property
    def found(self) -> list[Carried | Unjudged]:
        """Everything that is kept beside the image, and what of it could not be read."""
        return self._kept("")

    @property
    def unread(self) -> tuple[Unjudged, ...]:
        """What could not be read wherever it was looked for."""
        return tuple(each for found in self._found.values() for each in found if isinstance(each, Unjudged))

    def _kept(self, place: str) -> list[Carried | Unjudged]:
        if place not in self._found:
            self._found[place] = list(self._read(place))
        return self._found[place]

    def _read(self, place: str) -> Iterator[Carried | Unjudged]:
        repository = self.repository
        if place:
            if self._elsewhere is None:
                yield Unjudged(
                    f"its signatures are kept in {place}, and only a folder was named", "verify it in its registry"
                )
                return
            repository = self._elsewhere(place)
        for top in self.digests:
            yield from signatures_of(repository, top.digest)

    def manifest(self, digest: str) -> bytes:
        """Return the bytes of one of the digests' manifests, which some signatures are over themselves; raises TransomError."""
        top = next(each for each in self.digests if each.digest == digest)
        return verified(self.repository.open(top), top)


def verify(image: Subject, policies: Sequence[ImagePolicy], trust: Trust) -> Verdict:
    """Return what every policy that names an image says of it."""
    named = policies_for(image.name, policies)
    outcomes = tuple(_outcome(policy, image, trust) for policy in named)
    top = image.digests[0].digest
    satisfied = all(each.holds for each in outcomes)
    return Verdict(
        image.name,
        image.digests[-1].digest,
        top if len(image.digests) > 1 else "",
        outcomes,
        image.unread,
        not satisfied and has_unsigned_bill(image.repository, top),
    )


def _outcome(policy: ImagePolicy, image: Subject, trust: Trust) -> Outcome:
    """Ask a policy's authorities in their order, until one is satisfied."""
    refusals: list[Refusal] = []
    unjudged: list[Unjudged] = []
    for authority in policy.authorities:
        words = list(_words(authority, image, trust))
        proofs = tuple(each for each in words if isinstance(each, Proof))
        if _is_satisfied(authority, proofs):
            return Outcome(policy, authority.name, proofs)
        refusals += _against(authority, words)
        unjudged += [each for each in words if isinstance(each, Unjudged)]
    return Outcome(policy, "", (), tuple(refusals), tuple(dict.fromkeys(unjudged)))


def _is_satisfied(authority: Authority, proofs: Sequence[Proof]) -> bool:
    if authority.unsupported:
        return False
    if authority.static:
        return authority.static == "pass"
    asked = len(authority.attestations) or 1
    return len(proofs) >= asked  # an attestation that is asked for has one proof at most


def _against(authority: Authority, words: Sequence[Word]) -> list[Refusal]:
    """Return what was refused; where nothing was, that there was nothing."""
    refused = [each for each in words if isinstance(each, Refusal)]
    if refused or any(isinstance(each, Unjudged) for each in words):
        return refused
    if authority.attestations:
        wanted = " and ".join(rule.predicate_type for rule in authority.attestations)
        return [Refusal(Problem.UNSIGNED, f"it has no attestation of {wanted}")]
    return [Refusal(Problem.UNSIGNED, "it has no signature")]


def _words(authority: Authority, image: Subject, trust: Trust) -> Iterator[Word]:
    """Yield what each signature is to an authority."""
    if authority.unsupported:
        yield Unjudged(f"{authority.name}: {authority.unsupported}", "say it otherwise in the policy")
    elif authority.static == "fail":
        yield Refusal(Problem.FORBIDDEN, authority.message or "the policy refuses the image")
    elif authority.static:
        return
    elif authority.x509 is not None:
        yield from _by_notation(authority, image, trust)
    elif authority.attestations:
        for rule in authority.attestations:
            yield from _attested(authority, rule, image, trust)
    else:
        for carried in image.carried(authority.places):
            if _may_be_signature(carried):
                yield from _judged(authority, None, carried, image, trust)


def _may_be_signature(carried: Carried) -> bool:
    predicate = carried.annotations.get(PREDICATE, SIGNATURE_PREDICATE)
    return carried.form is Form.SIMPLE or (carried.form is Form.BUNDLE and predicate == SIGNATURE_PREDICATE)


def _attested(authority: Authority, rule: AttestationRule, image: Subject, trust: Trust) -> Iterator[Word]:
    """Yield what the attestations of an image are to a rule: a proof, else what is against each, else that none is there."""
    if rule.unsupported:
        yield Unjudged(
            f"{authority.name}, {rule.name}: {rule.unsupported}", "say it in CEL: policy: {type: cel, data: …}"
        )
        return
    words = [
        word
        for carried in image.carried(authority.places)
        if carried.form in (Form.DSSE, Form.BUNDLE)
        for word in _judged(authority, rule, carried, image, trust)
    ]
    proofs = [each for each in words if isinstance(each, Proof)]
    if not words:
        yield Refusal(Problem.UNSIGNED, f"it has no attestation of {rule.predicate_type}")
    yield from proofs[:1] or words


def _judged(
    authority: Authority, rule: AttestationRule | None, carried: Carried, image: Subject, trust: Trust
) -> Iterator[Word]:
    """Yield a proof or a refusal for each signature of what was found; nothing for what says something else."""
    try:
        for material in materials(carried, lambda: image.manifest(carried.subject)):
            word = _tried(authority, rule, material, carried, trust)
            if word is not None:
                yield word
    except RefusedError as error:
        yield error.at(carried.source)
    except TransomError as error:
        yield Unjudged(f"a signature could not be held to its image: {error}", error.next_step)


def _tried(
    authority: Authority, rule: AttestationRule | None, material: Material, carried: Carried, trust: Trust
) -> Word | None:
    try:
        proven = _proven(authority, material, trust)
        claim = material.claim
        if bool(claim.predicate_type) != (rule is not None):
            return None  # a statement where a signature was asked for, or the other way round
        if rule is not None and not is_of_type(claim.predicate_type, rule.predicate_type):
            return None
        _check_digest(claim, carried.subject)
        if rule is not None and rule.condition:
            check_condition(rule.condition, claim, proven.signer)
    except RefusedError as error:
        return error.at(carried.source)
    except CannotJudgeError as error:
        return Unjudged(error.reason, error.next_step)
    facts = facts_of(claim.predicate_type, claim.predicate)
    proof = Proof(
        material.form, carried.subject, proven.signer, carried.source, proven.time_s, proven.log_index, claim.name
    )
    return replace(proof, predicate_type=claim.predicate_type, facts=facts)


def _proven(authority: Authority, material: Material, trust: Trust) -> Proven:
    if authority.keys:
        keys = [key for text in authority.keys for key in load_keys(text)]
        return by_key(material, keys, trust, log=authority.log, timestamp=authority.timestamp)
    return by_identity(material, authority.identities, trust)


def _check_digest(claim: Claim, subject: str) -> None:
    if subject not in claim.digests:
        other = next(iter(sorted(claim.digests)), "nothing")[:80]
        raise RefusedError(Problem.OTHER_DIGEST, f"it is a signature of {other}, not of {subject}")


def _by_notation(authority: Authority, image: Subject, trust: Trust) -> Iterator[Word]:
    from transom.images.signatures.notation import judged

    assert authority.x509 is not None
    for carried in image.carried(authority.places):
        if carried.form in NOTATION:
            yield judged(authority.x509, carried, trust)
