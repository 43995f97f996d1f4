"""Notation's envelopes: chains to trust stores, levels of trust policies, expiry, revocation."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.images.signatures.asking import outcome, refused
from tests.images.signatures.notary import AUTHENTIC, EXPIRY, JWS, SCHEME, Notary, b64url
from tests.images.signatures.signing import NAME, NOW, Kept, an_image, new_key
from transom.images.signatures.policies import trust_policy
from transom.images.signatures.trust import Trust
from transom.model.errors import UsageError
from transom.model.signatures import ImagePolicy, Problem
from transom.registry.blobs import Descriptor

ANYBODY = "*"
LISTED = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://ca.example.com/crl")], None, None, None)]
)


@pytest.fixture(scope="session")
def notary() -> Notary:
    return Notary()


def policy(
    level: str = "strict", scopes: tuple[str, ...] = ("*",), identity: str = ANYBODY, **more: Any
) -> list[ImagePolicy]:
    store = more.pop("store", "ca:acme")
    made = {
        "name": "images",
        "registryScopes": list(scopes),
        "signatureVerification": {"level": level, **more},
        "trustStores": [store],
        "trustedIdentities": [identity],
    }
    return list(
        trust_policy.read({"version": "1.0", "trustPolicies": [made]}, "trustpolicy.json", "trustpolicy.json:1")
    )


def unjudged(repository: Kept, image: Descriptor, policies: list[ImagePolicy], trust: Trust) -> str:
    found = outcome(repository, image, policies, trust)
    assert not found.holds
    return found.unjudged[0].reason


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65_537, 2_048),
    ],
    ids=["ES256", "ES384", "ES512", "PS256"],
)
def test_an_envelope_proves_its_signer(notary: Notary, repository: Kept, key: Any) -> None:
    image = an_image(repository)
    notary.attach(repository, image, key=key, certificate=notary.certificate(key))
    found = outcome(repository, image, policy(identity="x509.subject: O=acme, CN=signer"), notary.trust())
    (proof,) = found.proofs
    assert (proof.form, proof.digest) == ("notation", image.digest)
    assert "CN=signer" in proof.signer.subject


def test_a_signing_authority_proves_the_time(notary: Notary, repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    old = notary.certificate(key, start=NOW - timedelta(days=400), days=30)
    header = {SCHEME: "notary.x509.signingAuthority", AUTHENTIC: (NOW - timedelta(days=390)).isoformat()}
    notary.attach(repository, image, key=key, certificate=old, header=header)
    found = outcome(repository, image, policy(store="signingAuthority:acme"), notary.trust("signingAuthority:acme"))
    assert found.holds
    assert unjudged(repository, image, policy(), notary.trust()).startswith("no trust store")


def test_skip_asks_for_nothing(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    assert outcome(repository, image, policy("skip", (NAME.rpartition(":")[0],)), notary.trust()).holds


def test_the_policy_for_everything_speaks_only_where_no_other_does(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    both = [*policy("strict"), *policy("skip", (NAME.rpartition(":")[0],))]
    assert outcome(repository, image, both, notary.trust()).holds  # one outcome, of the policy that names it


# ways in which nothing is proven


def test_no_envelope(notary: Notary, repository: Kept) -> None:
    assert refused(repository, an_image(repository), policy(), notary.trust()) is Problem.UNSIGNED


def test_a_root_that_is_in_no_store(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    Notary().attach(repository, image)
    assert refused(repository, image, policy(), notary.trust()) is Problem.UNTRUSTED


def test_a_chain_whose_end_was_put_beside_it(notary: Notary, repository: Kept) -> None:
    image, forger = an_image(repository), Notary()
    forger.authority.root = notary.authority.root
    forger.attach(repository, image)
    assert refused(repository, image, policy(), notary.trust()) is Problem.UNTRUSTED


def test_another_signer(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    notary.attach(repository, image)
    assert (
        refused(repository, image, policy(identity="x509.subject: O=acme, CN=boss"), notary.trust()) is Problem.IDENTITY
    )


def test_an_envelope_of_another_digest(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    repository.refer(image.digest, json.dumps(notary.envelope(f"sha256:{'0' * 64}")).encode(), JWS)
    assert refused(repository, image, policy(), notary.trust()) is Problem.OTHER_DIGEST


@pytest.mark.parametrize("name", ["none", "HS256", "RS256", "", "ES256K"])
def test_algorithms_that_are_not_accepted(notary: Notary, repository: Kept, name: str) -> None:
    image = an_image(repository)
    notary.attach(repository, image, header={"alg": name})
    assert refused(repository, image, policy(), notary.trust()) is Problem.ALGORITHM


def test_an_algorithm_that_is_not_that_of_the_key(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    notary.attach(repository, image, header={"alg": "PS256"})
    assert refused(repository, image, policy(), notary.trust()) is Problem.ALGORITHM


def test_a_payload_of_another_type(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    notary.attach(repository, image, header={"cty": "text/plain"})
    assert refused(repository, image, policy(), notary.trust()) is Problem.PAYLOAD_TYPE


def test_something_critical_that_is_not_understood(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    notary.attach(repository, image, header={"crit": [SCHEME, "more"], "more": 1})
    assert refused(repository, image, policy(), notary.trust()) is Problem.MALFORMED


def test_a_scheme_that_is_not_critical(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    notary.attach(repository, image, header={"crit": []})
    assert refused(repository, image, policy(), notary.trust()) is Problem.MALFORMED


def test_a_payload_that_was_changed(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    made = notary.envelope(f"sha256:{'0' * 64}")
    made["payload"] = b64url(json.dumps({"targetArtifact": {"digest": image.digest}}).encode())
    repository.refer(image.digest, json.dumps(made).encode(), JWS)
    assert refused(repository, image, policy(), notary.trust()) is Problem.OTHER_KEY


def test_a_certificate_for_something_else(notary: Notary, repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    certificate = notary.certificate(key, use=ExtendedKeyUsageOID.SERVER_AUTH)
    notary.attach(repository, image, key=key, certificate=certificate)
    assert refused(repository, image, policy(), notary.trust()) is Problem.WRONG_USE


def test_the_certificate_of_an_authority(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    made = notary.envelope(image.digest, key=notary.authority.key, certificate=notary.authority.certificate)
    made["header"]["x5c"] = made["header"]["x5c"][1:]
    repository.refer(image.digest, json.dumps(made).encode(), JWS)
    assert refused(repository, image, policy(), notary.trust()) is Problem.WRONG_USE


def test_no_certificate(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    made = {**notary.envelope(image.digest), "header": {}}
    repository.refer(image.digest, json.dumps(made).encode(), JWS)
    assert refused(repository, image, policy(), notary.trust()) is Problem.NO_CERTIFICATE


def test_a_chain_without_end(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    made = notary.envelope(image.digest)
    made["header"]["x5c"] *= 40
    repository.refer(image.digest, json.dumps(made).encode(), JWS)
    assert refused(repository, image, policy(), notary.trust()) is Problem.TOO_LARGE


def test_a_signature_past_its_own_expiry(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    notary.attach(repository, image, header={EXPIRY: (NOW - timedelta(days=1)).isoformat()})
    assert refused(repository, image, policy(), notary.trust()) is Problem.EXPIRED
    found = outcome(repository, image, policy("permissive"), notary.trust())
    assert found.holds
    assert "expired" in found.proofs[0].notes[0]


def test_an_expiry_can_be_let_through(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    notary.attach(repository, image, header={EXPIRY: (NOW - timedelta(days=1)).isoformat()})
    assert outcome(repository, image, policy(override={"expiry": "log"}), notary.trust()).holds


def test_a_certificate_that_ended_without_a_timestamp(notary: Notary, repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    notary.attach(repository, image, key=key, certificate=notary.certificate(key, days=10))
    assert refused(repository, image, policy(), notary.trust()) is Problem.OUTSIDE_LIFE
    assert outcome(repository, image, policy("permissive"), notary.trust()).holds


def test_a_signing_authority_of_the_future(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    header = {SCHEME: "notary.x509.signingAuthority", AUTHENTIC: (NOW + timedelta(days=2)).isoformat()}
    notary.attach(repository, image, header=header)
    trust = notary.trust("signingAuthority:acme")
    assert refused(repository, image, policy(store="signingAuthority:acme"), trust) is Problem.FUTURE


def test_a_certificate_that_was_revoked(notary: Notary, repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    certificate = notary.certificate(key)
    notary.attach(repository, image, key=key, certificate=certificate)
    assert outcome(repository, image, policy(), notary.trust(crls=(notary.crl(),))).holds
    trust = notary.trust(crls=(notary.crl(certificate),))
    assert refused(repository, image, policy(), trust) is Problem.REVOKED
    assert outcome(repository, image, policy("permissive"), trust).holds


def test_a_list_by_somebody_else_revokes_nothing(notary: Notary, repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    certificate = notary.certificate(key)
    notary.attach(repository, image, key=key, certificate=certificate)
    assert outcome(repository, image, policy(), notary.trust(crls=(Notary().crl(certificate),))).holds


def test_a_revocation_that_nobody_looked_for_is_not_judged(notary: Notary, repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    notary.attach(repository, image, key=key, certificate=notary.certificate(key, extra=[LISTED]))
    assert "is not known" in unjudged(repository, image, policy(), notary.trust())
    assert "ended on" in unjudged(
        repository, image, policy(), notary.trust(crls=(notary.crl(ends=NOW - timedelta(days=1)),))
    )
    assert outcome(repository, image, policy(), notary.trust(crls=(notary.crl(),))).holds


def test_audit_tells_what_it_does_not_enforce(notary: Notary, repository: Kept) -> None:
    image = an_image(repository)
    Notary().attach(repository, image)
    found = outcome(repository, image, policy("audit"), notary.trust())
    assert found.holds
    assert "trust stores" in found.proofs[0].notes[0]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"payload": "%", "protected": "%", "signature": "%"}'])
def test_what_is_no_envelope(notary: Notary, repository: Kept, content: bytes) -> None:
    image = an_image(repository)
    repository.refer(image.digest, content or b" ", JWS)
    assert refused(repository, image, policy(), notary.trust()) is Problem.MALFORMED


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"signatureVerification": {"level": "some"}}, "no level"),
        ({"signatureVerification": {"level": "skip"}}, "every repository"),
        ({"signatureVerification": {"level": "strict", "override": {"integrity": "skip"}}}, "cannot be overridden"),
        ({"registryScopes": ["registry.example.com/*"]}, "no scope"),
        ({"trustedIdentities": ["CN=a"]}, "no identity"),
        ({"trustedIdentities": ["x509.subject: nonsense"]}, "no identity"),
        ({"trustStores": []}, "no trust store"),
        ({"trustStores": "acme"}, "Expected"),
    ],
)
def test_policies_that_cannot_be_meant(change: dict[str, Any], told: str) -> None:
    sound = {
        "name": "images",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["*"],
    }
    with pytest.raises(UsageError, match=told):
        list(trust_policy.read({"version": "1.0", "trustPolicies": [sound | change]}, "f", "f:1"))
