"""What the API server's Pod Security admission says of every public fixture is what `kube/podsecurity` says."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from tests.cluster.api import Api, ask_all
from tests.parity.figures import record
from transom.kube.documents import Document, read_documents
from transom.kube.podsecurity import evaluate
from transom.kube.scratch import ControlPlane

REFUSAL = re.compile(r'violates PodSecurity "(\w+):(v[\d.]+|latest)": ')
LABEL = "pod-security.kubernetes.io/"


def test_every_fixture_is_admitted_or_refused_as_the_server_does(
    api: Api, control_plane: ControlPlane, corpora: Path
) -> None:
    fixtures = sorted((corpora / "pod-security" / "test" / "testdata").glob("*/v*/*/*.yaml"))
    levels = {path: (path.parts[-4], path.parts[-3]) for path in fixtures}
    for level, version in sorted(set(levels.values())):
        enforced = {f"{LABEL}enforce": level, f"{LABEL}enforce-version": version}
        api.namespace(_namespace(level, version), enforced)
    pods = [_pod(path) for path in fixtures]
    for pod, named in zip(pods, levels.values(), strict=True):
        pod["metadata"]["namespace"] = _namespace(*named)
    asked, differences, refused_otherwise = 0, [], 0
    answers = ask_all(control_plane, [partial(Api.create, thing=pod, dry_run=True) for pod in pods])
    for path, pod, answer in zip(fixtures, pods, answers, strict=True):
        if answer.status >= 300 and not REFUSAL.search(answer.message):
            refused_otherwise += 1  # a pod that is invalid by itself never comes to the question
            continue
        asked += 1
        level, version = levels[path]
        allowed = not evaluate(pod["metadata"], pod["spec"], level, (1, int(version.removeprefix("v1."))))
        if allowed is not (answer.status < 300):
            differences.append((str(path.relative_to(corpora)), answer.message[:200]))
    record(
        "Pod Security: public pods", asked, asked - len(differences), None, **{"invalid by itself": refused_otherwise}
    )
    assert differences == []
    assert asked > 2_900
    assert refused_otherwise < asked / 3


def _namespace(level: str, version: str) -> str:
    return f"pod-security-{level}-{version.replace('.', '-')}"


def _pod(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        (document,) = read_documents(stream, str(path))
    assert isinstance(document, Document)
    return dict(document.value)
