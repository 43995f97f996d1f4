"""What the API server's Pod Security admission says of every public fixture is what `kube/podsecurity` says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.cluster.api import Api
from transom.kube.documents import Document, read_documents
from transom.kube.podsecurity import evaluate

REFUSAL = re.compile(r'violates PodSecurity "(\w+):(v[\d.]+|latest)": ')
NAMESPACE = "pod-security-{level}-{version}"


def test_every_fixture_is_admitted_or_refused_as_the_server_does(api: Api, corpora: Path) -> None:
    asked, differences, refused_otherwise = 0, [], 0
    for path in sorted((corpora / "pod-security" / "test" / "testdata").glob("*/v*/*/*.yaml")):
        level, version = path.parts[-4], path.parts[-3]
        pod = _pod(path)
        namespace = NAMESPACE.format(level=level, version=version.replace(".", "-"))
        api.namespace(
            namespace,
            {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/enforce-version": version},
        )
        pod["metadata"]["namespace"] = namespace
        answer = api.create(pod, dry_run=True)
        if answer.status >= 300 and not REFUSAL.search(answer.message):
            refused_otherwise += 1  # a pod that is invalid by itself never comes to the question
            continue
        asked += 1
        allowed = not evaluate(pod["metadata"], pod["spec"], level, (1, int(version.removeprefix("v1."))))
        if allowed is not (answer.status < 300):
            differences.append((str(path.relative_to(corpora)), answer.message[:200]))
    assert differences == []
    assert asked > 2_900
    assert refused_otherwise < asked / 3


def _pod(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        (document,) = read_documents(stream, str(path))
    assert isinstance(document, Document)
    return dict(document.value)
