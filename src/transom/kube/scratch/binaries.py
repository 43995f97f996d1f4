"""Where the parts of a Kubernetes are: one program for all of them, a folder of programs, or the PATH."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

ETCD, APISERVER, CONTROLLERS, SCHEDULER, KUBELET = PARTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
)
NEEDED = (ETCD, APISERVER)
"""Without these there is no control plane."""


class Binaries(Struct, frozen=True):
    """The commands of the parts that there are, by part."""

    commands: Mapping[str, tuple[str, ...]]

    def has(self, *parts: str) -> bool:
        """Tell whether all of these parts are there."""
        return all(part in self.commands for part in parts)


def multi_call(program: str) -> Binaries:
    """Return the parts of one program that takes the part's name as its first argument."""
    return Binaries({part: (program, part) for part in PARTS})


def find_binaries(environment: Mapping[str, str] = os.environ) -> Binaries | None:
    """Return the parts of TRANSOM_CLUSTER_BIN, KUBEBUILDER_ASSETS or PATH, the first that has a control plane.

    TRANSOM_CLUSTER_BIN is a folder, or one program for all parts.
    """
    named = environment.get("TRANSOM_CLUSTER_BIN", "")
    if named and Path(named).is_file():
        return multi_call(named)
    for path in (named, environment.get("KUBEBUILDER_ASSETS", ""), environment.get("PATH", "")):
        found = {part: (program,) for part in PARTS if path and (program := shutil.which(part, path=path))}
        if all(part in found for part in NEEDED):
            return Binaries(found)
    return None
