"""What a file tells by its name and place alone: shells, package managers, compilers, credentials, caches."""

from __future__ import annotations

import re

SHELL, MANAGER, COMPILER, SUDO = "shell", "package-manager", "compiler", "sudo"
CREDENTIAL, REPOSITORY = "credential", "repository"
PROGRAMS = {
    **dict.fromkeys(("sh", "bash", "ash", "dash", "zsh", "ksh", "fish", "csh", "tcsh", "busybox"), SHELL),
    **dict.fromkeys(("apt-get", "apt", "dpkg", "apk", "yum", "dnf", "microdnf", "tdnf", "rpm", "zypper"), MANAGER),
    **dict.fromkeys(("pacman", "pip", "pip3", "npm", "yarn", "gem"), MANAGER),
    **dict.fromkeys(("gcc", "g++", "cc", "c++", "clang", "make", "cmake", "ld", "rustc", "cargo", "javac"), COMPILER),
    **dict.fromkeys(("sudo", "doas"), SUDO),
}
"""Programs by their names in a folder of programs."""

FILES = {
    **dict.fromkeys(("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"), CREDENTIAL),
    **dict.fromkeys((".pypirc", ".netrc", ".git-credentials", ".htpasswd", ".pgpass", ".my.cnf"), CREDENTIAL),
    **dict.fromkeys((".npmrc", ".env", ".dockercfg", "kubeconfig"), CREDENTIAL),
}
"""Files that hold credentials, in whatever folder."""
ENDINGS = ("/.aws/credentials", "/.docker/config.json", "/.kube/config", "/.azure/accessTokens.json")
KEYS = (".p12", ".pfx", ".jks", ".keystore")
"""Endings of key stores; PEM files are mostly certificates of authorities, so that their content must tell."""

CACHES = (
    "var/lib/apt/lists/",
    "var/cache/apt/",
    "var/cache/apk/",
    "var/cache/dnf/",
    "var/cache/yum/",
    "var/cache/zypp/",
    "var/cache/pacman/pkg/",
    "var/lib/pacman/sync/",
    "root/.cache/",
    "root/.npm/_cacache/",
    "usr/local/share/.cache/",
)
"""Folders in which package managers keep what they downloaded."""
_PROGRAM_FOLDER = re.compile(r"(?:usr/|usr/local/|opt/[^/]+/)?s?bin")
_EXAMPLES = re.compile(
    r"(?:^|/)(?:usr/share|usr/lib|usr/local/lib|node_modules|site-packages|dist-packages|go/pkg/mod)/"
)
"""Where libraries lie, whose own examples and test data are nobody's credentials."""


def notable(path: str, folder: str, name: str) -> str:
    """Return what a path tells, "" for nothing: one of the words above."""
    program = PROGRAMS.get(name)
    if program is not None:
        return program if _PROGRAM_FOLDER.fullmatch(folder) else ""
    if name in FILES or name.endswith(KEYS) or path.endswith(ENDINGS):
        return "" if _EXAMPLES.search(f"/{path}") else CREDENTIAL
    if name == "HEAD" and folder.endswith(".git"):
        return REPOSITORY
    return ""
