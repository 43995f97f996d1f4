"""Policies in the formats that users have: sigstore's ClusterImagePolicy, Kyverno's verifyImages, notation's trust policy."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from transom.images.signatures.policies import cluster_image_policy, kyverno, trust_policy
from transom.images.signatures.trust import read_file
from transom.kube.documents import Document, read_documents
from transom.kube.reading import text_at
from transom.model.errors import UsageError
from transom.model.findings import Skipped
from transom.model.limits import MAX_POLICY_BYTES
from transom.model.signatures import ImagePolicy

OF_OTHERS = {"ImageValidatingPolicy": "its validations are code over what a registry answers"}
"""Policies about signatures that are known and not judged, and why."""

TRUST_ROOT = "TrustRoot"  # stands beside ClusterImagePolicies often; what is trusted is told by --trusted-root alone
FORMS = "give a ClusterImagePolicy (policy.sigstore.dev), a Kyverno policy with verifyImages, or notation's trustpolicy.json"


def read_policies(paths: Sequence[str]) -> list[ImagePolicy]:
    """Return the policies of files; raises TransomError where something in one is no policy or cannot be meant."""
    return [policy for path in paths for policy in _policies(path)]


def _policies(path: str) -> Iterator[ImagePolicy]:
    content = read_file(path, MAX_POLICY_BYTES, "a policy")
    found = 0
    for document in read_documents(io.BytesIO(content), path):
        if isinstance(document, Skipped):
            raise UsageError(f"cannot read {path}", document.reason, document.next_step)
        if document.duplicates:
            twice = document.duplicates[0]
            raise UsageError(f"cannot read {path}:{document.line}", f"a key stands there twice: {twice}", "say it once")
        for policy in _of_document(document, path):
            found += 1
            yield policy
    if not found:
        raise UsageError(f"there is no policy in {path}", "", FORMS)


def _of_document(document: Document, path: str) -> Iterator[ImagePolicy]:
    value = document.value
    where = f"{path}:{document.line}"
    kind = text_at(value, "kind")
    if isinstance(value, dict) and "trustPolicies" in value:
        yield from trust_policy.read(value, path, where)
    elif kind == cluster_image_policy.KIND:
        yield from cluster_image_policy.read(value, path, where)
    elif kind in kyverno.KINDS and text_at(value, "apiVersion").startswith(kyverno.GROUP):
        yield from kyverno.read(value, path, where)
    elif value is not None and kind != TRUST_ROOT:
        why = OF_OTHERS.get(kind) or (f"it is of kind {kind!r}" if kind else "")
        raise UsageError(f"{where} is no policy about signatures that can be judged here", why, FORMS)
