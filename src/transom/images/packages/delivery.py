"""What builds and deploys: providers that Terraform locked, actions of GitHub's workflows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.texts import text_lines
from transom.model.packages import Package, Place

_PROVIDER = re.compile(r'^provider "([^"/]+)/([^"/]+)/([^"/]+)"')
_VERSION = re.compile(r'^\s+version\s*=\s*"([^"]+)"')
_USES = re.compile(r"^\s*(?:-\s+)?uses:\s*['\"]?([\w.-]+)/([\w./-]+)@([\w./-]+)")


def read_terraform_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the providers of a .terraform.lock.hcl."""
    provider: tuple[str, str, str] | None = None
    for number, line in text_lines(content):
        match = _PROVIDER.match(line)
        if match:
            provider = (match[1], match[2], match[3])
        elif provider and (version := _VERSION.match(line)):
            host, owner, name = provider
            places = (Place(path, line=number),)
            yield Package("terraform", name, version[1], f"{host}/{owner}", places=places, evidence="terraform lock")
            provider = None


def read_workflow(path: str, content: bytes) -> Iterator[Package]:
    """Yield the actions and workflows that a workflow uses, with the reference that it names."""
    seen: set[tuple[str, str, str]] = set()
    for number, line in text_lines(content):
        match = _USES.match(line)
        if match and (found := (match[1], match[2], match[3])) not in seen:
            seen.add(found)
            owner, name, reference = found
            places = (Place(path, line=number),)
            yield Package("githubactions", name, reference, owner, places=places, development=True, evidence="workflow")
