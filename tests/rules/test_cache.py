"""Compiled rules in the cache: as good as new, never trusted from others, never needed."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from transom.rules import cache
from transom.rules.cache import cached
from transom.rules.folder import cache_folder
from transom.rules.load import load_pack, read_pack


@pytest.fixture
def file(tmp_path, policy_object):
    import json

    path = tmp_path / "rule.yaml"
    config = {"apiVersion": "v1", "kind": "ConfigMap"}
    made = policy_object(
        "variables.names.all(n, n != params.data.a)",
        paramKind=config,
        variables=[{"name": "names", "expression": "object.spec.containers.map(c, string(c.name))"}],
        annotations={"transom.dev/severity": "high", "transom.dev/title-zh": "标题"},
    )
    params = {**config, "metadata": {"name": "rule"}, "data": {"a": "x"}}
    path.write_text(json.dumps(made) + "\n---\n" + json.dumps(params))
    return path


@pytest.fixture
def makes(file):
    """Load the file through the cache; return the pack, and how often it was compiled."""
    compiled = []

    def load():
        def make():
            compiled.append(1)
            return read_pack([file])

        return cached([file], (1, 36), make), len(compiled)

    return load


def kept():
    return sorted(Path(cache_folder()).glob("rules-*"))


def test_the_second_time_nothing_is_compiled(makes):
    makes()
    assert makes()[1] == 1


def test_what_is_kept_judges_as_what_was_compiled(makes, pod, judged):
    fresh, kept_pack = makes()[0], makes()[0]
    assert kept_pack.policies[0].face == fresh.policies[0].face
    for value in (pod({"name": "x"}), pod({"name": "y"}), pod({"name": 1})):
        results = [judged(pack.policies[0], value) for pack in (fresh, kept_pack)]
        assert results[0].findings == results[1].findings
        assert results[0].judged == results[1].judged


def test_a_changed_file_is_compiled_again(makes, file):
    makes()
    file.write_text(file.read_text().replace('"x"', '"z"'))
    pack, count = makes()
    assert (count, pack.policies[0].params[0]["data"]) == (2, {"a": "z"})


def test_another_kubernetes_version_is_compiled_again(file):
    load_pack([str(file)], (1, 36))
    load_pack([str(file)], (1, 35))
    assert len(kept()) == 2


def test_a_pack_with_problems_is_never_kept(makes, file):
    file.write_text(file.read_text().replace("params.data.a", "nothing"))
    makes()
    assert makes()[1] == 2


@pytest.mark.parametrize("content", [b"", b"\x00", b"(\x01\x00\x00\x00N", b"\xe9\x07\x00\x00\x00", b"[" * 500])
def test_a_broken_file_is_made_again(makes, content):
    makes()
    (path,) = kept()
    path.write_bytes(content)
    pack, count = makes()
    assert (count, len(pack.policies)) == (2, 1)


def test_folder_and_files_are_for_their_owner_only(makes):
    makes()
    assert Path(cache_folder()).stat().st_mode & 0o777 == 0o700
    assert kept()[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_to_is_not_used(makes, mode):
    makes()
    Path(cache_folder()).chmod(mode)
    assert cache_folder() is None
    assert makes()[1] == 2


@pytest.mark.parametrize("mode", [0o666, 0o602])
def test_a_file_that_others_may_write_to_is_not_trusted(makes, mode):
    makes()
    kept()[0].chmod(mode)
    assert makes()[1] == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_trusted(makes):
    makes()
    os.chown(kept()[0], 12345, 12345)
    assert makes()[1] == 2


def test_a_link_is_no_cache_folder(tmp_path, makes, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "transom").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "linked"))
    assert cache_folder() is None
    assert makes()[0].policies


def test_without_a_folder_rules_are_compiled_each_time(makes, tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    assert makes()[0].policies
    assert makes()[1] == 2


def test_old_packs_are_forgotten(makes, file, monkeypatch):
    monkeypatch.setattr(cache, "FILES_KEPT", 3)
    for number in range(6):
        file.write_text(file.read_text() + f"\n# {number}\n")
        makes()
    assert len(kept()) == 3


def _load(path, queue):
    queue.put(len(load_pack([str(path)]).policies))


def test_two_runs_may_start_at_once(file):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    runs = [context.Process(target=_load, args=(file, queue)) for _ in range(4)]
    for run in runs:
        run.start()
    assert [queue.get(timeout=60) for _ in runs] == [1, 1, 1, 1]
    for run in runs:
        run.join()
    assert [path.suffix for path in kept()] == [".bin"]


def test_a_file_that_is_replaced_has_another_stamp(file):
    before = cache.stamp(str(file))
    assert cache.stamp(str(file)) == before
    aside = file.with_suffix(".new")
    aside.write_text(file.read_text())
    aside.replace(file)
    assert cache.stamp(str(file)) != before


def test_a_file_that_is_not_there_has_no_stamp(tmp_path):
    assert cache.stamp(str(tmp_path / "none.yaml")) == b""
