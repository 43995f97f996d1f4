"""Every file that tells of packages, and its reader: a table. Names and suffixes are looked up first: patterns cost more."""

from __future__ import annotations

from msgspec import Struct

MIB = 2**20
MAX_BINARY_BYTES = 256 * MIB  # a program is held whole; the largest in public images have 200 MB
MAX_ARCHIVE_BYTES = 512 * MIB  # jars with all that they need have up to 300 MB


class Selector(Struct, frozen=True):
    """Files of one kind. names: their last step; suffixes: what it ends in; contains: a piece of the path, where neither
    is known; path: a pattern of the whole, "" for any.

    reader: module beside this one and function; limit_bytes: larger files of the kind are told as unread; head_bytes: so
    much of a file of any size is enough, 0 for all of it. executable:
    whatever may be run is of the kind, unless its suffix is one of `never`. magics: what a file must begin with; others
    tell nothing. declares: it tells what is meant to be installed, which need not be: read in sources, not in images. owners: a function
    that tells which files the packages own, sums: what they say that these hold, both as `module:function`.
    """

    reader: str
    names: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    contains: str = ""
    path: str = ""
    limit_bytes: int = 64 * MIB
    head_bytes: int = 0
    executable: bool = False
    never: tuple[str, ...] = ()
    magics: tuple[bytes, ...] = ()
    declares: bool = False
    owners: str = ""
    sums: str = ""


SCRIPTS: tuple[str, ...] = (
    ".sh",
    ".py",
    ".pl",
    ".rb",
    ".js",
    ".mjs",
    ".cjs",
    ".ts",
    ".php",
    ".txt",
    ".md",
    ".json",
    ".html",
    ".css",
)
SCRIPTS += (".svg", ".png", ".pyc", ".c", ".h", ".yaml", ".yml", ".xml", ".conf", ".bat", ".gz")
JAVA = (".jar", ".war", ".ear", ".par", ".sar", ".nar", ".kar", ".hpi", ".jpi", ".lpkg", ".rar")
PROGRAMS = (b"\x7fELF", b"MZ")
_KNOWN = "python pypy ruby crypto ssl php perl sqlite3 sqlcipher curl wolfssl julia std rustc_driver avcodec avformat swresample"
_KNOWN += " c z expat png jpeg turbojpeg archive gcrypt ssh2 bz2 pcre2 krb5 Qt"
_LIBRARIES = rf"/lib(?:{_KNOWN.replace(' ', '|')})(?:\d[\w.]*|Core|[-.]\w[\w.-]*)*\.so(?:[.\d]*)$"
PROGRAM_TEXTS = (
    "composer",
    "composer.phar",
    "wp",
    "wp-cli.phar",
    "elixir",
    "elixir.app",
    "application.ini",
    "liberts_internal.a",
)


