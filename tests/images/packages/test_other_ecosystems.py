"""One sample of each smaller ecosystem, as its tools write it."""

from __future__ import annotations

import sqlite3

import pytest

from tests.images.packages.elves import elf
from transom.images.packages import SELECTORS, Selection, reader

MODULE = elf({".modinfo": b"license=GPL\0version=1.2\0name=zfs\0vermagic=6.1.0-1-amd64 SMP\0"})
SAMPLES = [
    (
        "var/lib/pacman/local/a-1-1/desc",
        b"%NAME%\na\n\n%VERSION%\n1:2.0-1\n\n%LICENSE%\nMIT\n",
        [("alpm", "a", "1:2.0-1")],
    ),
    ("var/db/pkg/app-misc/jq-1.6-r3/CONTENTS", b"", [("ebuild", "jq", "1.6-r3")]),
    (
        "app.deps.json",
        b'{"libraries": {"App/1.0.0": {"type": "project"}, "Serilog/2.1.0": {"type": "package"}}}',
        [("nuget", "Serilog", "2.1.0")],
    ),
    (
        "packages.lock.json",
        b'{"dependencies": {"net8.0": {"A": {"resolved": "1.0.0"}}, "net9.0": {"A": {"resolved": "1.0.0"}}}}',
        [("nuget", "A", "1.0.0")],
    ),
    ("packages.config", b'<packages><package id="A" version="1.0"/></packages>', [("nuget", "A", "1.0")]),
    (
        "usr/lib/gems/specifications/rack-2.2.gemspec",
        b'# stub: rack 2.2.6 ruby lib\nGem::Specification.new do |s|\n  s.name = "rack".freeze\n  s.licenses = ["MIT".freeze]\n',
        [("gem", "rack", "2.2.6")],
    ),
    (
        "Gemfile.lock",
        b"GEM\n  remote: x\n  specs:\n    a (1.0)\n      b (>= 1)\n    n (1.1-x86_64-linux)\n\nPLATFORMS\n    x (1)\n",
        [("gem", "a", "1.0"), ("gem", "n", "1.1")],
    ),
    ("vendor/composer/installed.json", b'[{"name": "s/c", "version": "v5.4.0"}]', [("composer", "c", "v5.4.0")]),
    (
        "app/vendor/composer/installed.json",
        b'{"packages": [{"name": "s/c", "version": "v5.4.0"}], "dev-package-names": ["s/c"]}',
        [("composer", "c", "v5.4.0")],
    ),
    (
        "composer.lock",
        b'{"packages": [{"name": "s/c", "version": "1"}], "packages-dev": [{"name": "p/u", "version": "2"}]}',
        [("composer", "c", "1"), ("composer", "u", "2")],
    ),
    ("mix.lock", b'%{\n  "jason": {:hex, :jason, "1.4.0", "abc", [:mix]},\n}\n', [("hex", "jason", "1.4.0")]),
    ("rebar.lock", b'[{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0}].', [("hex", "cowboy", "2.9.0")]),
    (
        "pubspec.lock",
        b'packages:\n  http:\n    dependency: "direct main"\n    source: hosted\n    version: "1.1.0"\n'
        b'  flutter:\n    source: sdk\n    version: "0.0.0"\nsdks:\n  dart: ">=3"\n',
        [("pub", "http", "1.1.0")],
    ),
    (
        "Package.resolved",
        b'{"pins": [{"identity": "nio", "location": "https://github.com/apple/swift-nio.git", "state": {"version": "2.1.0"}}]}',
        [("swift", "swift-nio", "2.1.0")],
    ),
    (
        "Podfile.lock",
        b'PODS:\n  - AFNetworking (4.0.1):\n    - AFNetworking/Core (= 4.0.1)\n  - "A+B (1.0)"\n\nDEPENDENCIES:\n  - X (1)\n',
        [("cocoapods", "AFNetworking", "4.0.1"), ("cocoapods", "A+B", "1.0")],
    ),
    ("conan.lock", b'{"version": "0.5", "requires": ["zlib/1.2.13#abc%1"]}', [("conan", "zlib", "1.2.13")]),
    ("app/conan.lock", b'{"graph_lock": {"nodes": {"1": {"ref": "zlib/1.2.11#0"}}}}', [("conan", "zlib", "1.2.11")]),
    (
        "usr/lib/R/library/MASS/DESCRIPTION",
        b"Package: MASS\nVersion: 7.3-58\nLicense: GPL-2\n",
        [("cran", "MASS", "7.3-58")],
    ),
    ("x/lpeg-1.0-1.rockspec", b'package = "LPeg"\nversion = "1.0-1"\n', [("luarocks", "LPeg", "1.0-1")]),
    (
        "cabal.project.freeze",
        b"constraints: any.aeson ==2.1.0.0,\n             any.text ==2.0\n",
        [("hackage", "aeson", "2.1.0.0"), ("hackage", "text", "2.0")],
    ),
    (
        "stack.yaml.lock",
        b"packages:\n- completed:\n    hackage: fuzzy-1.2.3@sha256:ab,1\n",
        [("hackage", "fuzzy", "1.2.3")],
    ),
    ("lib/modules/zfs.ko", MODULE, [("generic", "linux-kernel", "6.1.0-1-amd64"), ("generic", "zfs", "1.2")]),
    ("boot/vmlinux", b"\x7fELF..Linux version 6.1.0-1 (gcc)", [("generic", "linux-kernel", "6.1.0-1")]),
    ("opt/conda/conda-meta/zlib.json", b'{"name": "zlib", "version": "1.2.13"}', [("conda", "zlib", "1.2.13")]),
    ("snap/core/meta/snap.yaml", b"name: core22\nversion: '20230801'\n", [("snap", "core22", "20230801")]),
    ("home/linuxbrew/Cellar/jq/1.6_1/INSTALL_RECEIPT.json", b"{}", [("brew", "jq", "1.6")]),
    (
        "opt/bitnami/redis/.spdx-redis.spdx",
        b'{"packages": [{"externalRefs": [{"referenceLocator": "pkg:bitnami/redis@7.0.1-2?arch=amd64&distro=x"}]}]}',
        [("bitnami", "redis", "7.0.1-2")],
    ),
    (
        "usr/share/vcpkg/status",
        b"Package: zlib\nVersion: 1.3\nStatus: install ok installed\n",
        [("vcpkg", "zlib", "1.3")],
    ),
]


