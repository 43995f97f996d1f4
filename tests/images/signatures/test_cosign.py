"""Beside cosign itself: what it signs we verify, and of what we sign it says the same as we do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_verify import INDEX, MANIFEST, cosign_tag, push, put
from tests.images.signatures.signing import BUNDLE, ISSUER, NOW, SUBJECT, Log, Sigstore, new_key, statement
from tests.registry.conftest import Layout, layout, pushed, registry
from transom.cli import main

__all__ = ["layout", "pushed", "registry"]
PREDICATE = {"builder": {"id": "https://builder.example.com"}, "buildType": "x"}
Cosign = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cosign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cosign:
    """Run cosign in a folder that has a pair of keys."""
    program = os.environ.get("TRANSOM_COSIGN") or shutil.which("cosign")
    if not program:
        pytest.skip("there is no cosign here: put it on PATH, or name it in TRANSOM_COSIGN")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        surrounding = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COSIGN_PASSWORD": ""}
        return subprocess.run(
            [program, *words], env=surrounding, capture_output=True, text=True, timeout=60, check=False
        )

    assert run("generate-key-pair").returncode == 0
    (tmp_path / "predicate.json").write_text(json.dumps(PREDICATE))
    return run


@pytest.mark.parametrize("bundled", ["true", "false"], ids=["bundle", "tag"])
def test_what_cosign_signs_is_verified(
    cosign: Cosign, layout: Layout, pushed: Callable[[str], str], bundled: str
) -> None:
    digest = layout.image({"a": bundled.encode()})["digest"]
    reference = pushed(f"cosign/signed-{bundled}:1")
    image = f"{reference.rpartition(':')[0]}@{digest}"
    how = (
        "--key",
        "cosign.key",
        "--tlog-upload=false",
        "--use-signing-config=false",
        f"--new-bundle-format={bundled}",
        "-y",
    )
    done = cosign("sign", *how, image)
    assert done.returncode == 0, done.stderr
    done = cosign("attest", *how, "--type", "slsaprovenance", "--predicate", "predicate.json", image)
    assert done.returncode == 0, done.stderr
    asked = ["verify", f"image:{reference}", "--key", "cosign.pub"]
    assert main(asked) == 0
    condition = ["--attestation", "slsaprovenance", "--condition"]
    assert main([*asked, *condition, "provenance.builder == 'https://builder.example.com'"]) == 0
    assert main([*asked, *condition, "provenance.builder == 'https://elsewhere.example.com'"]) == 1


def sound(sigstore: Sigstore) -> dict[str, Any]:
    return {}


def ended(sigstore: Sigstore) -> dict[str, Any]:
    return {"at": NOW - timedelta(hours=1)}


def unpublished(sigstore: Sigstore) -> dict[str, Any]:
    key = new_key()
    return {"key": key, "certificate": sigstore.certificate(key, sct=False)}


def published_elsewhere(sigstore: Sigstore) -> dict[str, Any]:
    key = new_key()
    return {"key": key, "certificate": sigstore.certificate(key, ct=new_key())}


def of_another_authority(sigstore: Sigstore) -> dict[str, Any]:
    key, other = new_key(), Sigstore()
    other.ct = sigstore.ct
    return {"key": key, "certificate": other.certificate(key)}


def by_another_key(sigstore: Sigstore) -> dict[str, Any]:
    return {"key": new_key(), "certificate": sigstore.certificate(new_key())}


def by_another_person(sigstore: Sigstore) -> dict[str, Any]:
    key = new_key()
    return {"key": key, "certificate": sigstore.certificate(key, subject="mallory@example.com")}


def by_another_issuer(sigstore: Sigstore) -> dict[str, Any]:
    key = new_key()
    return {"key": key, "certificate": sigstore.certificate(key, issuer="https://accounts.example.com")}


def in_another_log(sigstore: Sigstore) -> dict[str, Any]:
    sigstore.log = Log()
    return {}


def with_a_forged_entry(sigstore: Sigstore) -> dict[str, Any]:
    sigstore.log.key = new_key()
    return {}


CASES = (
    *(sound, ended, unpublished, published_elsewhere, of_another_authority),
    *(by_another_key, by_another_person, by_another_issuer, in_another_log, with_a_forged_entry),
)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("bundled", [True, False], ids=["bundle", "tag"])
def test_cosign_says_the_same_of_identities(
    cosign: Cosign,
    layout: Layout,
    pushed: Callable[[str], str],
    case: Callable[[Sigstore], dict[str, Any]],
    bundled: bool,
) -> None:
    pytest.importorskip("sigstore", reason="there is no sigstore here: pip install 'transom[sigstore]'")
    sigstore = Sigstore()
    Path("root.json").write_bytes(sigstore.root())
    digest = layout.image({"a": f"{case.__name__} {bundled}".encode()})["digest"]
    reference = pushed(f"cosign/{case.__name__}-{bundled}:1".lower())
    repository = f"http://{reference.partition('/')[0]}/v2/{reference.partition('/')[2].rpartition(':')[0]}"
    how = case(sigstore)
    if bundled:
        held = push(repository, sigstore.bundle(statement(digest), **how), BUNDLE, {}, tag="held")
        entry = {
            "mediaType": MANIFEST,
            "digest": held,
            "size": size_of(f"{repository}/manifests/held"),
            "artifactType": BUNDLE,
        }
        listed = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
        put(f"{repository}/manifests/{digest.replace(':', '-')}", listed, INDEX)
    else:
        push(repository, *sigstore.annotated(digest, **how), tag=cosign_tag(digest))
    who = ("--trusted-root", "root.json", "--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER)
    theirs = cosign("verify", f"--new-bundle-format={str(bundled).lower()}", *who, reference)
    ours = main(["verify", f"image:{reference}", *who])
    assert (ours == 0) == (theirs.returncode == 0), theirs.stderr
    assert (ours == 0) == (case is sound)


def size_of(url: str) -> int:
    return int(put(url, None, MANIFEST, "HEAD")["Content-Length"])
