"""OpenVEX 0.2: what a vendor says of its own packages (Ubuntu's VEX feed)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from transom.advisories.channels import DEBIAN, UBUNTU, channel_of_distro
from transom.advisories.purls import Purl, read_purl
from transom.advisories.summaries import summary_of
from transom.model.advisories import Advisory, Interval, Refused, State, Statement, Told

STATES = {
    "not_affected": State.NOT_AFFECTED,
    "affected": State.AFFECTED,
    "fixed": State.FIXED,
    "under_investigation": State.UNDER_INVESTIGATION,
}
PUBLISHERS = (("canonical", "ubuntu-vex"), ("chainguard", "chainguard-vex"), ("wolfi", "wolfi-vex"))


class Vulnerability(Struct):
    """The bug, and its other names."""

    name: str
    description: str = ""
    aliases: list[str] = []


class Identifiers(Struct, frozen=True):
    """What a product is called."""

    purl: str = ""


class Product(Struct):
    """One product: its @id, or its identifiers, say which."""

    id: str = msgspec.field(name="@id", default="")
    identifiers: Identifiers = Identifiers()


class Said(Struct):
    """One statement."""

    vulnerability: Vulnerability
    status: str
    products: list[Product] = []
    timestamp: str = ""
    last_updated: str = ""
    justification: str = ""
    action_statement: str = ""


class Vex(Struct):
    """A document, as far as it is read."""

    statements: list[Said]
    author: str = ""
    timestamp: str = ""


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each statement that names source packages of a distribution."""
    document = msgspec.json.decode(content, type=Vex)
    author = document.author.lower()
    feed = next((feed for word, feed in PUBLISHERS if word in author), "openvex")
    for number, said in enumerate(document.statements):
        state = STATES.get(said.status)
        statements = tuple(dict.fromkeys(_statements(said, state))) if state else ()
        if not statements:
            reason = (
                "names no source package of a distribution" if state else f"the status {said.status!r} is not known"
            )
            yield Refused(f"{name}: statement {number + 1}", reason, feed)
            continue
        bug = said.vulnerability
        aliases = tuple(each for each in bug.aliases if "/" not in each)
        modified = said.last_updated or document.timestamp
        yield Advisory(
            bug.name,
            feed,
            statements,
            aliases,
            summary=summary_of(bug.description),
            published=said.timestamp[:10],
            modified=modified,
            record=f"{name}#{number}",
        )


def _statements(said: Said, state: State) -> Iterator[Statement]:
    for product in said.products:
        purl = read_purl(product.identifiers.purl or product.id)
        channel = _channel(purl) if purl else ""
        if purl is None or not channel:
            continue
        if state is not State.FIXED:
            yield Statement(channel, purl.name, state, note=said.justification.replace("_", " "))
        elif purl.version:
            yield Statement(channel, purl.name, intervals=(Interval(fixed=purl.version),))


def _channel(purl: Purl) -> str:
    """Return the channel of a source package of Debian or Ubuntu, "" for everything else."""
    if purl.kind != "deb" or purl.qualifiers.get("arch") != "source":
        return ""
    service, _, codename = purl.qualifiers.get("distro", "").rpartition("/")
    release = {**DEBIAN, **UBUNTU}.get(codename, "")
    if not release:
        return ""
    return channel_of_distro(f"{purl.namespace}-{release}") + ("+pro" if service.startswith(("esm", "fips")) else "")