INSTALLED = (
    # operating systems
    Selector("dpkg:read", names=("status",), path=r"(?:^|/)(?:lib/dpkg|lib/opkg)/status$"),
    Selector("dpkg:read_distroless", contains="status.d/", path=r"(?:^|/)var/lib/dpkg/status\.d/[^/]+(?<!\.md5sums)$"),
    Selector(
        "apk:read",
        names=("installed",),
        path=r"(?:^|/)lib/apk/db/installed$",
        owners="owned:of_apk",
        sums="sums:of_apk",
    ),
    Selector(
        "rpm:read_sqlite",
        names=("rpmdb.sqlite",),
        owners="owned:of_sqlite",
        sums="rpm_sums:of_sqlite",
        limit_bytes=512 * MIB,
    ),
    Selector(
        "rpm:read_berkeley",
        names=("Packages",),
        owners="owned:of_berkeley",
        sums="rpm_sums:of_berkeley",
        path=r"(?:^|/)rpm/Packages$",
        limit_bytes=512 * MIB,
    ),
    Selector(
        "rpm:read_ndb",
        names=("Packages.db",),
        owners="owned:of_ndb",
        sums="rpm_sums:of_ndb",
        path=r"(?:^|/)rpm/Packages\.db$",
        limit_bytes=512 * MIB,
    ),
    Selector(
        "changelogs:read",
        suffixes=(".gz",),
        path=r"(?:^|/)usr/share/doc/[^/]+/changelog(?:\.Debian)?\.gz$",
        head_bytes=8 * 1024,
    ),
    Selector("rpm:read_manifest", names=("container-manifest-2",), path=r"(?:^|/)rpmmanifest/container-manifest-2$"),
    Selector("pacman:read", names=("desc",), path=r"(?:^|/)var/lib/pacman/local/[^/]+/desc$"),
    Selector("pacman:read_portage", names=("CONTENTS",), path=r"(?:^|/)var/db/pkg/[^/]+/[^/]+/CONTENTS$"),
    Selector(
        "pacman:read_freebsd", names=("local.sqlite",), path=r"(?:^|/)var/db/pkg/local\.sqlite$", limit_bytes=512 * MIB
    ),
    Selector("chisel:read", names=("manifest.wall",), sums="chisel:sums"),
    # languages
    Selector("python:read_metadata", names=("METADATA",), path=r"\.dist-info/METADATA$"),
    Selector("python:read_metadata", names=("PKG-INFO",), path=r"(?:\.egg-info|\.dist-info|EGG-INFO)/PKG-INFO$"),
    Selector("python:read_metadata", suffixes=(".egg-info",)),
    Selector("python:read_egg", suffixes=(".egg",), limit_bytes=MAX_ARCHIVE_BYTES),
    Selector("node:read_package", names=("package.json",), limit_bytes=8 * MIB),
    Selector("electron:read_asar", suffixes=(".asar",), limit_bytes=MAX_ARCHIVE_BYTES),
    Selector("perl:read_install", names=("install.json",), path=r"/\.meta/[^/]+/install\.json$"),
    Selector("java:read_archive", suffixes=JAVA, limit_bytes=MAX_ARCHIVE_BYTES),
    Selector(
        "java:read_release", names=("release",), path=r"(?:^|/)(?:[^/]*(?:java|jdk|jre|jvm)[^/]*/)+(?:[^/]+/)?release$"
    ),
    Selector("dotnet:read_deps", suffixes=(".json",), path=r"\.deps\.json$"),
    Selector("executables:read", suffixes=(".dll", ".exe"), limit_bytes=MAX_BINARY_BYTES, magics=(b"MZ",)),
    Selector("ruby:read_specification", suffixes=(".gemspec",), path=r"(?:^|/)specifications/(?:[^/]+/)*[^/]+$"),
    Selector("php:read_installed", names=("installed.json",), path=r"(?:^|/)composer/installed\.json$"),
    Selector("cran:read", names=("DESCRIPTION",), path=r"/(?:library|site-library|R)/[^/]+/DESCRIPTION$"),
    Selector("lua:read", suffixes=(".rockspec",)),
    Selector("conan:read_vcpkg", names=("status",), path=r"(?:^|/)vcpkg/status$"),
    Selector("scientific:read_opam", names=("opam",), path=r"/\.opam-switch/packages/[^/]+/opam$"),
    Selector("scientific:read_pack", names=("pack.pl",)),
    Selector("wordpress:read", suffixes=(".php",), path=r"wp-content/plugins/[^/]+/[^/]+\.php$", limit_bytes=8 * MIB),
    # bundles, and Linux itself
    Selector("bundles:read_conda", suffixes=(".json",), path=r"(?:^|/)conda-meta/[^/]+\.json$"),
    Selector(
        "bundles:read_nix", names=("db.sqlite",), path=r"(?:^|/)nix/var/nix/db/db\.sqlite$", limit_bytes=512 * MIB
    ),
    Selector("bundles:read_snap", names=("snap.yaml",), path=r"(?:^|/)meta/snap\.yaml$"),
    Selector("bundles:read_brew", names=("INSTALL_RECEIPT.json",)),
    Selector(
        "sboms:read", suffixes=(".json", ".xml"), path=r"\.(?:spdx|cdx|sbom|bom)\.(?:json|xml)$", limit_bytes=256 * MIB
    ),
    Selector("sboms:read_syft", suffixes=(".json",), path=r"\.syft\.json$", limit_bytes=256 * MIB),
    Selector(
        "bundles:read_vscode", names=("extensions.json",), path=r"/\.vscode(?:-server)?/extensions/extensions\.json$"
    ),
    Selector("models:read", suffixes=(".gguf",), head_bytes=MIB, magics=(b"GGUF",)),
    Selector("bundles:read_bitnami", suffixes=(".spdx",), path=r"/\.spdx-[^/]+\.spdx$"),
    Selector(
        "kernel:read_image", contains="vmlinu", path=r"(?:^|/)vmlinu[xz](?:-[^/]+)?$", limit_bytes=MAX_BINARY_BYTES
    ),
    Selector("kernel:read_module", suffixes=(".ko",), magics=(b"\x7fELF",)),
    # programs
    Selector("binaries:classified", names=PROGRAM_TEXTS),
    Selector("executables:read", contains=".so", path=_LIBRARIES, limit_bytes=MAX_BINARY_BYTES, magics=PROGRAMS),
    Selector("executables:read", executable=True, never=SCRIPTS, limit_bytes=MAX_BINARY_BYTES, magics=PROGRAMS),
)
"""Files that tell what is installed."""

