"""What a window yields: findings with their evidence, counts of what was judged, and what was not judged and why."""

from __future__ import annotations

from msgspec import Struct

from transom.model.digests import sha256
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.model.vulnerabilities import Vulnerability


class Rule(Struct, frozen=True):
    """The face of a rule, one shape for all rule languages; what it computes is kept elsewhere.

    texts: translations by language, then by field (`{"zh-CN": {"title": …, "why": …, "fix": …}}`).
    """

    id: str
    title: str
    severity: Severity
    why: str = ""
    fix: str = ""
    window: str = ""
    texts: dict[str, dict[str, str]] = {}


class Evidence(Struct, frozen=True):
    """What was seen, where, and what was expected there. Secret values never stand in it."""

    locator: Locator
    observed: str = ""
    expected: str = ""


class Finding(Struct, frozen=True):
    """One fault of one thing: one for each witness, never for a list index.

    witness: the key that tells two faults of one rule in one object apart (a container's name, a port's name);
    it must survive moved lines and reordered lists. container: the container's name where there is one.
    owner: the workload that a person would change. evidence: never empty, the deciding place first. vulnerability: of a
    package, None of every other fault.
    """

    rule: str
    ref: Ref
    severity: Severity
    message: str
    evidence: tuple[Evidence, ...]
    title: str = ""
    witness: str = ""
    container: str = ""
    owner: Ref | None = None
    fix: str = ""
    vulnerability: Vulnerability | None = None

    def __post_init__(self) -> None:
        """Refuse a finding that shows no evidence."""
        if not self.evidence:
            raise ValueError(f"finding of {self.rule} on {self.ref} without evidence")

    @property
    def fingerprint(self) -> str:
        """The finding's identity over time: 32 hex digits of rule, ref without its cluster, and witness."""
        ref = self.ref
        identity = "\0".join((self.rule, ref.scope, ref.group, ref.kind, ref.namespace, ref.name, self.witness))
        return sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def place(self) -> Locator:
        """Where a person should look first."""
        return self.evidence[0].locator


class Accepted(Struct, frozen=True):
    """A finding that its own file, or the team's settings, declare acceptable, and why; reported, but not as a finding.

    locator: where that is declared; in_source: by its own file, not by the team's settings. status, justification: of a
    vulnerability, in the words of VEX, "" where nobody says.
    """

    finding: Finding
    reason: str
    locator: Locator = Locator()
    in_source: bool = True
    status: str = ""
    justification: str = ""


class Skipped(Struct, frozen=True):
    """Something that should have been judged and was not. It counts: a report with one is never clean.

    ref: what was not judged; rule: set where only that rule could not be judged; reason: why, in a person's words;
    next_step: what would make it judged.
    """

    ref: Ref
    reason: str
    next_step: str = ""
    rule: str = ""
    locator: Locator = Locator()


class Judged(Struct, frozen=True):
    """How many things one rule judged, and how many of them passed. A thing with five faults failed once."""

    rule: str
    judged: int
    passed: int


class NotApplicable(Struct, frozen=True):
    """Things that no rule concerns (a YAML file that is no Kubernetes object, a kind no rule reads): counted only."""

    what: str
    count: int = 1


class Provenance(Struct, frozen=True):
    """How a source told its objects: a chart by which renderer, a cluster by which version and distribution.

    origin: the chart, the cluster or the file; how: in a person's words.
    """

    origin: str
    how: str


Told = Finding | Skipped | NotApplicable | Provenance
"""What a source yields beside the objects that it adds to the inventory."""

Result = Finding | Accepted | Skipped | Judged | NotApplicable | Provenance
"""Everything that travels from a source or a window to a report."""
