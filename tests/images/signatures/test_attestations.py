"""Attestations: what was stated, by whom, and whether it meets a condition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.images.signatures.asking import outcome, refused
from tests.images.signatures.signing import (
    BUNDLE,
    DSSE,
    ISSUER,
    SUBJECT,
    Kept,
    Key,
    Sigstore,
    an_image,
    envelope,
    key_bundle,
    new_key,
    pem,
    statement,
)
from transom.images.signatures.provenance import is_of_type, provenance_of
from transom.model.errors import TransomError
from transom.model.signatures import AttestationRule, Authority, Identity, ImagePolicy, Problem
from transom.registry.blobs import Descriptor

SLSA_1, SLSA_02 = "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"
FIRST = {
    "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {
            "workflow": {
                "repository": "https://github.com/acme/web",
                "ref": "refs/heads/main",
                "path": ".github/workflows/b.yml",
            }
        },
        "resolvedDependencies": [{"uri": "git+https://github.com/acme/web@refs/heads/main"}],
    },
    "runDetails": {"builder": {"id": "https://github.com/actions/runner/github-hosted"}},
}
EARLIER = {
    "builder": {"id": "https://github.com/actions/runner/github-hosted"},
    "buildType": "x",
    "invocation": {
        "configSource": {
            "uri": "git+https://github.com/acme/web@refs/heads/main",
            "entryPoint": ".github/workflows/b.yml",
        }
    },
    "materials": [{"uri": "git+https://github.com/acme/web"}],
}


def asking(key: Key, *rules: AttestationRule) -> list[ImagePolicy]:
    return [ImagePolicy("p", ("**",), (Authority("a", (pem(key),), attestations=rules),))]


def attest(repository: Kept, image: Descriptor, key: Key, kind: str, predicate: Any) -> None:
    repository.refer(image.digest, key_bundle(key, envelope(key, statement(image.digest, kind, predicate))), BUNDLE)


def test_provenance_is_proven_and_told(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    attest(repository, image, key, SLSA_1, FIRST)
    (proof,) = outcome(repository, image, asking(key, AttestationRule("provenance", SLSA_1))).proofs
    assert proof.predicate_type == SLSA_1
    assert proof.facts["builder"] == "https://github.com/actions/runner/github-hosted"
    assert proof.facts["source"] == "https://github.com/acme/web"


def test_an_envelope_in_cosigns_tag_is_an_attestation_too(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    made = envelope(key, statement(image.digest, SLSA_02, EARLIER, kind="https://in-toto.io/Statement/v0.1"))
    repository.tag(image.digest, ".att", (json.dumps(made).encode(), DSSE, {"predicateType": SLSA_02}))
    assert outcome(repository, image, asking(key, AttestationRule("provenance", SLSA_02))).holds


@pytest.mark.parametrize(("kind", "predicate"), [(SLSA_1, FIRST), (SLSA_02, EARLIER)])
def test_one_condition_speaks_of_every_version_of_provenance(repository: Kept, kind: str, predicate: Any) -> None:
    image, key = an_image(repository), new_key()
    attest(repository, image, key, kind, predicate)
    good = 'provenance.source.contains("github.com/acme/web") && provenance.workflow.endsWith("b.yml") && provenance.ref != ""'
    assert outcome(repository, image, asking(key, AttestationRule("a", kind, good))).holds
    bad = 'provenance.builder == "https://evil.example.com"'
    assert refused(repository, image, asking(key, AttestationRule("a", kind, bad))) is Problem.CONDITION


def test_a_condition_that_names_what_is_not_there_is_not_met(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    attest(repository, image, key, SLSA_1, {})
    rule = AttestationRule("a", SLSA_1, 'predicate.runDetails.builder.id == "x"')
    assert refused(repository, image, asking(key, rule)) is Problem.CONDITION


def test_a_bill_of_materials_is_counted(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    attest(repository, image, key, "https://cyclonedx.org/bom", {"components": [{}, {}]})
    rule = AttestationRule("bill", "https://cyclonedx.org/bom", "size(predicate.components) > 1")
    assert outcome(repository, image, asking(key, rule)).proofs[0].facts["packages"] == "2"


def test_all_attestations_of_an_authority_are_asked_for(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    attest(repository, image, key, SLSA_1, FIRST)
    both = asking(key, AttestationRule("a", SLSA_1), AttestationRule("b", "https://cyclonedx.org/bom"))
    assert refused(repository, image, both) is Problem.UNSIGNED
    attest(repository, image, key, "https://cyclonedx.org/bom", {})
    assert len(outcome(repository, image, both).proofs) == 2


def test_two_rules_of_one_type_are_two_rules(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    attest(repository, image, key, SLSA_1, FIRST)
    rules = (AttestationRule("a", SLSA_1, "true"), AttestationRule("b", SLSA_1, "false"))
    assert refused(repository, image, asking(key, *rules)) is Problem.CONDITION


def test_an_identity_attests(sigstore: Sigstore, repository: Kept) -> None:
    pytest.importorskip("sigstore", reason="there is no sigstore here: pip install 'transom[sigstore]'")
    image = an_image(repository)
    repository.refer(image.digest, sigstore.bundle(statement(image.digest, SLSA_1, FIRST)), BUNDLE)
    rule = AttestationRule("a", SLSA_1, f'signer.issuer == "{ISSUER}" && signer.claims["repository"] == "acme/web"')
    authority = Authority("a", identities=(Identity(ISSUER, "", SUBJECT),), attestations=(rule,))
    assert outcome(repository, image, [ImagePolicy("p", ("**",), (authority,))], sigstore.trust()).holds


# ways in which nothing is proven


def test_a_plain_signature_is_no_attestation(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    repository.refer(image.digest, key_bundle(key, envelope(key, statement(image.digest))), BUNDLE)
    assert refused(repository, image, asking(key, AttestationRule("a", SLSA_1))) is Problem.UNSIGNED


def test_an_attestation_of_another_type(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    attest(repository, image, key, SLSA_02, EARLIER)
    assert refused(repository, image, asking(key, AttestationRule("a", SLSA_1))) is Problem.UNSIGNED


def test_an_attestation_by_another(repository: Kept) -> None:
    image = an_image(repository)
    attest(repository, image, new_key(), SLSA_1, FIRST)
    assert refused(repository, image, asking(new_key(), AttestationRule("a", SLSA_1))) is Problem.OTHER_KEY


def test_an_attestation_of_another_image(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    told = statement(f"sha256:{'0' * 64}", SLSA_1, FIRST)
    repository.refer(image.digest, key_bundle(key, envelope(key, told)), BUNDLE)
    assert refused(repository, image, asking(key, AttestationRule("a", SLSA_1))) is Problem.OTHER_DIGEST


def test_a_policy_in_another_language_is_not_judged(repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    attest(repository, image, key, SLSA_1, FIRST)
    found = outcome(repository, image, asking(key, AttestationRule("a", SLSA_1, unsupported="its policy is in rego")))
    assert not found.holds
    assert "rego" in found.unjudged[0].reason


def test_an_authority_that_is_not_judged_lets_nothing_pass(repository: Kept) -> None:
    image = an_image(repository)
    authority = Authority("a", static="pass", unsupported="its policy over all authorities is in rego")
    found = outcome(repository, image, [ImagePolicy("p", ("**",), (authority,))])
    assert not found.holds
    assert "rego" in found.unjudged[0].reason


def test_a_policy_may_pass_or_forbid_without_asking(repository: Kept) -> None:
    image = an_image(repository)
    assert outcome(repository, image, [ImagePolicy("p", ("**",), (Authority("a", static="pass"),))]).holds
    assert (
        refused(repository, image, [ImagePolicy("p", ("**",), (Authority("a", static="fail"),))]) is Problem.FORBIDDEN
    )


def test_a_condition_that_costs_too_much_or_is_none_is_refused() -> None:
    from transom.images.signatures.conditions import condition

    for text in ("1 +", "1", "unknown.name", "true" + " || true" * 50_000):
        with pytest.raises(TransomError, match="condition"):
            condition(text)


@pytest.mark.parametrize(
    "predicate", [None, [], "text", 1, {"buildDefinition": []}, {"materials": {}, "invocation": 5}]
)
def test_provenance_that_is_none_says_nothing(predicate: Any) -> None:
    for kind in (SLSA_1, SLSA_02, "https://other.example.com"):
        assert provenance_of(kind, predicate)["builder"] == ""


def test_writers_put_versions_behind_some_types() -> None:
    assert is_of_type("https://spdx.dev/Document/v2.3", "https://spdx.dev/Document")
    assert not is_of_type("https://slsa.dev/provenance/v1/x", SLSA_1)
    assert not is_of_type("https://spdx.dev/Documents", "https://spdx.dev/Document")