DECLARED = (
    Selector("python:read_requirements", suffixes=(".txt",), path=r"requirements(?:[^/]*|/[^/]+)\.txt$", declares=True),
    Selector("python:read_pipfile_lock", names=("Pipfile.lock",), declares=True),
    Selector("python:read_poetry_lock", names=("poetry.lock",), declares=True),
    Selector("python:read_uv_lock", names=("uv.lock",), declares=True),
    Selector("python:read_pdm_lock", names=("pdm.lock",), declares=True),
    Selector("python:read_pylock", suffixes=(".toml",), path=r"(?:^|/)pylock(?:\.[^/]+)?\.toml$", declares=True),
    Selector("node:read_lock", names=("package-lock.json", "npm-shrinkwrap.json"), declares=True),
    Selector("node_locks:read_yarn_lock", names=("yarn.lock",), declares=True),
    Selector("node_locks:read_pnpm_lock", names=("pnpm-lock.yaml",), declares=True),
    Selector("node:read_bun_lock", names=("bun.lock",), declares=True),
    Selector("node:read_deno_lock", names=("deno.lock",), declares=True),
    Selector("golang:read_mod", names=("go.mod",), declares=True),
    Selector("golang:read_sum", names=("go.sum",), declares=True),
    Selector("rust:read_lock", names=("Cargo.lock",), declares=True),
    Selector("java:read_pom", names=("pom.xml",), declares=True),
    Selector(
        "java:read_gradle_lock",
        suffixes=(".lockfile",),
        path=r"(?:^|/)(?:buildscript-)?gradle\.lockfile$",
        declares=True,
    ),
    Selector("dotnet:read_lock", names=("packages.lock.json",), declares=True),
    Selector("dotnet:read_config", names=("packages.config",), declares=True),
    Selector("ruby:read_lock", names=("Gemfile.lock", "gems.locked"), declares=True),
    Selector("php:read_lock", names=("composer.lock",), declares=True),
    Selector("erlang:read_mix_lock", names=("mix.lock",), declares=True),
    Selector("erlang:read_rebar_lock", names=("rebar.lock",), declares=True),
    Selector("dart:read_lock", names=("pubspec.lock",), declares=True),
    Selector("apple:read_resolved", names=("Package.resolved",), declares=True),
    Selector("apple:read_podfile_lock", names=("Podfile.lock",), declares=True),
    Selector("conan:read_lock", names=("conan.lock",), declares=True),
    Selector("scientific:read_julia", names=("Manifest.toml", "JuliaManifest.toml"), declares=True),
    Selector("delivery:read_terraform_lock", names=(".terraform.lock.hcl",), declares=True),
    Selector(
        "delivery:read_workflow",
        suffixes=(".yml", ".yaml"),
        path=r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$",
        declares=True,
    ),
    Selector("haskell:read_freeze", names=("cabal.project.freeze",), declares=True),
    Selector("haskell:read_stack", names=("stack.yaml", "stack.yaml.lock"), declares=True),
)
"""Files that tell what is meant to be installed."""

SELECTORS = (*INSTALLED, *DECLARED)
