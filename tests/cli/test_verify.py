"""transom verify: images and signatures in layouts and in a real registry, policies from files."""

from __future__ import annotations

import json
import tarfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.images.signatures.signing import (
    BUNDLE,
    ISSUER,
    SIMPLE,
    SUBJECT,
    Key,
    Sigstore,
    b64,
    digest_of,
    envelope,
    key_bundle,
    new_key,
    pem,
    signed,
    simple_payload,
    statement,
)
from tests.registry.conftest import Layout, layout, pushed, registry
from transom.cli import main

__all__ = ["layout", "pushed", "registry"]
MANIFEST, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
NAME = "registry.example.com/shop/web:1"


def signature(digest: str, key: Key) -> tuple[bytes, str, dict[str, str]]:
    payload = simple_payload(digest)
    return payload, SIMPLE, {"dev.cosignproject.cosign/signature": b64(signed(key, payload))}


def attach(layout: Layout, content: bytes, kind: str, notes: dict[str, str], name: str = "", **more: Any) -> None:
    """Add a manifest that holds one signature to a layout."""
    config = layout.blob(b"{}", "application/vnd.oci.empty.v1+json")
    layers = [{**layout.blob(content, kind), "annotations": notes}]
    made = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers, **more}
    descriptor = layout.blob(json.dumps(made).encode(), MANIFEST)
    layout.add({**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}} if name else descriptor)


def cosign_tag(digest: str) -> str:
    return f"{digest.replace(':', '-')}.sig"


