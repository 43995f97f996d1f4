"""Files that a person gives: whatever stands in them, an answer or an error in words, never anything else."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.test_verify import cluster_image_policy
from tests.images.signatures.notary import Notary
from tests.images.signatures.signing import ISSUER, SUBJECT, Sigstore, new_key, pem
from transom.images.signatures.keys import load_keys
from transom.images.signatures.log import InclusionProof, _check_inclusion
from transom.images.signatures.policies import read_policies
from transom.images.signatures.refusing import RefusedError
from transom.images.signatures.trust import now_of, read_crl, read_stores, trust_of
from transom.model.errors import TransomError, UsageError

ATTESTATION = {"name": "a", "predicateType": "vuln", "policy": {"type": "cel", "data": "true"}}
IDENTITY = {"issuer": ISSUER, "subject": SUBJECT, "claims": {"repository": "acme/web"}}
POLICIES = (
    cluster_image_policy("**", {"key": {"data": pem(new_key())}, "attestations": [ATTESTATION]}),
    cluster_image_policy("**", {"keyless": {"identities": [IDENTITY]}, "ctlog": {"url": "https://a.example.com"}}),
    json.dumps(
        {
            "version": "1.0",
            "trustPolicies": [
                {
                    "name": "a",
                    "registryScopes": ["*"],
                    "signatureVerification": {"level": "strict", "override": {"expiry": "log"}},
                    "trustStores": ["ca:a"],
                    "trustedIdentities": ["x509.subject: O=acme, CN=a"],
                }
            ],
        }
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_policy_with_anything_in_it_is_read_or_refused(tmp_path: Path, policy: str, data: st.DataObject) -> None:
    whole = json.loads(policy)
    here = whole
    while isinstance(here, dict | list) and here:
        key = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        if data.draw(st.booleans()) or not isinstance(here[key], dict | list):
            here[key] = data.draw(JSON)
            break
        here = here[key]
    (tmp_path / "policy.json").write_text(json.dumps(whole))
    with suppress(UsageError):
        read_policies([str(tmp_path / "policy.json")])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_bytes_are_no_policy_no_list_and_no_root(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(TransomError):
        read_policies([str(tmp_path / "file")])
    with pytest.raises(TransomError):
        read_crl(str(tmp_path / "file"))
    if content:
        with pytest.raises(TransomError):
            trust_of(0, content)
    with pytest.raises(TransomError):
        load_keys(content.decode("latin-1"))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_root_with_a_changed_byte_is_read_or_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(ROOT) - 1))
    with suppress(TransomError):
        trust_of(0, ROOT[:at] + data.draw(st.binary(min_size=1, max_size=1)) + ROOT[at + 1 :])


ROOT = Sigstore().root()


@settings(max_examples=200)
@given(
    index=st.integers(0, 2**70),
    size=st.integers(0, 2**70),
    hashes=st.lists(st.binary(min_size=32, max_size=32), max_size=70),
    root=st.binary(min_size=32, max_size=32),
)
def test_no_proof_leads_to_a_root_by_chance(index: int, size: int, hashes: list[bytes], root: bytes) -> None:
    with pytest.raises(RefusedError):
        _check_inclusion(b"entry", InclusionProof(index, size, root, tuple(hashes)))


@given(count=st.integers(1, 40), data=st.data())
@settings(max_examples=100, deadline=None)
def test_every_leaf_of_every_tree_is_in_it(count: int, data: st.DataObject) -> None:
    from tests.images.signatures.signing import prove

    leaves = [str(number).encode() for number in range(count)]
    index = data.draw(st.integers(0, count - 1))
    root, path = prove(leaves, index)
    _check_inclusion(leaves[index], InclusionProof(index, count, root, tuple(path)))
    with pytest.raises(RefusedError):
        _check_inclusion(b"another", InclusionProof(index, count, root, tuple(path)))


def test_trust_stores_are_read_as_notation_has_them(tmp_path: Path) -> None:
    notary, folder = Notary(), tmp_path / "x509" / "ca" / "acme"
    folder.mkdir(parents=True)
    (folder / "root.pem").write_bytes(notary.authority.root.public_bytes(Encoding.PEM))
    (folder / "der.crt").write_bytes(notary.authority.certificate.public_bytes(Encoding.DER))
    (folder / "notes.txt").write_text("not a certificate")
    assert len(read_stores(str(tmp_path))["ca:acme"]) == 2
    (folder / "link.pem").symlink_to(folder / "root.pem")
    with pytest.raises(TransomError, match="it is a link"):
        read_stores(str(tmp_path))
    with pytest.raises(TransomError, match="no trust store"):
        read_stores(str(tmp_path / "x509" / "ca" / "acme"))


def test_a_list_of_revoked_certificates_is_read_in_both_forms(tmp_path: Path) -> None:
    made = Notary().crl()
    for encoding in (Encoding.PEM, Encoding.DER):
        (tmp_path / "crl").write_bytes(made.public_bytes(encoding))
        assert read_crl(str(tmp_path / "crl")).issuer == made.issuer


def test_a_private_key_is_never_taken() -> None:
    with pytest.raises(UsageError, match="private"):
        load_keys("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nabc\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n")


def test_weak_keys_are_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    for key in (rsa.generate_private_key(65_537, 1_024), ec.generate_private_key(ec.SECP256K1())):
        with pytest.raises(UsageError, match="not accepted"):
            load_keys(pem(key))


def test_a_time_is_read_or_refused() -> None:
    assert now_of("2026-01-31T12:00:00Z") == now_of("2026-01-31T13:00:00+01:00")
    with pytest.raises(TransomError, match="no time"):
        now_of("yesterday")
