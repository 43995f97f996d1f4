"""Signatures by identities: certificates of minutes, a log that proves when; as annotations (cosign 2) and as bundles (cosign 3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.images.signatures.asking import by_identity, by_key, holds, outcome, refusal, refused
from tests.images.signatures.signing import (
    BUNDLE,
    ISSUER,
    NOW,
    SUBJECT,
    Authority,
    Kept,
    Log,
    Sigstore,
    an_image,
    b64,
    new_key,
    statement,
    utf8,
)
from transom.images.signatures.certificates import MAX_CERTIFICATE_BYTES
from transom.model.errors import TransomError
from transom.model.signatures import Problem
from transom.registry.blobs import Descriptor

Attach = Callable[..., None]
SKIPPED = "there is no sigstore here: pip install 'transom[sigstore]'"


def annotated(sigstore: Sigstore, repository: Kept, image: Descriptor, **how: Any) -> None:
    repository.tag(image.digest, ".sig", sigstore.annotated(image.digest, **how))


def bundled(sigstore: Sigstore, repository: Kept, image: Descriptor, **how: Any) -> None:
    pytest.importorskip("sigstore", reason=SKIPPED)
    repository.refer(image.digest, sigstore.bundle(statement(image.digest), **how), BUNDLE)


@pytest.fixture(params=[annotated, bundled], ids=["annotations", "bundle"])
def attach(request: pytest.FixtureRequest) -> Attach:
    made: Attach = request.param
    return made


def test_an_identity_is_proven_with_its_time_and_workflow(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image)
    found = outcome(repository, image, by_identity({"repository": "acme/web", "trigger": "push"}), sigstore.trust())
    (proof,) = found.proofs
    assert (proof.signer.subject, proof.signer.issuer, proof.time_s) == (SUBJECT, ISSUER, NOW.timestamp())
    assert proof.signer.claims["ref"] == "refs/heads/main"


def test_a_bundle_over_the_manifest_itself_is_proven(sigstore: Sigstore, repository: Kept) -> None:
    pytest.importorskip("sigstore", reason=SKIPPED)
    image = an_image(repository)
    repository.refer(image.digest, sigstore.message_bundle(repository.blobs[image.digest]), BUNDLE)
    assert holds(repository, image, by_identity(), sigstore.trust())


def test_a_mail_address_is_an_identity(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image, key = an_image(repository), new_key()
    attach(
        sigstore,
        repository,
        image,
        key=key,
        certificate=sigstore.certificate(key, subject="ann@example.com", claims={}),
    )
    assert holds(repository, image, by_identity(subject="ann@example.com"), sigstore.trust())


def test_expressions_must_match_the_whole(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image)
    whole = by_identity(subject="", subject_regexp="https://github[.]com/acme/.*")
    assert holds(repository, image, whole, sigstore.trust())
    part = by_identity(subject="", subject_regexp="github[.]com/acme")
    assert refused(repository, image, part, sigstore.trust()) is Problem.IDENTITY


# ways in which nothing is proven


def test_another_identity(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image)
    found = refusal(repository, image, by_identity(subject="https://github.com/acme/other"), sigstore.trust())
    assert found.problem is Problem.IDENTITY
    assert SUBJECT in found.why


def test_another_issuer(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image)
    assert (
        refused(repository, image, by_identity(issuer="https://accounts.example.com"), sigstore.trust())
        is Problem.ISSUER
    )


@pytest.mark.parametrize("claim", ["repository", "ref", "workflow", "trigger", "buildSignerURI"])
def test_another_workflow(sigstore: Sigstore, repository: Kept, attach: Attach, claim: str) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image)
    found = refusal(repository, image, by_identity({claim: "another"}), sigstore.trust())
    assert found.problem is Problem.CLAIM
    assert claim in found.why


def test_a_certificate_that_had_ended(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image, at=NOW - timedelta(hours=1))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.OUTSIDE_LIFE


def test_an_entry_of_the_future(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image, key, later = an_image(repository), new_key(), NOW + timedelta(days=2)
    attach(sigstore, repository, image, at=later, key=key, certificate=sigstore.certificate(key, later))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.FUTURE


def test_an_authority_that_nobody_trusts(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image, key, other = an_image(repository), new_key(), Sigstore()
    other.log, other.ct = sigstore.log, sigstore.ct
    attach(sigstore, repository, image, key=key, certificate=other.certificate(key))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.UNTRUSTED


def test_a_certificate_that_nobody_made_public(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image, key = an_image(repository), new_key()
    attach(sigstore, repository, image, key=key, certificate=sigstore.certificate(key, sct=False))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.NO_SCT


def test_a_certificate_that_another_log_made_public(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image, key = an_image(repository), new_key()
    attach(sigstore, repository, image, key=key, certificate=sigstore.certificate(key, ct=new_key()))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.NO_SCT


def test_a_certificate_for_something_else(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image, key = an_image(repository), new_key()
    certificate = sigstore.certificate(key, use=ExtendedKeyUsageOID.CLIENT_AUTH)
    attach(sigstore, repository, image, key=key, certificate=certificate)
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.WRONG_USE


def test_a_huge_certificate(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image, key = an_image(repository), new_key()
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\0" * MAX_CERTIFICATE_BYTES)
    attach(sigstore, repository, image, key=key, certificate=sigstore.certificate(key, sct=False, extra=[padding]))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.TOO_LARGE


def test_a_signature_by_another_key_than_the_certificates(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image, key=new_key(), certificate=sigstore.certificate(new_key()))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.OTHER_KEY


def test_a_log_entry_that_the_log_never_signed(repository: Kept, attach: Attach) -> None:
    forger, image = Sigstore(), an_image(repository)
    trust = forger.trust()
    forger.log.key = new_key()  # its id stays that of the real log
    attach(forger, repository, image)
    assert refused(repository, image, by_identity(), trust) is Problem.LOG_FORGED


def test_a_log_that_nobody_trusts(repository: Kept, attach: Attach) -> None:
    forger, image = Sigstore(), an_image(repository)
    trust = forger.trust()
    forger.log = Log()
    attach(forger, repository, image)
    assert refused(repository, image, by_identity(), trust) is Problem.LOG_FORGED


def test_a_bare_key_where_an_identity_is_asked_for(sigstore: Sigstore, repository: Kept) -> None:
    from tests.images.signatures.test_key_signatures import tagged

    image = an_image(repository)
    tagged(repository, image, new_key())
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.NO_CERTIFICATE


def test_an_annotated_signature_without_a_log_entry(sigstore: Sigstore, repository: Kept) -> None:
    image = an_image(repository)
    payload, kind, notes = sigstore.annotated(image.digest)
    del notes["dev.sigstore.cosign/bundle"]
    repository.tag(image.digest, ".sig", (payload, kind, notes))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.NO_LOG_ENTRY


def test_an_entry_of_another_signature_beside_a_signature(sigstore: Sigstore, repository: Kept) -> None:
    image = an_image(repository)
    payload, kind, notes = sigstore.annotated(image.digest)
    other = sigstore.annotated(image.digest)[2]["dev.sigstore.cosign/bundle"]
    repository.tag(image.digest, ".sig", (payload, kind, {**notes, "dev.sigstore.cosign/bundle": other}))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.LOG_MISMATCH


def changed(sigstore: Sigstore, repository: Kept, change: Callable[[dict[str, Any]], object]) -> Descriptor:
    """Attach a bundle after something in it was changed."""
    pytest.importorskip("sigstore", reason=SKIPPED)
    image = an_image(repository)
    made = json.loads(sigstore.bundle(statement(image.digest)))
    change(made)
    repository.refer(image.digest, json.dumps(made).encode(), BUNDLE)
    return image


def test_a_bundle_without_a_log_entry(sigstore: Sigstore, repository: Kept) -> None:
    image = changed(sigstore, repository, lambda made: made["verificationMaterial"].update(tlogEntries=[]))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.NO_LOG_ENTRY


def test_a_bundle_that_nothing_gives_a_time(sigstore: Sigstore, repository: Kept) -> None:
    image = changed(
        sigstore, repository, lambda made: made["verificationMaterial"]["tlogEntries"][0].pop("inclusionPromise")
    )
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.NO_TIME


def test_a_bundle_whose_proof_leads_elsewhere(sigstore: Sigstore, repository: Kept) -> None:
    image = changed(
        sigstore,
        repository,
        lambda made: made["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"].reverse(),
    )
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.LOG_FORGED


def test_a_bundle_with_the_entry_of_another(sigstore: Sigstore, repository: Kept) -> None:
    other = json.loads(sigstore.bundle(statement(f"sha256:{'1' * 64}")))["verificationMaterial"]["tlogEntries"]
    image = changed(sigstore, repository, lambda made: made["verificationMaterial"].update(tlogEntries=other))
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.LOG_MISMATCH


def test_a_bundle_that_shows_two_readers_two_certificates(sigstore: Sigstore, repository: Kept) -> None:
    key = new_key()
    certificate = sigstore.certificate(key, subject="mallory@example.com", claims={})
    image = an_image(repository)
    made = json.loads(sigstore.bundle(statement(image.digest), key=key, certificate=certificate))
    victim = sigstore.certificate(new_key()).public_bytes(Encoding.DER)
    material = made["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [material["certificate"]]}
    material["certificate"] = {"rawBytes": b64(victim)}
    made["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
    repository.refer(image.digest, json.dumps(made).encode(), BUNDLE)
    assert not holds(repository, image, by_identity(), sigstore.trust())


def test_a_bundle_of_a_kind_that_is_not_known(sigstore: Sigstore, repository: Kept) -> None:
    image = changed(
        sigstore, repository, lambda made: made.update(mediaType="application/vnd.dev.sigstore.bundle.v9+json")
    )
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.PAYLOAD_TYPE


def test_a_certificate_that_names_two_issuers(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image, key = an_image(repository), new_key()
    certificate = sigstore.certificate(key, claims={"8": utf8("https://two.example.com").decode()})
    attach(sigstore, repository, image, key=key, certificate=certificate)
    assert refused(repository, image, by_identity(), sigstore.trust()) is Problem.MALFORMED


def test_without_a_root_an_identity_cannot_be_judged(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image)
    found = outcome(repository, image, by_identity())
    assert not found.holds
    assert "--trusted-root" in found.unjudged[0].next_step


def test_a_certificate_does_not_satisfy_a_key(sigstore: Sigstore, repository: Kept, attach: Attach) -> None:
    image = an_image(repository)
    attach(sigstore, repository, image)
    assert refused(repository, image, by_key(new_key()), sigstore.trust()) is Problem.OTHER_KEY


ROOT_TYPE = b'"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"'


@pytest.mark.parametrize("root", [b"{}", b"[", b"{" + ROOT_TYPE + b', "tlogs": [{}]}'])
def test_a_root_that_is_none_is_refused(root: bytes) -> None:
    from transom.images.signatures.trust import trust_of

    with pytest.raises(TransomError, match="trusted root"):
        trust_of(0, root)


def test_an_authority_that_was_renewed_stands_twice_in_a_root(sigstore: Sigstore, repository: Kept) -> None:
    (authority,) = json.loads(sigstore.root())["certificateAuthorities"]
    before = {**authority, "validFor": {"start": "2000-01-01T00:00:00Z", "end": "2001-01-01T00:00:00Z"}}
    image = an_image(repository)
    annotated(sigstore, repository, image)
    assert holds(repository, image, by_identity(), sigstore.trust(certificateAuthorities=[before, authority]))
    assert (
        refused(repository, image, by_identity(), sigstore.trust(certificateAuthorities=[before])) is Problem.UNTRUSTED
    )


def test_an_authority_without_a_certificate_is_no_authority(sigstore: Sigstore) -> None:
    with pytest.raises(TransomError, match="no certificate"):
        sigstore.trust(certificateAuthorities=[{"certChain": {"certificates": []}}])


def test_an_authority_below_one_that_may_have_none_is_not_trusted() -> None:
    from transom.images.signatures.certificates import check_path
    from transom.images.signatures.refusing import RefusedError

    authority, other = Authority(), Authority()
    check_path([authority.certificate, authority.root])
    with pytest.raises(RefusedError):
        check_path([authority.certificate, other.root])


def test_without_sigstores_library_a_bundle_is_not_judged(
    sigstore: Sigstore, repository: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from transom.images.signatures import keyless

    image = an_image(repository)
    repository.refer(image.digest, sigstore.bundle(statement(image.digest)), BUNDLE)
    keyless._verifier.cache_clear()
    monkeypatch.setitem(sys.modules, "sigstore.models", None)
    found = outcome(repository, image, by_identity(), sigstore.trust())
    assert not found.holds
    assert "not installed" in found.unjudged[0].reason
