"""What a command installs: the packages that a call of a package manager names, and the versions that it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

MAX_PACKAGES = 1_000  # of one command


class Asked(Struct, frozen=True):
    """A package that a command asks for. version: as it is asked for, "" where any will do."""

    name: str
    version: str


class Manager(Struct, frozen=True):
    """How a package manager is called. verbs: the words that install; valued: options whose next word is their value.

    version: what parts a name from its version, the name before it; versioned: options that tell the version of all.
    """

    verbs: frozenset[str]
    valued: frozenset[str]
    version: re.Pattern[str]
    versioned: frozenset[str] = frozenset()


def _manager(verbs: str, valued: str, version: str, versioned: str = "") -> Manager:
    words = (frozenset(each.split()) for each in (verbs, valued, versioned))
    first, second, third = words
    return Manager(first, second, re.compile(version), third)


_APT = _manager("install reinstall", "-t --target-release -o --option -c --config-file -a", "[=/]")
_RPM = _manager(
    "install reinstall localinstall",
    "-c --config --enablerepo --disablerepo --repo --releasever --setopt -x",
    "-(?=\\d)",
)
_PIP = _manager(
    "install",
    "-r --requirement -c --constraint -i --index-url --extra-index-url --find-links -f -t --target --prefix --root --src"
    " --cache-dir --trusted-host --progress-bar --timeout --proxy --retries --python -e --editable --python-version",
    r"(?=[=<>!~]=|[<>])|@",
)
_NPM = _manager("install i add ci", "--prefix --registry --cache --loglevel -w --workspace --omit -C --cwd", "(?<=.)@")
_GO = _manager("install get", "-ldflags -tags -modfile -C -o -p -gcflags -asmflags", "@")
_GEM = _manager("install", "-v --version -i --install-dir -n --bindir -P -s --source", ":(?=.)", "-v --version")
_CARGO = _manager(
    "install",
    "--version --vers --git --tag --rev --branch --root --path --target --features -F -j",
    "@",
    "--version --vers --tag --rev",
)

MANAGERS = {
    "apt": _APT,
    "apt-get": _APT,
    "apk": _manager("add", "-t --virtual -X --repository -p --root --arch --keys-dir", "[=<>~]"),
    "yum": _RPM,
    "dnf": _RPM,
    "microdnf": _RPM,
    "tdnf": _RPM,
    "zypper": _manager("install in", "-r --repo -t --type --from -c --config -R --root", "[=<>]"),
    "pip": _PIP,
    "pip3": _PIP,
    "npm": _NPM,
    "pnpm": _NPM,
    "yarn": _manager("add", "--cwd --modules-folder --registry --cache-folder", "(?<=.)@"),
    "gem": _GEM,
    "go": _GO,
    "cargo": _CARGO,
}
_NO_NAME = re.compile(r"[.~$/`*\\]|https?:|git[+@:]|file:")  # how a path, an address or a variable begins
_LATEST = frozenset(("latest", "main", "master", "HEAD"))


def asked(name: str, words: Sequence[str]) -> Iterator[Asked]:
    """Yield what a command asks its package manager for; nothing where it is none, or installs nothing.

    Files, addresses and what a variable gives are left out: no name stands there.
    """
    manager = MANAGERS.get(name)
    verb = next((index for index, word in enumerate(words) if manager and word in manager.verbs), None)
    if manager is None or verb is None:
        return
    told = _told(words, manager)
    skip = False
    for word in words[verb + 1 :][:MAX_PACKAGES]:
        if skip or word.startswith("-"):
            skip = not skip and word in manager.valued
            continue
        if not _NO_NAME.match(word) and not word.endswith((".deb", ".rpm", ".apk", ".whl", ".tgz", ".gz", ".gem")):
            yield _parted(word, manager, told)


def _told(words: Sequence[str], manager: Manager) -> str:
    """Return the version that an option tells for everything that a command installs."""
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in manager.versioned:
            return value if equals else "".join(words[index + 1 : index + 2])
    return ""


def _parted(word: str, manager: Manager, told: str) -> Asked:
    found = manager.version.search(word)
    if found is None:
        return Asked(word, told)
    version = word[found.end() :]
    return Asked(word[: found.start()], "" if version in _LATEST else version)