class Place:
    """A folder with a key, and the answers of the command in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys, self.key = folder, capsys, new_key()
        self.write("cosign.pub", pem(self.key))

    def write(self, name: str, text: str | bytes) -> str:
        (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def verify(self, *words: str) -> Any:
        self.capsys.readouterr()
        code = main(["verify", *words, "-o", "json"])
        told = self.capsys.readouterr()
        found = json.loads(told.out) if told.out else {"error": told.err, "summary": {"exit_code": code}}
        assert found["summary"]["exit_code"] == code
        return found

    def code(self, *words: str) -> int:
        found: int = self.verify(*words)["summary"]["exit_code"]
        return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, capsys)


def test_a_signed_image_in_a_layout_is_clean(place: Place, layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    attach(layout, *signature(image["digest"], place.key), name=cosign_tag(image["digest"]))
    found = place.verify("image:layout", "--key", "cosign.pub")
    assert found["summary"]["exit_code"] == 0
    assert (found["summary"]["judged"], found["summary"]["passed"]) == (1, 1)


def test_a_tar_of_a_layout_is_verified_alike(place: Place, layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    attach(layout, *signature(image["digest"], place.key), name=cosign_tag(image["digest"]))
    with tarfile.open(place.folder / "image.tar", "w") as archive:
        archive.add(layout.folder, ".")
    assert place.code("image:image.tar", "--key", "cosign.pub") == 0
    assert place.code("image:oci-archive:image.tar", "--key", "cosign.pub") == 0


def test_a_bundle_that_refers_to_the_image_is_found_in_a_layout(place: Place, layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    made = key_bundle(place.key, envelope(place.key, statement(image["digest"])))
    attach(layout, made, BUNDLE, {}, subject=image)
    assert place.code("image:layout", "--key", "cosign.pub") == 0


def test_what_cosign_saves_is_verified(place: Place, layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    attach(layout, *signature(image["digest"], place.key))
    layout.manifests[-1]["annotations"] = {"kind": "dev.cosignproject.cosign/sigs"}
    layout.manifests[0]["annotations"] = {"kind": "dev.cosignproject.cosign/image"}
    layout.add(layout.manifests.pop())
    assert place.code("image:layout", "--key", "cosign.pub") == 0


def test_an_unsigned_image_is_a_finding(place: Place, layout: Layout) -> None:
    layout.image({"a": b"1"})
    found = place.verify("image:layout", "--key", "cosign.pub")
    assert [each["rule"] for each in found["findings"]] == ["unsigned-image"]
    assert found["summary"]["exit_code"] == 1


def test_a_signed_index_signs_its_images_and_is_told(place: Place, layout: Layout) -> None:
    index = layout.index(layout.image({"a": b"1"}, name="one"), name="latest")
    layout.manifests = [each for each in layout.manifests if each["digest"] == index["digest"]]
    attach(layout, *signature(index["digest"], place.key), name=cosign_tag(index["digest"]))
    found = place.verify("image:layout", "--key", "cosign.pub")
    assert found["summary"]["exit_code"] == 0
    assert f"the index {index['digest']} signed" in json.dumps(found)


def cluster_image_policy(glob: str, *authorities: dict[str, Any], **spec: Any) -> str:
    return json.dumps(
        {
            "apiVersion": "policy.sigstore.dev/v1beta1",
            "kind": "ClusterImagePolicy",
            "metadata": {"name": "signed"},
            "spec": {"images": [{"glob": glob}], "authorities": list(authorities), **spec},
        }
    )


def test_an_image_that_no_policy_names_is_not_clean(place: Place, layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    attach(layout, *signature(image["digest"], place.key), name=cosign_tag(image["digest"]))
    policy = place.write(
        "policy.yaml", cluster_image_policy("registry.example.com/shop/**", {"key": {"data": pem(place.key)}})
    )
    assert place.code("image:layout", "--policy", policy) == 3
    assert place.code("image:layout", "--policy", policy, "--as", NAME) == 0


def test_a_policy_that_warns_is_told_below_the_threshold(place: Place, layout: Layout) -> None:
    layout.image({"a": b"1"})
    policy = place.write("policy.yaml", cluster_image_policy("**", {"key": {"data": pem(new_key())}}, mode="warn"))
    found = place.verify("image:layout", "--policy", policy)
    assert [each["severity"] for each in found["findings"]] == ["medium"]
    assert found["summary"]["exit_code"] == 0


def test_keyless_policies_ask_for_a_root_of_trust(place: Place, layout: Layout) -> None:
    sigstore = Sigstore()
    image = layout.image({"a": b"1"})
    attach(layout, *sigstore.annotated(image["digest"]), name=cosign_tag(image["digest"]))
    identity = {"issuer": ISSUER, "subjectRegExp": "https://github[.]com/acme/.*", "claims": {"repository": "acme/web"}}
    policy = place.write("policy.yaml", cluster_image_policy("**", {"keyless": {"identities": [identity]}}))
    assert place.code("image:layout", "--policy", policy) == 3
    root = place.write("root.json", sigstore.root())
    assert place.code("image:layout", "--policy", policy, "--trusted-root", root) == 0
    words = ("--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER, "--trusted-root", root)
    assert place.code("image:layout", *words) == 0
    assert place.code("image:layout", *words, "--certificate-github-workflow-ref", "refs/heads/other") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say who must have signed"),
        (("--certificate-identity", "a@example.com"), "who vouches for that"),
        (("--certificate-identity-regexp", "(", "--certificate-oidc-issuer", "a"), "no expression"),
        (("--key", "missing.pub"), "cannot read missing.pub"),
        (("--key", "garbage"), "cannot read the public key"),
        (("--policy", "garbage"), "cannot read garbage"),
        (("--policy", "empty"), "there is no policy"),
        (("--policy", "pod.yaml"), "no policy about signatures"),
        (("--key", "cosign.pub", "--condition", "true"), "speaks of an attestation"),
        (("--key", "cosign.pub", "--attestation", "vuln", "--condition", "1 +"), "cannot read the condition"),
    ],
)
def test_what_cannot_be_meant_is_told(place: Place, layout: Layout, words: tuple[str, ...], told: str) -> None:
    layout.image({"a": b"1"})
    place.write("garbage", b"\0\xff{{{")
    place.write("empty", "")
    place.write("pod.yaml", "kind: Pod\napiVersion: v1\n")
    found = place.verify("image:layout", *words)
    assert told in found["error"]
    assert found["summary"]["exit_code"] in (2, 3)


def test_an_image_that_is_not_there_is_incomplete(place: Place) -> None:
    assert place.code("image:oci:nowhere", "--key", "cosign.pub") == 3
    assert place.code("image:docker-daemon:debian:12", "--key", "cosign.pub") == 3


def test_an_attestation_is_held_to_a_condition(place: Place, layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    predicate = {"runDetails": {"builder": {"id": "https://builder.example.com"}}}
    told = statement(image["digest"], "https://slsa.dev/provenance/v1", predicate)
    attach(layout, key_bundle(place.key, envelope(place.key, told)), BUNDLE, {}, subject=image)
    words = ("image:layout", "--key", "cosign.pub", "--attestation", "slsaprovenance1", "--condition")
    assert place.code(*words, "provenance.builder == 'https://builder.example.com'") == 0
    assert place.code(*words, "provenance.builder == 'https://elsewhere.example.com'") == 1
    assert place.code("image:layout", "--key", "cosign.pub") == 1  # an attestation is no signature


# a real registry, which has no API for referrers


def put(url: str, content: bytes | None, kind: str, method: str = "PUT") -> Any:
    request = urllib.request.Request(url, content, {"Content-Type": kind, "Accept": kind}, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return reply.headers


def push(repository: str, content: bytes, kind: str, notes: dict[str, str], tag: str) -> str:
    """Push a manifest with one signature under a tag, and return its digest."""
    for blob in (content, b"{}"):
        place = put(f"{repository}/blobs/uploads/", b"", "application/octet-stream", "POST")["Location"]
        put(f"{place}{'&' if '?' in place else '?'}digest={digest_of(blob)}", blob, "application/octet-stream")
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(b"{}"), "size": 2}
    layers = [{"mediaType": kind, "digest": digest_of(content), "size": len(content), "annotations": notes}]
    made = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).encode()
    put(f"{repository}/manifests/{tag}", made, MANIFEST)
    return digest_of(made)


def test_an_image_of_a_registry_is_verified_by_its_tag(
    place: Place, layout: Layout, pushed: Callable[[str], str]
) -> None:
    digest = layout.image({"a": b"1"})["digest"]
    reference = pushed("team/signed:1")
    repository = f"http://{reference.partition('/')[0]}/v2/team/signed"
    assert place.code(f"image:{reference}", "--key", "cosign.pub") == 1
    push(repository, *signature(digest, place.key), tag=cosign_tag(digest))
    assert place.code(f"image:{reference}", "--key", "cosign.pub") == 0


def test_an_image_of_a_registry_is_verified_by_the_list_of_its_referrers(
    place: Place, layout: Layout, pushed: Callable[[str], str]
) -> None:
    digest = layout.image({"a": b"1"})["digest"]
    reference = pushed("team/referred:1")
    repository = f"http://{reference.partition('/')[0]}/v2/team/referred"
    made = key_bundle(place.key, envelope(place.key, statement(digest)))
    held = push(repository, made, BUNDLE, {}, tag="held")
    entry = {"mediaType": MANIFEST, "digest": held, "size": 1, "artifactType": BUNDLE}
    listed = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    put(f"{repository}/manifests/{digest.replace(':', '-')}", listed, INDEX)
    assert place.code(f"image:{reference}", "--key", "cosign.pub") == 0


def test_signatures_are_looked_for_where_the_policy_keeps_them(
    place: Place, layout: Layout, pushed: Callable[[str], str]
) -> None:
    digest = layout.image({"a": b"1"})["digest"]
    reference = pushed("team/apart:1")
    host = reference.partition("/")[0]
    push(f"http://{host}/v2/team/signatures", *signature(digest, place.key), tag=cosign_tag(digest))
    key = {"key": {"data": pem(place.key)}}
    here = place.write("here.yaml", cluster_image_policy("**", key))
    there = place.write(
        "there.yaml", cluster_image_policy("**", {**key, "source": [{"oci": f"{host}/team/signatures"}]})
    )
    assert place.code(f"image:{reference}", "--policy", here) == 1
    assert place.code(f"image:{reference}", "--policy", there) == 0
    assert place.code("image:layout", "--policy", there) == 3  # a folder has no other repositories
