"""Signatures by keys: as cosign 1 and 2 keep them in tags, and as cosign 3 keeps them in bundles."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.images.signatures.asking import PLAIN, by_key, holds, outcome, refusal, refused
from tests.images.signatures.signing import (
    BUNDLE,
    NAME,
    NOW,
    SIMPLE,
    Kept,
    Key,
    Log,
    an_image,
    b64,
    envelope,
    key_bundle,
    new_key,
    pem,
    signed,
    simple_payload,
    statement,
)
from transom.images.signatures.statements import MAX_PAYLOAD_BYTES
from transom.images.signatures.trust import trust_of
from transom.model.signatures import Problem
from transom.registry.blobs import Descriptor

SIGNATURE, ENTRY = "dev.cosignproject.cosign/signature", "dev.sigstore.cosign/bundle"


def tagged(repository: Kept, image: Descriptor, key: Key, payload: bytes | None = None, **notes: str) -> None:
    payload = payload or simple_payload(image.digest)
    repository.tag(image.digest, ".sig", (payload, SIMPLE, {SIGNATURE: b64(signed(key, payload)), **notes}))


def test_a_signature_in_cosigns_tag_proves_its_key(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key)
    (proof,) = outcome(repository, image, by_key(key)).proofs
    assert (proof.digest, proof.name, proof.form) == (image.digest, NAME, "cosign")
    assert proof.signer.key


def test_a_signature_that_refers_to_the_image_is_found_too(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    payload = simple_payload(image.digest)
    made = repository.manifest([(payload, SIMPLE, {SIGNATURE: b64(signed(key, payload))})])
    repository.refers[image.digest] = [made]
    assert holds(repository, image, by_key(key))


def test_a_bundle_with_a_statement_proves_its_key(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    repository.refer(image.digest, key_bundle(key, envelope(key, statement(image.digest))), BUNDLE)
    assert holds(repository, image, by_key(key))


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
@pytest.mark.parametrize("hashed", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_keys_of_all_curves_sign_with_any_hash(
    repository: Kept, curve: ec.EllipticCurve, hashed: hashes.HashAlgorithm
) -> None:
    image, key = an_image(repository), new_key(curve)
    payload = simple_payload(image.digest)
    signature = key.sign(payload, ec.ECDSA(hashed))
    repository.tag(image.digest, ".sig", (payload, SIMPLE, {SIGNATURE: b64(signature)}))
    assert holds(repository, image, by_key(key))


@pytest.mark.parametrize(
    "padded", [padding.PKCS1v15(), padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)]
)
def test_rsa_keys_sign_with_either_padding(repository: Kept, padded: padding.AsymmetricPadding) -> None:
    image, key = an_image(repository), rsa.generate_private_key(65_537, 2_048)
    payload = simple_payload(image.digest)
    signature = key.sign(payload, padded, hashes.SHA256())
    repository.tag(image.digest, ".sig", (payload, SIMPLE, {SIGNATURE: b64(signature)}))
    assert holds(repository, image, by_key(key))  # type: ignore[arg-type]


def test_an_ed25519_key_signs(repository: Kept) -> None:
    image, key = an_image(repository), ed25519.Ed25519PrivateKey.generate()
    payload = simple_payload(image.digest)
    repository.tag(image.digest, ".sig", (payload, SIMPLE, {SIGNATURE: b64(key.sign(payload))}))
    assert holds(repository, image, by_key(key))  # type: ignore[arg-type]


def test_one_of_several_signatures_and_keys_suffices(repository: Kept) -> None:
    image, key, other = an_image(repository), new_key(), new_key()
    payload = simple_payload(image.digest)
    layers = [(payload, SIMPLE, {SIGNATURE: b64(signed(each, payload))}) for each in (new_key(), key)]
    repository.tag(image.digest, ".sig", *layers)
    assert holds(repository, image, by_key(other, key))


# ways in which nothing is proven


def test_no_signature(repository: Kept) -> None:
    assert refused(repository, an_image(repository), by_key(new_key())) is Problem.UNSIGNED


def test_a_signature_by_another_key(repository: Kept) -> None:
    image = an_image(repository)
    tagged(repository, image, new_key())
    found = refusal(repository, image, by_key(new_key()))
    assert found.problem is Problem.OTHER_KEY
    assert found.source


def test_a_signature_of_another_digest_beside_the_image(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key, simple_payload(f"sha256:{'0' * 64}"))
    assert refused(repository, image, by_key(key)) is Problem.OTHER_DIGEST


def test_a_statement_of_another_digest_beside_the_image(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    repository.refer(image.digest, key_bundle(key, envelope(key, statement(f"sha256:{'0' * 64}"))), BUNDLE)
    assert refused(repository, image, by_key(key)) is Problem.OTHER_DIGEST


def test_a_payload_that_was_changed_after_signing(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    payload = simple_payload(image.digest)
    changed = payload.replace(b"acme", b"evil")
    repository.tag(image.digest, ".sig", (changed, SIMPLE, {SIGNATURE: b64(signed(key, payload))}))
    assert refused(repository, image, by_key(key)) is Problem.OTHER_KEY


def test_a_payload_of_a_type_that_is_not_known(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key, simple_payload(image.digest, kind="a blank cheque"))
    assert refused(repository, image, by_key(key)) is Problem.PAYLOAD_TYPE


def test_an_envelope_whose_payload_is_no_statement(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    inner = json.dumps(envelope(key, statement(image.digest))).encode()  # an envelope in an envelope
    repository.refer(
        image.digest, key_bundle(key, envelope(key, inner, "application/vnd.dsse.envelope.v1+json")), BUNDLE
    )
    assert refused(repository, image, by_key(key)) is Problem.PAYLOAD_TYPE


def test_a_statement_of_a_version_that_is_not_known(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    told = statement(image.digest, kind="https://in-toto.io/Statement/v9")
    repository.refer(image.digest, key_bundle(key, envelope(key, told)), BUNDLE)
    assert refused(repository, image, by_key(key)) is Problem.PAYLOAD_TYPE


def test_a_payload_without_a_signature(repository: Kept) -> None:
    image = an_image(repository)
    repository.tag(image.digest, ".sig", (simple_payload(image.digest), SIMPLE, {}))
    assert refused(repository, image, by_key(new_key())) is Problem.MALFORMED


def test_an_envelope_without_a_signature(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    bare = {**envelope(key, statement(image.digest)), "signatures": []}
    repository.refer(image.digest, key_bundle(key, bare), BUNDLE)
    assert refused(repository, image, by_key(key)) is Problem.UNSIGNED


def test_an_envelope_with_too_many_signatures(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    made = envelope(key, statement(image.digest))
    repository.refer(image.digest, key_bundle(key, {**made, "signatures": made["signatures"] * 100}), BUNDLE)
    assert refused(repository, image, by_key(key)) is Problem.TOO_LARGE


def test_a_payload_that_is_too_large_is_told_as_unread(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key, b" " * (MAX_PAYLOAD_BYTES + 1))
    from tests.images.signatures.signing import subject
    from transom.images.signatures import verify

    verdict = verify(subject(repository, image), by_key(key), PLAIN)
    assert not verdict.holds
    assert "larger than" in verdict.unread[0].reason


def test_a_payload_that_is_nested_without_end(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key, b'{"critical":' * 50_000)
    assert refused(repository, image, by_key(key)) is Problem.MALFORMED


# log entries beside keys


def logged(log: Log, image: Descriptor, key: Key, other: bool = False) -> dict[str, str]:
    payload = simple_payload(image.digest)
    signature = signed(key, b"another" if other else payload)
    body = log.hashedrekord(b"another" if other else payload, signature, pem(key))
    return {ENTRY: log.annotation(body, NOW)}


def test_a_log_entry_proves_the_time(repository: Kept) -> None:
    image, key, log = an_image(repository), new_key(), Log()
    payload = simple_payload(image.digest)
    signature = signed(key, payload)
    entry = log.annotation(log.hashedrekord(payload, signature, pem(key)), NOW)
    repository.tag(image.digest, ".sig", (payload, SIMPLE, {SIGNATURE: b64(signature), ENTRY: entry}))
    (proof,) = outcome(
        repository, image, by_key(key, log=True), trust_of(NOW.timestamp(), log_keys=pem(log.key))
    ).proofs
    assert (proof.time_s, proof.log_index) == (NOW.timestamp(), 7)


def test_a_log_entry_that_is_asked_for_and_missing(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key)
    trust = trust_of(NOW.timestamp(), log_keys=pem(Log().key))
    assert refused(repository, image, by_key(key, log=True), trust) is Problem.NO_LOG_ENTRY


def test_a_log_entry_of_another_log(repository: Kept) -> None:
    image, key, log = an_image(repository), new_key(), Log()
    tagged(repository, image, key, **logged(log, image, key))
    trust = trust_of(NOW.timestamp(), log_keys=pem(Log().key))
    assert refused(repository, image, by_key(key, log=True), trust) is Problem.LOG_FORGED


def test_a_log_entry_of_another_signature(repository: Kept) -> None:
    image, key, log = an_image(repository), new_key(), Log()
    tagged(repository, image, key, **logged(log, image, key, other=True))
    trust = trust_of(NOW.timestamp(), log_keys=pem(log.key))
    assert refused(repository, image, by_key(key, log=True), trust) is Problem.LOG_MISMATCH


def test_a_log_entry_that_names_another_key(repository: Kept) -> None:
    image, key, log = an_image(repository), new_key(), Log()
    payload = simple_payload(image.digest)
    signature = signed(key, payload)
    entry = log.annotation(log.hashedrekord(payload, signature, pem(new_key())), NOW)
    repository.tag(image.digest, ".sig", (payload, SIMPLE, {SIGNATURE: b64(signature), ENTRY: entry}))
    trust = trust_of(NOW.timestamp(), log_keys=pem(log.key))
    assert refused(repository, image, by_key(key, log=True), trust) is Problem.LOG_MISMATCH


def test_an_unknown_log_cannot_be_asked(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key, **logged(Log(), image, key))
    found = outcome(repository, image, by_key(key, log=True))
    assert not found.holds
    assert "no log's key is known" in found.unjudged[0].reason


def test_a_bundle_with_an_inclusion_proof_is_verified_by_a_key(repository: Kept) -> None:
    image, key, log = an_image(repository), new_key(), Log()
    made = envelope(key, statement(image.digest))
    entry = log.entry(log.dsse(made, pem(key)), NOW)
    repository.refer(image.digest, key_bundle(key, made, [entry]), BUNDLE)
    trust = trust_of(NOW.timestamp(), log_keys=pem(log.key))
    assert holds(repository, image, by_key(key, log=True), trust)
    entry["inclusionProof"]["hashes"].reverse()
    other = Kept()
    image = an_image(other)
    other.refer(image.digest, key_bundle(key, made, [entry]), BUNDLE)
    assert refused(other, image, by_key(key, log=True), trust) is Problem.LOG_FORGED
