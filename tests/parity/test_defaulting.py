"""What admission sees of an object is what the server stores of it, but for what only its storage chooses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.cluster.api import Api, ask_all
from tests.parity.figures import record
from tests.parity.manifests import NAMESPACE, public_objects
from transom.kube.defaulting import admitted
from transom.kube.scratch import ControlPlane

STORAGES = re.compile(
    r"""
    \.metadata\.finalizers$
    | ^Service\.spec\.(clusterIPs?|ipFamil.*|ports\[\]\.nodePort|healthCheckNodePort)$  # addresses
    | ^Service\.spec\.externalTrafficPolicy$                                            # of external IPs
    | ^Namespace\.spec$
    | ^(CronJob|Job)\..*(selector|labels.*|controller-uid|job-name|podReplacementPolicy)$
    | ^StatefulSet\.spec\.volumeClaimTemplates\[\]\.(apiVersion|kind)$
    | ^DaemonSet\.metadata\.annotations.*$                                              # its generation
    | ^HorizontalPodAutoscaler\.spec\.(behavior|metrics).*$
    | ^PersistentVolume\.spec\.azureFile\.secretNamespace$
    """,
    re.VERBOSE,
)
"""Fields that the storage writes, which no policy sees yet or none can foretell."""

BOOKKEEPING = re.compile(r"\.status$|\.metadata\.(creationTimestamp|generation|managedFields|resourceVersion|uid)$")
ACCOUNTS = re.compile(r"^Pod\.spec\.serviceAccount(Name)?$")  # their plug-in is off where no controllers run
UNKNOWN_FIELD = re.compile(
    r"\.(imagefeatures|imageformat|protectionDoamin|pool|secretName|readOnly|nodePort|serviceAccount)$"
)
"""Fields that the kind has not, or that are written empty: the server drops them."""


def test_admission_sees_what_the_server_stores(api: Api, control_plane: ControlPlane, corpora: Path) -> None:
    api.namespace(NAMESPACE)
    things = list(public_objects(corpora))
    answers = ask_all(control_plane, [partial(Api.create, thing=thing, dry_run=True) for thing in things])
    asked, equal, explained, differences = 0, 0, Counter[str](), []
    for thing, answer in zip(things, answers, strict=True):
        if answer.status >= 300:
            continue
        asked += 1
        group = thing["apiVersion"].rpartition("/")[0]
        found = list(_different(admitted(thing, group, thing["kind"]), answer.body, thing["kind"]))
        meant = [path for path, _, _ in found if STORAGES.search(path) or ACCOUNTS.search(path)]
        left = [each for each in found if each[0] not in meant and not _is_dropped(each)]
        equal += not found
        explained.update(
            {"chosen by the storage": bool(meant), "fields that are dropped": len(found) > len(meant) + len(left)}
        )
        differences += [(thing["metadata"].get("name"), *each) for each in left]
    record("defaults: objects as admission sees them", asked, equal, explained)
    assert differences == []
    assert asked > 400


def _is_dropped(difference: tuple[str, Any, Any]) -> bool:
    path, ours, theirs = difference
    return theirs is MISSING and (ours in (False, 0, "", [], {}) or bool(UNKNOWN_FIELD.search(path)))


MISSING = object()


def _different(ours: Any, theirs: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from _different(ours.get(key, MISSING), theirs.get(key, MISSING), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for left, right in zip(ours, theirs, strict=True):
            yield from _different(left, right, f"{path}[]")
    elif ours != theirs and not (ours is MISSING and BOOKKEEPING.search(path)):
        yield path, ours, theirs
