"""Which distribution of Kubernetes a cluster is, by the marks that each leaves where any user may look."""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from msgspec import Struct

UNKNOWN = ""


class Marks(Struct, frozen=True):
    """What is known of a cluster. version: its gitVersion; groups: of the APIs that it serves; server: its address;
    has: tells whether it has an object, by kind, namespace and name."""

    version: str
    groups: Collection[str]
    server: str
    has: Callable[[str, str, str], bool]


_VERSIONS = {
    "+k3s": "k3s",
    "+rke2": "RKE2",
    "+k0s": "k0s",
    "-eks-": "EKS",
    "-gke.": "GKE",
    "-aliyun": "ACK",
    "-tke.": "TKE",
}
_GROUPS = {"config.openshift.io": "OpenShift", "networking.gke.io": "GKE", "management.cattle.io": "Rancher"}
_SERVERS = {
    ".eks.amazonaws.com": "EKS",
    ".azmk8s.io": "AKS",
    ".k8s.ondigitalocean.com": "DOKS",
    ".cce.myhuaweicloud.com": "CCE",
    ".linodelke.net": "LKE",
}
_OBJECTS = {
    ("DaemonSet", "kube-system", "kindnet"): "kind",
    ("DaemonSet", "kube-system", "aws-node"): "EKS",
    ("DaemonSet", "kube-system", "cloud-node-manager"): "AKS",
    ("Pod", "kube-system", "storage-provisioner"): "minikube",
    ("ConfigMap", "kube-system", "kubeadm-config"): "kubeadm",
}
"""In the order in which they are believed: a managed cluster or kind may have kubeadm's marks too."""


def distribution_of(marks: Marks) -> str:
    """Return the name of the distribution, UNKNOWN where nothing tells."""
    host = urlsplit(marks.server).hostname or ""
    return (
        next((name for part, name in _VERSIONS.items() if part in marks.version), "")
        or next((name for group, name in _GROUPS.items() if group in marks.groups), "")
        or next((name for suffix, name in _SERVERS.items() if host.endswith(suffix)), "")
        or next((name for thing, name in _OBJECTS.items() if marks.has(*thing)), UNKNOWN)
    )
