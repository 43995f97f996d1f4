"""Policies as files: ClusterImagePolicy in YAML, trust policies in JSON, and names that they speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images.signatures.signing import new_key, pem
from transom.images.signatures.names import is_named, policies_for
from transom.images.signatures.policies import read_policies
from transom.model.errors import UsageError
from transom.model.signatures import Authority, ImagePolicy

KEY = "".join(f"        {line}\n" for line in pem(new_key()).splitlines())
KEYED = f"  - key:\n      data: |\n{KEY}"
HEAD = """apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [{glob: "ghcr.io/acme/**"}]
  authorities:
"""


def read(tmp_path: Path, text: str) -> list[ImagePolicy]:
    (tmp_path / "policy.yaml").write_text(text)
    return read_policies([str(tmp_path / "policy.yaml")])


def authority(tmp_path: Path, text: str) -> Authority:
    (policy,) = read(tmp_path, HEAD + text)
    return policy.authorities[0]


def test_a_policy_is_read(tmp_path: Path) -> None:
    (policy,) = read(tmp_path, HEAD + KEYED)
    assert (policy.name, policy.images, policy.enforced) == ("signed", ("ghcr.io/acme/**",), True)
    assert policy.authorities[0].name == "authority-0"
    assert "BEGIN PUBLIC KEY" in policy.authorities[0].keys[0]


def test_several_policies_stand_in_one_file(tmp_path: Path) -> None:
    assert len(read(tmp_path, f"{HEAD}{KEYED}---\n{HEAD}{KEYED}")) == 2


def test_a_log_is_asked_for_where_one_is_named(tmp_path: Path) -> None:
    assert authority(tmp_path, KEYED + "    ctlog: {url: https://rekor.example.com}\n").log
    assert authority(tmp_path, KEYED + "    ctlog: {trustRootRef: mine}\n").log
    assert not authority(tmp_path, KEYED + "    ctlog: {}\n").log
    assert not authority(tmp_path, KEYED).log
    assert authority(tmp_path, KEYED + "    rfc3161timestamp: {trustRootRef: mine}\n").timestamp


def test_identities_with_claims_are_read(tmp_path: Path) -> None:
    text = "  - keyless:\n      identities: [{issuer: a, subjectRegExp: 'b.*', claims: {repository: acme/web}}]\n"
    (identity,) = authority(tmp_path, text).identities
    assert (identity.issuer, identity.subject_regexp, identity.claims) == ("a", "b.*", {"repository": "acme/web"})


def test_attestations_have_short_names(tmp_path: Path) -> None:
    text = KEYED + "    attestations: [{name: a, predicateType: spdxjson, policy: {type: cel, data: 'true'}}]\n"
    (rule,) = authority(tmp_path, text).attestations
    assert (rule.predicate_type, rule.condition) == ("https://spdx.dev/Document", "true")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  - key: {secretRef: {name: a}}\n", "in a Secret"),
        ("  - key: {kms: gcpkms://a}\n", "key service"),
        ("  - keyless: {identities: [{issuer: a, subject: b}], ca-cert: {data: c}}\n", "trusted root"),
        (KEYED + "    source: [{tagPrefix: v1-}]\n", "prefix"),
    ],
)
def test_what_files_cannot_tell_is_not_judged(tmp_path: Path, text: str, told: str) -> None:
    assert told in authority(tmp_path, text).unsupported


def test_policies_in_cue_are_not_judged(tmp_path: Path) -> None:
    text = KEYED + "    attestations: [{name: a, predicateType: custom, policy: {type: cue, data: 'x: 1'}}]\n"
    assert "cue" in authority(tmp_path, text).attestations[0].unsupported
    assert "rego" in authority(tmp_path, KEYED + "  policy: {type: rego, data: x}\n").unsupported


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  - name: a\n", "one of key, keyless and static"),
        (KEYED + "    static: {action: pass}\n", "one of key, keyless and static"),
        ("  - static: {action: maybe}\n", "no such action"),
        ("  - keyles: {}\n", "keyles"),
        ("  - keyless: {identities: [{subject: b}]}\n", "no issuer"),
        ("  - keyless: {identities: [{issuer: a}]}\n", "no subject"),
        ("  - keyless: {identities: [{issuer: a, subjectRegExp: '('}]}\n", "no expression"),
        ("  - keyless: {identities: [{issuer: a, subject: b, claims: {branch: c}}]}\n", "no claim"),
        ("  - key: {data: garbage}\n", "public key"),
        (KEYED + "    source: [{oci: 'no repository'}]\n", "no repository"),
        (KEYED + "    attestations: [{name: a, predicateType: vuln, policy: {type: cel, data: '1 +'}}]\n", "condition"),
        (KEYED + "  mode: never\n", "no mode"),
        (KEYED + "  images: []\n", "twice"),
        ("", "names no images or no authorities|Expected"),
    ],
)
def test_policies_that_cannot_be_meant(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read(tmp_path, HEAD + text)


def test_keyless_without_identities_names_nobody(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names nobody"):
        read(tmp_path, HEAD + "  - keyless: {url: https://fulcio.example.com}\n")


@pytest.mark.parametrize(
    ("glob", "name", "named"),
    [
        ("**", "debian:12", True),
        ("ghcr.io/acme/*", "ghcr.io/acme/web:1", True),
        ("ghcr.io/acme/*", "ghcr.io/acme/deep/web:1", False),
        ("ghcr.io/acme/**", "ghcr.io/acme/deep/web:1", True),
        ("ghcr.io/acme/**", "ghcr.io/acme.evil/web:1", False),
        ("ghcr.io/acme/web", "ghcr.io/acme/web:1", False),
        ("ghcr.io/acme/web:*", "ghcr.io/acme/web", True),
        ("ghcr.io/acme/web@sha256:*", f"ghcr.io/acme/web@sha256:{'0' * 64}", True),
        ("*", "debian:12", True),
        ("*", "acme/web:1", False),
        ("*/*", "acme/web:1", True),
        ("index.docker.io/library/*", "debian", True),
        ("docker.io/library/*", "debian", True),
        ("ghcrXio/acme/**", "ghcr.io/acme/web:1", False),
        ("ghcr.io/acme/**", "evil.example.com/ghcr.io/acme/web:1", False),
    ],
)
def test_patterns_fit_whole_names(glob: str, name: str, named: bool) -> None:
    assert is_named(name, ImagePolicy("p", (glob,), ())) is named


def test_a_policy_for_the_rest_is_silent_where_another_of_its_file_speaks() -> None:
    rest = ImagePolicy("rest", ("**",), (), otherwise=True, file="a")
    one, other = ImagePolicy("one", ("ghcr.io/acme/**",), (), file="a"), ImagePolicy("other", ("**",), (), file="b")
    assert policies_for("ghcr.io/acme/web:1", [rest, one, other]) == [one, other]
    assert policies_for("debian:12", [rest, one, other]) == [other, rest]