@pytest.mark.parametrize(("path", "content", "expected"), SAMPLES, ids=[path for path, _, _ in SAMPLES])
def test_a_file_is_selected_and_tells_its_packages(path, content, expected):
    selector = Selection(SELECTORS).of(path)
    assert selector is not None
    assert [(each.kind, each.name, each.version) for each in reader(selector.reader)(path, content)] == expected


def test_nix_tells_store_paths_with_versions():
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE ValidPaths (path text)")
    for end in ("hello-2.12.1", "hello-2.12.1-doc", "builder.sh", "x-1.0.drv"):
        database.execute("INSERT INTO ValidPaths VALUES (?)", (f"/nix/store/{'a' * 32}-{end}",))
    database.commit()
    found = [(each.name, each.version) for each in reader("bundles:read_nix")("db.sqlite", database.serialize())]
    assert found == [("hello", "2.12.1")]


def test_gems_and_packages_tell_their_licences():
    (gem,) = reader("ruby:read_specification")("a.gemspec", SAMPLES[5][1])
    assert gem.licences == ("MIT",)


def test_what_only_develops_is_marked():
    assert [each.development for each in reader("php:read_lock")("composer.lock", SAMPLES[9][1])] == [False, True]


def assembly(managed: bool) -> bytes:
    strings = b"".join(
        (key + "\0").encode("utf-16-le") + (value + "\0").encode("utf-16-le")
        for key, value in (("ProductName", "Tool"), ("ProductVersion", "1.2.3+abc"), ("InternalName", "My.Lib.dll"))
    )
    head = b"MZ".ljust(0x3C, b"\0") + (64).to_bytes(4, "little") + b"PE\0\0" + b"\0" * 20
    optional = (0x20B).to_bytes(2, "little").ljust(108, b"\0") + (16).to_bytes(4, "little")
    directories = b"\0" * 112 + (8192 if managed else 0).to_bytes(4, "little") + b"\0" * 12
    return head + optional + directories + "VS_VERSION_INFO".encode("utf-16-le") + b"\0" * 60 + strings


@pytest.mark.parametrize(
    ("managed", "expected"), [(True, ("nuget", "My.Lib", "1.2.3")), (False, ("generic", "Tool", "1.2.3"))]
)
def test_a_pe_file_tells_its_version_resource(managed, expected):
    (package,) = reader("executables:read")("My.Lib.dll", assembly(managed))
    assert (package.kind, package.name, package.version) == expected
