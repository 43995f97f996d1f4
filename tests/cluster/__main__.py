"""A cluster to play with: control plane, a node where this machine can run one, and the example estate."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.cluster.api import Api
from tests.cluster.binary import NoClusterError, binaries
from tests.cluster.images import BUSYBOX, images, missing
from transom.inventory import Entry, Inventory
from transom.inventory.sources import fill
from transom.kube.pods import pod_view
from transom.kube.scratch import ControlPlane, Node, Wishes, obstacle
from transom.model.errors import TransomError
from transom.model.images import ImageRef

PARTS = ("kube-controller-manager", "kube-scheduler")
SHOP = Path(__file__).parents[2] / "examples" / "shop"
ACCOUNTS_S = 10.0  # how long the controllers take to make the service accounts that pods need
FIRST = ("Namespace", "CustomResourceDefinition", "ServiceAccount")  # what others are put into


def main() -> None:
    """Start everything, tell how to reach it, and end it when Ctrl-C comes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            _play(stack)
            signal.pause()
    except KeyboardInterrupt:
        print("\nended, nothing is left")
    except (NoClusterError, TransomError) as error:
        sys.exit(f"make cluster: {error}")


def _play(stack: ExitStack) -> None:
    estate = Inventory()
    list(fill(estate, str(SHOP)))
    plane = stack.enter_context(ControlPlane(binaries(), Wishes(parts=PARTS)))
    print(f"control plane: {plane.address}, with {' and '.join(PARTS)}")
    reason = obstacle(plane.binaries) or missing()
    if reason:
        print(f"node: none, because {reason}: pods stay pending")
    else:
        node = stack.enter_context(Node(plane, images(plane.folder / "images")))
        wanted = set(_images(estate))
        node.name_image(BUSYBOX, wanted)
        print(f"node: {node.name}, with a stand-in that sleeps for each of {len(wanted)} images")
    print(f"{SHOP.name}: {_load(plane, estate)}")
    print(f"\n  export KUBECONFIG={plane.kubeconfig()}\n  kubectl get pods --all-namespaces\n\nCtrl-C ends it all.")
    sys.stdout.flush()


def _images(estate: Inventory) -> Iterator[ImageRef]:
    for entry in estate.entries():
        pod = pod_view(entry.object, entry.ref.group, entry.ref.kind)
        if pod is not None:
            yield from (each.image for each in pod.containers if each.image)


def _load(plane: ControlPlane, estate: Inventory) -> str:
    api = Api(plane)
    entries = sorted(estate.entries(), key=lambda entry: (*FIRST, entry.ref.kind).index(entry.ref.kind))
    end = time.monotonic() + ACCOUNTS_S
    while (refused := list(_refused(api, entries))) and time.monotonic() < end:
        time.sleep(1)
    api.close()
    told = f"{len(entries) - len(refused)} of {len(entries)} objects created"
    return "\n  ".join([told, *refused])


def _refused(api: Api, entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        answer = api.create(entry.object)
        if answer.status >= 300 and answer.body.get("reason") != "AlreadyExists":
            yield f"{entry.ref}: {answer.message}"


if __name__ == "__main__":
    main()
