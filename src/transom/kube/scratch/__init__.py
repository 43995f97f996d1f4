"""A Kubernetes of one's own, in one folder, for as long as it is needed: for drills, for tests, to try things out."""

from transom.kube.scratch.binaries import Binaries, find_binaries, multi_call
from transom.kube.scratch.control_plane import ControlPlane, Wishes
from transom.kube.scratch.node import Node, obstacle

__all__ = ["Binaries", "ControlPlane", "Node", "Wishes", "find_binaries", "multi_call", "obstacle"]
