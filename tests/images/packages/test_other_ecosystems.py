"""One sample of each smaller ecosystem, as its tools write it."""

from __future__ import annotations

import gzip
import json
import sqlite3
import struct

import pytest
import zstandard

from tests.images.packages.elves import elf
from transom.images.packages import SELECTORS, Selection, reader, sums_of

MODULE = elf({".modinfo": b"license=GPL\0version=1.2\0name=zfs\0vermagic=6.1.0-1-amd64 SMP\0"})
NOTE = b'{"type":"rpm","os":"Fedora","name":"openssl","version":"3.1.1-4.fc39","architecture":"x86_64"}\0'
NOTED = struct.pack("<III", 4, len(NOTE), 0xCAFE1A7E) + b"FDO\0" + NOTE
WALL = (
    b'{"jsonwall":"1.0","schema":"1.0","count":3}\n'
    b'{"kind":"package","name":"openssl","version":"3.0.13-0ubuntu3.4","sha256":"ab","arch":"amd64"}\n'
    b'{"kind":"path","path":"/usr/bin/openssl","mode":"0755","slices":["openssl_bins"],"sha256":"%s","size":3}\n'
    b'{"kind":"path","path":"/etc/ssl/openssl.cnf","mode":"0644","slices":["openssl_config"],"sha256":"ab","size":3}\n'
) % (b"0" * 64)
SYFT = (
    b'{"artifacts": [{"name": "a", "purl": "pkg:npm/a@1.0"}, {"name": "b", "purl": ""}], "schema": {"version": "16"}}'
)


def key(name: str, value: str) -> bytes:
    texts = [name.encode(), value.encode()]
    return struct.pack("<Q", len(texts[0])) + texts[0] + struct.pack("<IQ", 8, len(texts[1])) + texts[1]


MODEL = b"GGUF" + struct.pack("<IQQ", 3, 1, 4) + key("general.architecture", "llama") + key("general.name", "Tiny")
MODEL += key("general.version", "v0.3") + key("general.license", "apache-2.0")


def asar(files: dict[str, bytes]) -> bytes:
    """An archive as Electron packs it: files in one folder below node_modules."""
    body, tree = b"", {}
    for name, content in files.items():
        tree[name] = {"files": {"package.json": {"offset": str(len(body)), "size": len(content)}}}
        body += content
    told = json.dumps({"files": {"node_modules": {"files": tree}}}).encode()
    padded = told + b"\0" * (-len(told) % 4)
    return struct.pack("<4I", 4, len(padded) + 8, len(padded) + 4, len(told)) + padded + body


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
    ("usr/lib64/libssl.so.3", elf({".note.package": NOTED}), [("rpm", "openssl", "3.1.1-4.fc39")]),
    ("var/lib/chisel/manifest.wall", zstandard.compress(WALL), [("deb", "openssl", "3.0.13-0ubuntu3.4")]),
    ("models/tiny.gguf", MODEL, [("generic", "Tiny", "v0.3")]),
    ("opt/app/resources/app.asar", asar({"a": b'{"name": "a", "version": "1.2.3"}'}), [("npm", "a", "1.2.3")]),
    (
        "usr/local/lib/perl5/x86_64-linux/.meta/Plack-1.0050/install.json",
        b'{"dist": "Plack-1.0050", "pathname": "M/MI/MIYAGAWA/Plack-1.0050.tar.gz", "name": "Plack"}',
        [("cpan", "Plack", "1.0050")],
    ),
    (
        "root/.vscode-server/extensions/extensions.json",
        b'[{"identifier": {"id": "ms-python.python", "uuid": "x"}, "version": "2024.2.1"}, {"version": 3}]',
        [("vscode-extension", "python", "2024.2.1")],
    ),
    ("opt/app.syft.json", SYFT, [("npm", "a", "1.0")]),
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


def test_the_database_of_freebsd_is_read(tmp_path):
    path = tmp_path / "local.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE packages (id INTEGER, origin TEXT, name TEXT, version TEXT, arch TEXT)")
        database.execute("INSERT INTO packages VALUES (1, 'ftp/curl', 'curl', '8.6.0', 'FreeBSD:14:amd64')")
    database.close()
    (package,) = reader("pacman:read_freebsd")("var/db/pkg/local.sqlite", path.read_bytes())
    assert (package.name, package.version, package.source_name) == ("curl", "8.6.0", "curl")


def test_a_manifest_of_chisel_tells_what_its_programs_hold():
    (found,) = sums_of("chisel:sums")(zstandard.compress(WALL))
    assert (found.package, found.algorithm, found.files) == ("openssl", "sha256", {"usr/bin/openssl": bytes(32)})


def test_a_manifest_of_chisel_that_unpacks_to_too_much_is_told():
    with pytest.raises(ValueError, match="unpacks to more"):
        list(reader("chisel:read")("manifest.wall", zstandard.compress(b" " * 40 * 2**20)))


@pytest.mark.parametrize("cut", range(0, len(MODEL), 7))
def test_a_model_that_breaks_off_tells_what_was_read(cut):
    try:
        found = list(reader("models:read")("tiny.gguf", MODEL[:cut]))
    except ValueError:
        assert cut < 24
    else:
        assert found[0].name in ("Tiny", "tiny")


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, asar({})[:20], struct.pack("<4I", 4, 1, 1, 2**31)])
def test_an_archive_of_electron_that_is_none_is_told(content):
    with pytest.raises(ValueError, match=r"asar|JSON"):
        list(reader("electron:read_asar")("app.asar", content))


def test_a_native_image_tells_what_it_was_built_of():
    bill = (
        b'{"bomFormat": "CycloneDX", "specVersion": "1.4", "components": [{"type": "library", "name": "netty-common",'
    )
    packed = gzip.compress(bill + b' "version": "4.1.0", "purl": "pkg:maven/io.netty/netty-common@4.1.0"}]}')
    names = b"\0sbom\0sbom_length\0"
    symbols = struct.pack("<IBBHQQ", 1, 17, 0, 1, 0x1008, 0) + struct.pack("<IBBHQQ", 6, 17, 0, 1, 0x1000, 0)
    program = elf({".dynstr": names, ".dynsym": symbols}, struct.pack("<Q", len(packed)) + packed)
    (package,) = reader("executables:read")("app/server", program)
    assert (package.kind, package.namespace, package.name) == ("maven", "io.netty", "netty-common")
