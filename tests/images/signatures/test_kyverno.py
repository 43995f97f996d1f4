"""Kyverno's verifyImages rules: sets of attestors, their counts, and what files cannot tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.images.signatures.asking import PLAIN
from tests.images.signatures.notary import Notary
from tests.images.signatures.signing import ISSUER, NAME, SUBJECT, Kept, Key, Sigstore, an_image, new_key, pem, subject
from tests.images.signatures.test_key_signatures import tagged
from transom.images.signatures import verify
from transom.images.signatures.policies import read_policies
from transom.images.signatures.trust import Trust
from transom.model.errors import UsageError
from transom.registry.blobs import Descriptor

UNLOGGED = {"ignoreTlog": True}


def keyed(*keys: Key, **more: Any) -> dict[str, Any]:
    return {"keys": {"publicKeys": "".join(map(pem, keys)), "rekor": UNLOGGED, **more}}


def policy(tmp_path: Path, action: str = "Enforce", **verify: Any) -> list[Any]:
    made = {
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": {"name": "signed"},
        "spec": {
            "validationFailureAction": action,
            "rules": [{"name": "check", "verifyImages": [{"imageReferences": ["registry.example.com/*"], **verify}]}],
        },
    }
    (tmp_path / "policy.json").write_text(json.dumps(made))
    return read_policies([str(tmp_path / "policy.json")])


def holds(repository: Kept, image: Descriptor, policies: list[Any], trust: Trust = PLAIN) -> bool:
    return verify(subject(repository, image), policies, trust).holds


def test_a_key_must_have_signed(repository: Kept, tmp_path: Path) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key)
    assert holds(repository, image, policy(tmp_path, attestors=[{"entries": [keyed(key)]}]))
    assert not holds(repository, image, policy(tmp_path, attestors=[{"entries": [keyed(new_key())]}]))


def test_all_of_a_set_must_have_signed_unless_it_counts(repository: Kept, tmp_path: Path) -> None:
    image, key, other = an_image(repository), new_key(), new_key()
    tagged(repository, image, key)
    two = [keyed(key), keyed(other)]
    assert not holds(repository, image, policy(tmp_path, attestors=[{"entries": two}]))
    assert holds(repository, image, policy(tmp_path, attestors=[{"count": 1, "entries": two}]))
    assert not holds(repository, image, policy(tmp_path, attestors=[{"entries": [keyed(key, other)]}]))
    assert holds(repository, image, policy(tmp_path, attestors=[{"count": 1, "entries": [keyed(key, other)]}]))


def test_every_set_must_hold(repository: Kept, tmp_path: Path) -> None:
    image, key = an_image(repository), new_key()
    tagged(repository, image, key)
    sets = [{"entries": [keyed(key)]}, {"entries": [keyed(new_key())]}]
    assert not holds(repository, image, policy(tmp_path, attestors=sets))


def test_an_identity_with_a_star_is_read_as_kyverno_reads_it(
    sigstore: Sigstore, repository: Kept, tmp_path: Path
) -> None:
    image = an_image(repository)
    repository.tag(image.digest, ".sig", sigstore.annotated(image.digest))
    entry = {"subject": SUBJECT.rpartition("@")[0] + "*", "issuer": ISSUER}
    extended = {**entry, "additionalExtensions": {"githubWorkflowRepository": "acme/web"}}
    other = {**entry, "additionalExtensions": {"githubWorkflowRepository": "acme/other"}}
    for found, good in ((entry, True), (extended, True), (other, False)):
        policies = policy(tmp_path, attestors=[{"entries": [{"keyless": found}]}])
        assert holds(repository, image, policies, sigstore.trust()) is good


def test_a_certificate_of_notation_stands_in_the_policy(repository: Kept, tmp_path: Path) -> None:
    image, notary = an_image(repository), Notary()
    notary.attach(repository, image)
    for found, good in ((notary, True), (Notary(), False)):
        text = found.authority.root.public_bytes(Encoding.PEM).decode()
        policies = policy(tmp_path, type="Notary", attestors=[{"entries": [{"certificates": {"cert": text}}]}])
        assert holds(repository, image, policies) is good


def test_images_that_are_skipped_are_not_named(repository: Kept, tmp_path: Path) -> None:
    image = an_image(repository)
    policies = policy(tmp_path, skipImageReferences=[f"{NAME}*"], attestors=[{"entries": [keyed(new_key())]}])
    assert verify(subject(repository, image), policies, PLAIN).outcomes == ()


def test_audit_is_not_enforced(tmp_path: Path) -> None:
    (found,) = policy(tmp_path, "Audit", attestors=[{"entries": [keyed(new_key())]}])
    assert not found.enforced


def test_a_key_asks_for_a_log_entry_unless_it_says_otherwise(tmp_path: Path) -> None:
    (found,) = policy(tmp_path, attestors=[{"entries": [{"keys": {"publicKeys": pem(new_key())}}]}])
    assert found.authorities[0].log


def test_attestations_are_asked_of_their_attestors(tmp_path: Path) -> None:
    asked = {"type": "https://slsa.dev/provenance/v1", "attestors": [{"entries": [keyed(new_key())]}]}
    (found,) = policy(tmp_path, attestations=[asked])
    assert found.authorities[0].attestations[0].predicate_type == "https://slsa.dev/provenance/v1"
    (found,) = policy(tmp_path, attestations=[{**asked, "conditions": [{"all": []}]}])
    assert "JMESPath" in found.authorities[0].attestations[0].unsupported


def test_an_attestation_by_a_certificate_is_not_taken_for_a_signature(tmp_path: Path) -> None:
    text = Notary().authority.root.public_bytes(Encoding.PEM).decode()
    entries = [{"certificates": {"cert": text}}]
    (found,) = policy(
        tmp_path, type="Notary", attestations=[{"type": "sbom/example", "attestors": [{"entries": entries}]}]
    )
    assert "by a certificate" in found.authorities[0].unsupported


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"keys": {"publicKeys": "k8s://a/b"}}, "in the cluster"),
        ({"keys": {"kms": "awskms://a"}}, "in the cluster"),
        ({"keyless": {"subject": "a", "issuer": "b", "roots": "c"}}, "trusted root"),
        ({"certificates": {"cert": "c"}}, "cosign's signatures"),
        ({"attestor": {}}, "within one another"),
    ],
)
def test_what_files_cannot_tell_is_not_judged(tmp_path: Path, entry: dict[str, Any], told: str) -> None:
    (found,) = policy(tmp_path, attestors=[{"entries": [entry]}])
    assert told in found.authorities[0].unsupported


@pytest.mark.parametrize(
    ("verified", "told"),
    [
        ({}, "no attestors"),
        ({"attestors": [{"entries": []}]}, "0 of 0"),
        ({"attestors": [{"count": 2, "entries": [keyed(new_key())] * 3}]}, "2 of 3"),
        ({"attestors": [{"entries": [{}]}]}, "neither keys"),
        ({"attestors": [{"entries": [{"keyless": {"subject": "a"}}]}]}, "no issuer"),
        ({"attestors": [{"entries": [keyed(new_key())]}], "attestations": [{}]}, "no type"),
        ({"attestors": "all"}, "Expected"),
        ({"imageReferences": ["a b"], "attestors": [{"entries": [keyed(new_key())]}]}, "no pattern"),
    ],
)
def test_policies_that_cannot_be_meant(tmp_path: Path, verified: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        policy(tmp_path, **verified)
