"""Node: installed packages and the lock files of five package managers."""

from __future__ import annotations

import json

import pytest

from transom.images.packages.node import read_bun_lock, read_deno_lock, read_lock, read_package
from transom.images.packages.node_locks import read_pnpm_lock, read_yarn_lock


def told(packages):
    return [(f"{each.namespace}/{each.name}".lstrip("/"), each.version, each.development) for each in packages]


def test_a_package_json_with_name_and_version_is_a_package():
    text = b'{"name": "@scope/a", "version": "1.0.0", "license": {"type": "MIT"}}'
    (package,) = read_package("node_modules/@scope/a/package.json", text)
    assert (package.namespace, package.name, package.licences) == ("@scope", "a", ("MIT",))


@pytest.mark.parametrize("text", [b'{"name": "a"}', b'{"version": "1"}', b'{"name": ["a"], "version": {}}'])
def test_a_package_json_without_both_is_none(text):
    assert not list(read_package("package.json", text))


def test_version_one_of_npms_lock_is_a_tree():
    inner = {"b": {"version": "2.0.0", "dev": True}, "c": {"version": "npm:real@3.0.0"}, "d": {"version": "file:../d"}}
    text = json.dumps({"dependencies": {"a": {"version": "1.0.0", "dependencies": inner}}}).encode()
    assert told(read_lock("package-lock.json", text)) == [
        ("a", "1.0.0", False),
        ("b", "2.0.0", True),
        ("real", "3.0.0", False),
    ]


def test_version_three_of_npms_lock_is_by_folder():
    folders = {
        "": {"name": "app", "version": "1.0.0"},
        "node_modules/a": {"version": "1.0.0", "license": "ISC"},
        "node_modules/a/node_modules/@s/b": {"version": "2.0.0", "dev": True},
        "node_modules/alias": {"name": "real", "version": "3.0.0"},
        "node_modules/linked": {"resolved": "packages/x", "link": True},
        "packages/x": {"version": "1.0.0"},
    }
    found = list(read_lock("package-lock.json", json.dumps({"packages": folders}, indent=1).encode()))
    assert told(found) == [("a", "1.0.0", False), ("@s/b", "2.0.0", True), ("real", "3.0.0", False)]
    assert found[0].places[0].line == 7


def test_yarns_first_lock_names_what_was_asked_for():
    text = b'# yarn lockfile v1\n\n"@babel/core@^7.0.0", "@babel/core@^7.1.0":\n  version "7.2.0"\n  dependencies:\n'
    text += b'    version "9"\n\nalias@npm:real@^1:\n  version "1.5.0"\n\nlocal@file:../x:\n  version "0.0.0"\n'
    found = list(read_yarn_lock("yarn.lock", text))
    assert told(found) == [("@babel/core", "7.2.0", False), ("real", "1.5.0", False)]
    assert found[0].places[0].line == 3


def test_yarn_berry_leaves_workspaces_out():
    text = b'__metadata:\n  version: 8\n\n"a@npm:^1.0.0":\n  version: 1.0.1\n  resolution: "a@npm:1.0.1"\n  linkType: hard\n\n'
    text += b'"app@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "app@workspace:."\n  linkType: soft\n'
    assert told(read_yarn_lock("yarn.lock", text)) == [("a", "1.0.1", False)]


PNPM5 = b"""lockfileVersion: 5.4
packages:

  /@s/a/1.0.0_b@2.0.0:
    resolution: {integrity: x}
    dev: false

  /b/2.0.0:
    dev: true
"""
PNPM6 = b"""lockfileVersion: '6.0'
packages:
  /@s/a@1.0.0(b@2.0.0):
    dev: false
  /b@2.0.0:
    dev: true
"""
PNPM9 = b"""lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      '@s/a':
        specifier: ^1.0.0
        version: 1.0.0(b@2.0.0)
    devDependencies:
      c:
        specifier: ^3.0.0
        version: 3.0.0
packages:
  '@s/a@1.0.0':
    resolution: {integrity: x}
  b@2.0.0:
    resolution: {integrity: x}
  c@3.0.0:
    resolution: {integrity: x}
snapshots:
  '@s/a@1.0.0(b@2.0.0)':
    dependencies:
      b: 2.0.0
  b@2.0.0: {}
  c@3.0.0: {}
"""


@pytest.mark.parametrize("text", [PNPM5, PNPM6])
def test_pnpm_marks_development_itself_until_version_six(text):
    assert told(read_pnpm_lock("pnpm-lock.yaml", text)) == [("@s/a", "1.0.0", False), ("b", "2.0.0", True)]


def test_since_version_nine_development_is_what_the_projects_do_not_lead_to():
    assert told(read_pnpm_lock("pnpm-lock.yaml", PNPM9)) == [
        ("@s/a", "1.0.0", False),
        ("b", "2.0.0", False),
        ("c", "3.0.0", True),
    ]


def test_buns_lock_has_comments_and_commas_at_ends():
    text = b'{\n // a comment\n "packages": {\n  "a": ["a@1.0.0", "", {}, "sha512-//"],\n  "w": ["w@workspace:x"],\n },\n}\n'
    assert told(read_bun_lock("bun.lock", text)) == [("a", "1.0.0", False)]


def test_text_that_never_closes_is_gone_through_once():
    for piece in (b'"\\', b"/*", b'"', b", "):
        with pytest.raises(ValueError, match="no JSON"):
            list(read_bun_lock("bun.lock", piece * 500_000))


def test_bun_develops_with_what_no_project_needs_to_run():
    text = b"""{"workspaces": {"": {"dependencies": {"a": "1"}, "devDependencies": {"d": "1"}}}, "packages": {
    "a": ["a@1.0.0", "", {"dependencies": {"b": "2"}}, "x"], "b": ["b@1.0.0", "", {}, "x"],
    "a/b": ["b@2.0.0", "", {}, "x"], "d": ["d@1.0.0", "", {}, "x"]}}"""
    assert told(read_bun_lock("bun.lock", text)) == [
        ("a", "1.0.0", False),
        ("b", "1.0.0", True),
        ("b", "2.0.0", False),
        ("d", "1.0.0", True),
    ]


def test_a_package_that_runs_somewhere_is_told_once_and_does_not_only_develop():
    folders = {"node_modules/a": {"version": "1.0.0", "dev": True}, "x/node_modules/a": {"version": "1.0.0"}}
    assert told(read_lock("package-lock.json", json.dumps({"packages": folders}).encode())) == [("a", "1.0.0", False)]


def test_denos_lock_names_npm_and_jsr_packages():
    text = b'{"version": "4", "npm": {"@s/a@1.0.0_peer@2.0.0": {}}, "jsr": {"@std/fs@0.1.0": {}}}'
    found = list(read_deno_lock("deno.lock", text))
    assert [(each.kind, each.namespace, each.name, each.version) for each in found] == [
        ("npm", "@s", "a", "1.0.0"),
        ("jsr", "@std", "fs", "0.1.0"),
    ]
