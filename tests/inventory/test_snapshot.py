"""A snapshot holds what the inventory held, and no Secret's value."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from transom.inventory import Inventory
from transom.inventory.files import fill_from_stream
from transom.inventory.snapshot import fill_from_snapshot, is_snapshot, write
from transom.inventory.sources import fill
from transom.model.errors import TransomError
from transom.model.findings import NotApplicable, Skipped

ESTATE = b"""\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: app
    image: example.com/app:1
---
apiVersion: v1
kind: Secret
metadata:
  name: token
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"data": {"key": "aHVudGVyMg=="}}'
data: {key: aHVudGVyMg==}
stringData: {other: hunter2}
---
apiVersion: template.example.com/v1
kind: Template
metadata: {name: nested}
objects:
- {apiVersion: v1, kind: Secret, metadata: {name: inner}, stringData: {password: hunter2}}
---
foreign: true
---
broken: [
"""


def inventory_of(stream: bytes) -> tuple[Inventory, list[Skipped | NotApplicable]]:
    inventory = Inventory()
    return inventory, list(fill_from_stream(inventory, io.BytesIO(stream), "t", "f.yaml"))


def test_a_snapshot_holds_every_object_place_and_skip(tmp_path: Path) -> None:
    before, others = inventory_of(ESTATE)
    write(before, others, tmp_path / "estate")
    after = Inventory()
    assert list(fill_from_snapshot(after, str(tmp_path / "estate"))) == others
    assert [entry.ref for entry in after.entries()] == [entry.ref for entry in before.entries()]
    assert [entry.origin for entry in after.entries()] == [entry.origin for entry in before.entries()]
    path = ("spec", "containers", 0, "image")
    assert after.locate(after.entries()[0], path) == before.locate(before.entries()[0], path)
    absent = ("spec", "containers", 0, "securityContext", "privileged")
    assert after.locate(after.entries()[0], absent) == before.locate(before.entries()[0], absent)


def test_no_secret_value_is_written(tmp_path: Path) -> None:
    write(*inventory_of(ESTATE), tmp_path / "estate")
    text = gzip.decompress((tmp_path / "estate").read_bytes())
    assert b"hunter2" not in text
    assert b"aHVudGVyMg" not in text
    assert b'"key":""' in text


def test_the_same_inventory_gives_the_same_bytes(tmp_path: Path) -> None:
    write(*inventory_of(ESTATE), tmp_path / "one")
    write(*inventory_of(ESTATE), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_snapshot_of_a_snapshot_is_the_same(tmp_path: Path) -> None:
    write(*inventory_of(ESTATE), tmp_path / "one")
    again = Inventory()
    others = list(fill_from_snapshot(again, str(tmp_path / "one")))
    write(again, others, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_snapshots_are_known_by_their_content(tmp_path: Path) -> None:
    write(*inventory_of(ESTATE), tmp_path / "estate.yaml")
    (tmp_path / "other.gz").write_bytes(gzip.compress(b"apiVersion: v1"))
    assert is_snapshot(str(tmp_path / "estate.yaml"))
    assert not is_snapshot(str(tmp_path / "other.gz"))
    assert not is_snapshot(str(tmp_path / "absent"))


def test_a_cut_snapshot_is_an_error_a_person_understands(tmp_path: Path) -> None:
    write(*inventory_of(ESTATE), tmp_path / "estate")
    whole = (tmp_path / "estate").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TransomError, match="cannot read the snapshot"):
        list(fill_from_snapshot(Inventory(), str(tmp_path / "cut")))


def test_a_snapshot_of_another_schema_is_skipped_as_a_target(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(gzip.compress(b'{"schema":"transom.snapshot/9"}\n'))
    (skipped,) = fill(Inventory(), str(tmp_path / "new"))
    assert isinstance(skipped, Skipped)
    assert "its schema is" in skipped.reason


def test_what_a_cut_snapshot_held_before_the_cut_is_kept_beside_what_is_told_of_it(tmp_path: Path) -> None:
    lines = [b'{"schema":"transom.snapshot/1"}']
    lines.append(b'{"type":"object","target":"x","object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}}')
    (tmp_path / "cut").write_bytes(gzip.compress(b"\n".join([*lines, b'{"type":"obj'])))
    inventory = Inventory()
    (skipped,) = fill(inventory, str(tmp_path / "cut"))
    assert isinstance(skipped, Skipped)
    assert [entry.ref.name for entry in inventory.entries()] == ["a"]


@pytest.mark.parametrize("target", ["cluster", "cluster:prod", "image:nginx:1.27", "no/such/folder"])
def test_what_cannot_be_read_yet_is_skipped_with_a_next_step(target: str) -> None:
    (skipped,) = fill(Inventory(), target)
    assert isinstance(skipped, Skipped)
    assert skipped.reason
    assert skipped.next_step
