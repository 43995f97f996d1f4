"""The files that a scratch node is made of: containerd's, the kubelet's, the network's, and its first process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SANDBOX_IMAGE = "scratch.local/pause:1"
"""The image that holds a pod's namespaces; whoever starts a node brings it."""

HIDDEN = ("/run", "/var/lib", "/var/log")
"""Where parts write whatever they are told; a node has these folders to itself, in memory."""


def containerd_config(folder: Path, plugins: str) -> str:
    """Return containerd's configuration, version 2. plugins: the folder of the network plug-ins."""
    return f"""\
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{SANDBOX_IMAGE}"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{folder}/network"
"""


def network_config(folder: Path, bridge: str, subnet: str) -> dict[str, Any]:
    """Return a network of one bridge, which is there already; pods reach each other and the node, nothing else."""
    addresses = {"type": "host-local", "dataDir": f"{folder}/addresses", "ranges": [[{"subnet": subnet}]]}
    plugin = {"type": "bridge", "bridge": bridge, "isGateway": False, "ipMasq": False, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "scratch", "plugins": [plugin]}


def kubelet_config(folder: Path, authority: Path, address: str, port: int, cgroup: str) -> dict[str, Any]:
    """Return a KubeletConfiguration. authority: who signs its clients' certificates; address: where it listens."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "port": port,
        "readOnlyPort": 0,
        "healthzPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "failSwapOn": False,
        "failCgroupV1": False,
        "makeIPTablesUtilChains": False,  # the machine's own rules are none of a scratch node's business
        "resolvConf": f"{folder}/resolv.conf",
        "staticPodPath": f"{folder}/manifests",
        "podLogsDir": f"{folder}/pod-logs",
        "volumePluginDir": f"{folder}/volume-plugins",
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "oomScoreAdj": 0,
        "syncFrequency": "10s",
    }


def first_process(ready: Path) -> str:
    """Return the script of the node's first process: it hides what parts write, and adopts what they leave."""
    hide = " && ".join(f"mount -t tmpfs tmpfs {path}" for path in HIDDEN)
    return f"mount --make-rshared / && {hide} && : > '{ready}' && while :; do sleep 3600 & wait; done"
