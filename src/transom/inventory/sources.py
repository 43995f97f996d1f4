"""What a person may name as a target, and how each kind of target fills the inventory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from transom.inventory.inventory import Inventory
from transom.model.errors import TransomError
from transom.model.findings import Skipped, Told
from transom.model.places import Locator
from transom.model.refs import Ref, file_ref

if TYPE_CHECKING:
    from transom.inventory.cluster import ClusterOptions

ARCHIVES = (".tgz", ".tar.gz")  # of charts


def fill(
    inventory: Inventory,
    target: str,
    exclude: Sequence[str] = (),
    value_files: Sequence[str] = (),
    cluster: ClusterOptions | None = None,
) -> Iterator[Told]:
    """Fill the inventory from a target; yield what could not be read.

    target: a file, folder, chart, kustomization or snapshot, `-` for standard input, or `cluster[:CONTEXT]`.
    A file called `cluster` is named `./cluster`. value_files: laid over the values of every chart. cluster: what to read
    of a live one, and as whom.
    """
    scheme, _, name = target.partition(":")
    if target == "-":
        from transom.inventory.files import fill_from_stdin

        yield from fill_from_stdin(inventory)
    elif scheme == "cluster":
        from transom.inventory.cluster import ClusterOptions, fill_from_cluster

        yield from fill_from_cluster(inventory, target, cluster or ClusterOptions())
    elif scheme in ("image", "dir") and name:
        reason = "this command reads no images"
        yield Skipped(Ref(scope="image", name=name), reason, "leave it out, or ask transom scan or transom sbom")
    elif not os.path.lexists(target):  # a dangling link exists, and is told as such by the walk
        yield Skipped(file_ref(target), "there is no such file or folder", "check the path")
    else:
        yield from _fill_from_path(inventory, target, exclude, value_files)


def _fill_from_path(
    inventory: Inventory, target: str, exclude: Sequence[str], value_files: Sequence[str]
) -> Iterator[Told]:
    from transom.inventory.snapshot import fill_from_snapshot, is_snapshot
    from transom.kube.kustomize.tree import kustomization_file

    if os.path.isfile(target) and is_snapshot(target):
        try:
            yield from fill_from_snapshot(inventory, target)
        except TransomError as error:  # what it held before the fault is kept
            yield Skipped(file_ref(target), f"{error.what}: {error.why}", error.next_step, locator=Locator(target))
    elif os.path.isdir(target) and kustomization_file(target):
        from transom.inventory.kustomizations import fill_from_kustomization

        yield from fill_from_kustomization(inventory, target, exclude)
    elif target.endswith(ARCHIVES) and os.path.isfile(target):
        from transom.inventory.charts import fill_from_charts
        from transom.kube.files import FoundChart, shown

        yield from fill_from_charts(inventory, [FoundChart(target, shown(target))], target, value_files)
    else:
        from transom.inventory.files import fill_from_path

        yield from fill_from_path(inventory, target, exclude, value_files)
