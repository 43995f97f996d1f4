"""A Kubernetes of one's own, in one folder, for as long as it is needed: for drills, for tests, to try things out."""

from transom.kube.scratch.binaries import Binaries, find_binaries, multi_call
from transom.kube.scratch.control_plane import ControlPlane, Wishes

__all__ = ["Binaries", "ControlPlane", "Wishes", "find_binaries", "multi_call"]
