"""Records of layers are kept between runs, whatever happens to the folder meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import zstandard

from transom.images import cache as module
from transom.images.cache import LayerCache
from transom.images.layers.record import LayerRecord
from transom.images.packages import SELECTORS, Selection, Selector

RECORD = LayerRecord("sha256:a", entries=3, texts={"etc/os-release": b"ID=a"})
WRITER = """
import sys
from pathlib import Path
from transom.images.cache import LayerCache
from transom.images.layers.record import LayerRecord
print("ready", flush=True)
cache = LayerCache(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    cache.put(LayerRecord(f"sha256:{number % 20}", texts={"a": bytes(200_000)}))
    assert (cache.get(f"sha256:{number % 20}") or LayerRecord("")).texts == {"a": bytes(200_000)}
"""


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    LayerCache(tmp_path / "new").put(RECORD)
    assert LayerCache(tmp_path / "new").get("sha256:a") == RECORD
    assert LayerCache(tmp_path / "new").get("sha256:b") is None


def test_readers_that_look_for_other_files_take_no_record_of_these(tmp_path: Path) -> None:
    LayerCache(tmp_path).put(RECORD)
    other = LayerCache(tmp_path, Selection(SELECTORS))
    assert other.get("sha256:a") is None
    other.put(RECORD)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("changed", ["selectors", "code", "programs", "format"])
def test_a_changed_reader_takes_no_record_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    LayerCache(tmp_path).put(RECORD)
    assert LayerCache(tmp_path).get("sha256:a") == RECORD
    if changed == "format":
        monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    elif changed != "selectors":
        part = {"code": "packages", "programs": "binaries"}[changed]
        real = module.state_of
        monkeypatch.setattr(module, "state_of", lambda names: real(names := list(names)) + str(part in str(names)))
    selection = Selection((Selector("dpkg:read", names=("x",)),)) if changed == "selectors" else None
    assert LayerCache(tmp_path, selection).get("sha256:a") is None


def test_no_folder_keeps_nothing() -> None:
    LayerCache(None).put(RECORD)
    assert LayerCache(None).get("sha256:a") is None


def test_a_record_that_is_not_whole_is_not_kept(tmp_path: Path) -> None:
    LayerCache(tmp_path).put(LayerRecord("sha256:a", complete=False))
    assert LayerCache(tmp_path).get("sha256:a") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"rubbish",
        zstandard.compress(b"rubbish"),
        zstandard.compress(msgspec.msgpack.encode({"diff_id": 3})),
        zstandard.compress(msgspec.msgpack.encode(LayerRecord("sha256:b"))),
        b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8,
    ],
    ids=["empty", "rubbish", "packed rubbish", "another shape", "of another layer", "an endless size"],
)
def test_a_broken_file_is_as_none_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    cache = LayerCache(tmp_path)
    cache.put(RECORD)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    assert cache.get("sha256:a") is None
    cache.put(RECORD)
    assert cache.get("sha256:a") == RECORD


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    LayerCache(tmp_path / "file" / "layers").put(RECORD)
    assert LayerCache(tmp_path / "file" / "layers").get("sha256:a") is None


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = LayerCache(tmp_path)
    for number in range(5):
        cache.put(LayerRecord(f"sha256:{number}", texts={"a": os.urandom(1000)}))
        for path in tmp_path.iterdir():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
    monkeypatch.setattr(module, "MAX_CACHE_BYTES", 3_500)
    cache.get("sha256:0")  # what was used last goes last
    cache.put(LayerRecord("sha256:5", texts={"a": os.urandom(1000)}))
    kept = [number for number in range(6) if cache.get(f"sha256:{number}")]
    assert kept == [0, 4, 5]


def test_what_a_killed_run_left_goes_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / "a.part", tmp_path / "b.part"
    for path in (old, new):
        path.write_text("")
    os.utime(old, (0, time.time() - 2 * module.STALE_S))
    LayerCache(tmp_path).put(RECORD)
    assert not old.exists()
    assert new.exists()


def test_two_runs_at_once_and_a_killed_one_break_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-c", WRITER, str(tmp_path)]
    killed = subprocess.Popen([*words, "1000000"], stdout=subprocess.PIPE)
    assert killed.stdout is not None
    killed.stdout.readline()
    others = [subprocess.Popen([*words, "60"], stdout=subprocess.DEVNULL) for _ in range(2)]
    killed.kill()
    killed.wait()
    killed.stdout.close()
    assert [other.wait() for other in others] == [0, 0]
    cache = LayerCache(tmp_path)
    assert all(cache.get(f"sha256:{number}") is not None for number in range(20))


def test_what_killed_runs_left_counts_and_no_record_survives_it_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CACHE_BYTES", 5_000)
    (tmp_path / f"x{module.PART}").write_bytes(bytes(4_000))
    cache = LayerCache(tmp_path)
    cache.put(LayerRecord("sha256:a", texts={"a": os.urandom(2_000)}))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5_000


def test_a_file_that_another_run_removes_meanwhile_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def stat(self, **_: object) -> os.stat_result:
            raise FileNotFoundError

    @contextmanager
    def listing(_: object) -> Iterator[list[Gone]]:
        yield [Gone()]

    monkeypatch.setattr(module.os, "scandir", listing)
    assert list(module._files(tmp_path)) == []
