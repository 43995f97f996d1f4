"""What a report says of each vulnerability in the four words of VEX, whatever format tells it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import asdict, replace

from transom.model.findings import Finding
from transom.model.images import ImageError, parse_image
from transom.model.vulnerabilities import Vulnerability
from transom.report.records import clean
from transom.report.summary import Report

JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
"""The labels of OpenVEX and CSAF."""


class Verdict(Struct, frozen=True):
    """One vulnerability of one package in one image. words: in which a person said why; justification: by VEX's labels."""

    told: Vulnerability
    image: str
    status: str
    words: str = ""
    justification: str = ""

    @property
    def product(self) -> str:
        """The image as a package URL, "" where no digest says which one it is."""
        return purl_of_image(self.image, self.told.digest)


def verdicts(report: Report) -> Iterator[Verdict]:
    """Yield what is said of each vulnerability: what nobody decided is under investigation, what was accepted is affected.

    A program that holds none of the vulnerable functions is not affected by them.
    """
    for finding in (*report.findings, *report.known):
        told = finding.vulnerability
        if told is not None and told.reach == "absent":
            words = "none of the vulnerable functions is in the program"
            yield _verdict(finding, told, "not_affected", words, JUSTIFICATIONS[1])
        elif told is not None:
            words = f"{told.fixed} has the fix" if told.fixed else ""
            yield _verdict(finding, told, "under_investigation", words)
    for accepted in report.accepted:
        told = accepted.finding.vulnerability
        if told is not None:
            said = (accepted.status or "affected", accepted.reason, accepted.justification)
            yield _verdict(accepted.finding, told, *said)


def _verdict(finding: Finding, told: Vulnerability, status: str, words: str, justification: str = "") -> Verdict:
    """Return a verdict of texts that every format can carry."""
    fields = {
        name: tuple(map(clean, value)) if isinstance(value, tuple) else clean(value)
        for name, value in asdict(told).items()
        if isinstance(value, str | tuple)
    }
    return Verdict(replace(told, **fields), clean(finding.ref.name), clean(status), clean(words), clean(justification))


def purl_of_image(name: str, digest: str) -> str:
    """Return the package URL of an image (purl type oci); "" without a digest, which alone says which image it is."""
    if not digest:
        return ""
    try:
        repository = parse_image(name).name
    except ImageError:
        repository = ""
    last = (repository or name).rstrip("/").rpartition("/")[2].partition("#")[0].lower() or "image"
    where = f"?repository_url={quote(repository, safe='/')}" if repository else ""
    return f"pkg:oci/{quote(last, safe='')}@{quote(digest, safe='')}{where}"


def identity(content: bytes) -> str:
    """Return what a document is called by its content, so that the same decisions have the same name."""
    return hashlib.sha256(content).hexdigest()


def timestamp(made_at: str) -> str:
    """Return a time in UTC as VEX writes it; the beginning of time where nobody tells one."""
    return f"{made_at or '1970-01-01T00:00:00'}Z"
