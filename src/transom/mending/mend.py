"""From targets to proven patches: the whole of mending on one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from transom.inventory import Entry, Inventory
from transom.inventory.charts import RenderedSource
from transom.inventory.dockerfiles import DockerfileSource
from transom.inventory.files import DocumentSource
from transom.mending.charts import ChartFixes, Edited
from transom.mending.differences import applied
from transom.mending.files import FileEdit, Files, NotEditable
from transom.mending.steps import NO_FIX, NOT_WANTED, Left, Proposal, Step, propose
from transom.model.findings import Accepted, Finding, Result, Skipped
from transom.model.language import mark
from transom.model.patches import ObjectPatch
from transom.rules.exceptions import UNUSED
from transom.scan import ScanOptions, assess, look, scan

if TYPE_CHECKING:
    from transom.rules.fixes import Fix
    from transom.rules.judge import Plans

MAX_SUSPECTS = 20  # objects of which one may have given rise to a finding; each costs a look at all its steps
MAX_ATTEMPTS = 8  # each gives up at least one fix that did not prove right; then what is left is given up together
NO_TEXT = mark("it was not read from a file that can be edited: --patch writes a patch for it")
RENDERED = mark("it is made by {}: change the template or its values, or patch what comes out with --patch")
NO_OBJECT = mark("no cluster has a Dockerfile to patch: --write edits it")
GIVEN_UP = mark("the whole did not prove right, so nothing in this file was changed")
APPEARS = mark("its fix would give rise to {} elsewhere")

Key = tuple[str, str]
"""A file and the fingerprint of what is found in it: the same object may stand in two."""


class Options(Struct, frozen=True):
    """What to mend. scan: as for a scan, all rules among it; only: rules to mend, all where empty; safe_only: leave what
    may change how programs behave; in_files: whether files are edited, or patches of objects are made."""

    scan: ScanOptions
    fixes: Mapping[str, Fix]
    only: Sequence[str] = ()
    safe_only: bool = False
    in_files: bool = True


class Mended(Struct):
    """What mending comes to: edits by file, the objects that were mended, the findings that are left, and what the scan
    did not judge. after: what a scan finds once all of it is applied; revealed: those among it that faults, now mended,
    kept from being judged; risks: what may break, by rule and language; results: all that the scan said before."""

    edits: dict[str, FileEdit] = field(default_factory=dict)
    objects: list[Proposal] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    after: list[Finding] = field(default_factory=list)
    revealed: list[Finding] = field(default_factory=list)
    risks: dict[str, Mapping[str, str]] = field(default_factory=dict)
    results: Sequence[Result] = ()

    @property
    def steps(self) -> list[Step]:
        """Every fix that is applied to some object."""
        return [step for each in self.objects for step in each.steps]

    def patch_of(self, proposal: Proposal) -> ObjectPatch:
        """Return the changes of one object."""
        return ObjectPatch(proposal.entry.ref, tuple(change for step in proposal.steps for change in step.changes))


def mend(targets: Sequence[str], options: Options) -> Mended:
    """Scan the targets, and return what mends their findings, proven by reading and judging everything again."""
    inventory = Inventory()
    results = list(scan(targets, options.scan, inventory))
    files = Files(targets, options.scan.exclude)
    made = _Mending(inventory, results, files, options).mended()
    made.results = results
    return made


class _Mending:
    """One run: what was found, and which fixes were given up on."""

    def __init__(self, inventory: Inventory, results: Iterable[Result], files: Files, options: Options) -> None:
        self.inventory = inventory
        self.files = files
        self.options = options
        self.skipped = [each for each in results if isinstance(each, Skipped)]
        self.findings = [each for each in results if isinstance(each, Finding)]
        self.accepted = [each for each in results if isinstance(each, Accepted)]
        self.given_up: dict[Entry, dict[str, str]] = {}
        self.proposals: dict[Entry, tuple[Proposal, list[Left]]] = {}
        self.culprits: dict[str, str] = {}  # what gave rise to a rule's findings before, and most likely does again
        self.plans: Plans = {}
        self.charts = ChartFixes(inventory)
        self.of_entry, self.homeless = self._by_entry()

    def _by_entry(self) -> tuple[dict[Entry, list[Finding]], list[Finding]]:
        """Return the findings by the entry that they stand in, and those of no entry."""
        found: dict[Entry, list[Finding]] = {}
        homeless = []
        for finding in self.findings:
            entry = self._entry_of(finding)
            if entry is None:
                homeless.append(finding)
            elif not self.options.only or finding.rule in self.options.only:
                found.setdefault(entry, []).append(finding)
        return found, homeless

    def _entry_of(self, finding: Finding) -> Entry | None:
        near = [each for each in self.inventory.with_ref(finding.ref) if each.origin.file == finding.place.file]
        if len(near) < 2:
            return near[0] if near else None
        starts = [(self.inventory.locate(each, ()).line, index) for index, each in enumerate(near)]
        before = [(line, index) for line, index in starts if line <= finding.place.line]
        return near[max(before or starts[:1])[1]]

    def mended(self) -> Mended:
        """Try, give up what did not prove right, and try again; nothing is left of what never did."""
        for attempt in range(2 * MAX_ATTEMPTS):
            result = self.attempt()
            wrong = self.wrong(result)
            if not wrong:
                return result
            if attempt >= MAX_ATTEMPTS:  # whole files, for what shows itself one by one has no end
                files = {entry.origin.file for entry, _, _ in wrong}
                near = [each for each in result.objects if each.entry.origin.file in files]
                wrong = [(each.entry, step.rule, GIVEN_UP) for each in near for step in each.steps]
            for entry, rule, reason in wrong:
                self.give_up(entry, rule, reason)
        return Mended(left=[Left(each, GIVEN_UP) for each in self.findings], skipped=self.skipped, after=self.findings)

    def give_up(self, entry: Entry, rule: str, reason: str) -> None:
        self.given_up.setdefault(entry, {})[rule] = reason
        self.proposals.pop(entry, None)

    # what is proposed

    def attempt(self) -> Mended:
        """Return what the fixes that were not given up on make, with edits that are proven to say so."""
        risks = {rule: fix.risk for rule, fix in self.options.fixes.items()}
        result = Mended(skipped=self.skipped, risks=risks)
        result.left = self.homeless_left()
        for entry in self.of_entry:
            if not self.options.in_files and isinstance(entry.source, DockerfileSource):
                for each in self.of_entry[entry]:
                    self.given_up.setdefault(entry, {})[each.rule] = NO_OBJECT
            proposal, left = self.proposal(entry)
            result.left += left
            if proposal.steps:
                result.objects.append(proposal)
        if self.options.in_files:
            self.add_edits(result)
        return result

    def proposal(self, entry: Entry) -> tuple[Proposal, list[Left]]:
        if entry not in self.proposals:
            given_up = self.given_up.get(entry, {})
            options = self.options
            made, left = propose(
                self.inventory,
                entry,
                self.of_entry[entry],
                self._accepted_of(entry),
                options.fixes,
                options.scan.policies,
                options.safe_only,
                without=given_up,
                plans=self.plans,
            )
            left += [Left(each, given_up[each.rule]) for each in self.of_entry[entry] if each.rule in given_up]
            self.proposals[entry] = made, left
        return self.proposals[entry]

    def _accepted_of(self, entry: Entry) -> list[Accepted]:
        return [each for each in self.accepted if each.finding.ref == entry.ref]

    def add_edits(self, result: Mended) -> None:
        """Turn what is proposed into edits of files; what cannot be edited is given up, and the rest goes on."""
        self.edit_charts(result)
        by_file: dict[str, list[Proposal]] = {}
        for proposal in result.objects:
            origin = proposal.entry.origin
            if isinstance(proposal.entry.source, RenderedSource):
                continue  # its values make it
            if origin.renderer:
                self.leave(proposal, [step.rule for step in proposal.steps], RENDERED.format(origin.renderer))
            elif isinstance(proposal.entry.source, DockerfileSource):
                self.edit_dockerfile(result, proposal)
            elif not isinstance(proposal.entry.source, DocumentSource):
                self.leave(proposal, [step.rule for step in proposal.steps], NO_TEXT)
            else:
                by_file.setdefault(proposal.entry.origin.file, []).append(proposal)
        for file, proposals in by_file.items():
            while any(each.steps for each in proposals):
                try:
                    result.edits[file] = self.files.edit(file, proposals)
                    break
                except NotEditable as error:
                    for proposal, rules in error.of:
                        self.leave(proposal, rules, error.reason)
                    proposals = [self.proposal(each.entry)[0] for each in proposals]
        result.objects = [made for each in result.objects if (made := self.proposal(each.entry)[0]).steps]
        result.left = self.homeless_left()
        for entry in self.of_entry:
            result.left += self.proposal(entry)[1]

    def edit_dockerfile(self, result: Mended, proposal: Proposal) -> None:
        """Turn what is proposed for a Dockerfile into an edit of it, or give it up."""
        from transom.mending.dockerfiles import edit_dockerfile

        entry = proposal.entry
        path, root = self.files.found.get(entry.origin.file, ("", ""))
        try:
            if proposal.steps:
                result.edits[entry.origin.file] = edit_dockerfile(entry, proposal, path, root)
        except NotEditable as error:
            self.leave(proposal, [step.rule for step in proposal.steps], error.reason)

    def edit_charts(self, result: Mended) -> None:
        """Turn what is proposed for rendered objects into values of their charts; give up what no values make."""
        entries = [each.entry for each in result.objects if isinstance(each.entry.source, RenderedSource)]
        while proposals := [made for each in entries if (made := self.proposal(each)[0]).steps]:
            for each in entries:
                proposal, left = self.proposal(each)
                left += self.charts.narrow(proposal)
            refused = self.charts.edit(proposals) or list(self.unsafe(proposals))
            for proposal, rule, reason in refused:
                self.give_up(proposal.entry, rule, reason)
            if not refused:
                result.edits.update(self.charts.edited.edits)
                return
        self.charts.edited = Edited()

    def unsafe(self, proposals: Iterable[Proposal]) -> Iterator[tuple[Proposal, str, str]]:
        """Note that a value is behavioural that changes more than its fixes say; yield the steps that are not wanted."""
        for each in proposals:
            source = each.entry.source
            if isinstance(source, RenderedSource) and id(source.rendered) in self.charts.edited.reaching:
                each.steps = [replace(step, safe=False) for step in each.steps]
                if self.options.safe_only:
                    yield from ((each, step.rule, NOT_WANTED) for step in each.steps)

    def homeless_left(self) -> list[Left]:
        """Return the findings of no object that was read, such as a namespace that only others name."""
        only = self.options.only
        return [Left(each, NO_FIX) for each in self.homeless if not only or each.rule in only]

    def leave(self, proposal: Proposal, rules: Iterable[str], reason: str) -> None:
        for rule in list(rules):
            self.give_up(proposal.entry, rule, reason)

    # the proof

    def wrong(self, result: Mended) -> list[tuple[Entry, str, str]]:
        """Judge everything again as it would be; return the fixes that must be given up, each with its reason."""
        after = self.inventory_after(result)
        results = list(look(self.options.scan, after))
        result.after = [each for each in results if isinstance(each, Finding)]
        before = Counter(_keys(self.findings)) + Counter(_keys(self.skipped))
        fresh = Counter(_keys(results)) - before
        wrong = []
        for each in results:
            if isinstance(each, Finding | Skipped) and fresh[_key(each)] > 0:
                fresh[_key(each)] -= 1
                if isinstance(each, Finding) and self.is_revealed(each, result):
                    result.revealed.append(each)
                else:
                    wrong += self.blamed(each, result)
        still = Counter(_keys(result.after))
        mended = Counter(_keys(each for step in result.steps for each in step.mends))
        for proposal in result.objects:
            for step in proposal.steps:
                if any(_is_still_found(each, still, before, mended) for each in step.mends):
                    wrong.append((proposal.entry, step.rule, mark("it would still be found")))
        return wrong

    def is_revealed(self, appeared: Finding, result: Mended) -> bool:
        """Tell whether a rule could not judge an object for a fault that is mended, and a worse one than it finds now."""
        return any(
            appeared.rule in self.options.fixes[step.rule].reveals
            and any(mended.severity > appeared.severity for mended in step.mends)
            for each in result.objects
            if each.entry.ref == appeared.ref and each.entry.origin.file == appeared.place.file
            for step in each.steps
        )

    def blamed(self, appeared: Finding | Skipped, result: Mended) -> list[tuple[Entry, str, str]]:
        """Return the fix that gave rise to something: of its object, else of its file, else of all.

        What did so before is taken for the culprit again, unproven: if it was not, the same appears once more. Where no
        single fix did, all of these are blamed.
        """
        file = _key(appeared)[0]
        near = [each for each in result.objects if each.entry.ref == appeared.ref and each.entry.origin.file == file]
        near = near or [each for each in result.objects if each.entry.origin.file == file] or result.objects
        reason = APPEARS.format(appeared.rule)
        suspect = self.culprits.get(appeared.rule, "")
        if len(near) == 1 and any(step.rule == suspect for step in near[0].steps):
            return [(near[0].entry, suspect, reason)]
        for proposal in near[:MAX_SUSPECTS]:
            culprit = self.culprit(proposal, appeared)
            if culprit:
                self.culprits[appeared.rule] = culprit
                return [(proposal.entry, culprit, reason)]
        return [(each.entry, step.rule, reason) for each in near for step in each.steps]

    def culprit(self, proposal: Proposal, appeared: Finding | Skipped) -> str:
        """Return the fix of an object with which something appears, "" where it is not among them."""
        value = proposal.entry.object
        for step in proposal.steps:
            value = applied(value, step.changes)
            inventory, changed = self.inventory_with(proposal.entry, value)
            results = assess(inventory, self.options.scan.rules, [changed], None, self.options.scan.windows)
            if any(_key(each)[1] == _key(appeared)[1] for each in results):
                return step.rule
        return ""

    def inventory_with(self, entry: Entry, value: Any) -> tuple[Inventory, Entry]:
        """Return the inventory with another object in the place of an entry's, and its new entry."""
        inventory = _beside(self.inventory)
        changed = entry
        for each in self.inventory.entries():
            added = inventory.add(value if each is entry else each.object, each.origin, each.source)
            changed = added if each is entry else changed
        return inventory, changed

    def inventory_after(self, result: Mended) -> Inventory:
        """Return the inventory as it would be read once everything is applied."""
        after = _beside(self.inventory)
        values = {each.entry: each.value for each in result.objects if not self.options.in_files}
        done: set[tuple[str, str]] = set()
        charts = self.charts.edited.charts
        for entry in self.inventory.entries():
            origin = entry.origin
            if isinstance(entry.source, RenderedSource) and id(entry.source.rendered) in charts:
                chart = id(entry.source.rendered)
                if (origin.target, str(chart)) not in done:
                    done.add((origin.target, str(chart)))
                    charts[chart].add_to(after, origin.target)
                continue
            edit = result.edits.get(origin.file)
            if edit is None:
                after.add(values.get(entry, entry.object), origin, entry.source)
            elif (origin.target, origin.file) not in done:
                done.add((origin.target, origin.file))
                edit.fill(after, origin.target)
        return after


def _beside(inventory: Inventory) -> Inventory:
    """Return an empty inventory that knows of clusters what another one knows; of charts no values are asked for."""
    made = Inventory()
    made.clusters = inventory.clusters
    return made


def _is_still_found(found: Finding, still: Counter[Key], before: Counter[Key], mended: Counter[Key]) -> bool:
    key = _key(found)
    if found.ref.kind == "Dockerfile":
        return still[key] > before[key] - mended[key]
    return key in still


def _keys(results: Iterable[Result]) -> list[Key]:
    return [key for each in results if (key := _key(each))[1]]


def _key(result: Result) -> Key:
    """Return what a finding, or something skipped, is known by within its file; the second part is empty for others.

    Exceptions that no longer accept anything are no harm: what they accepted is gone.
    """
    if isinstance(result, Finding) and result.ref.kind == "Dockerfile":
        return result.place.file, result.rule  # an instruction is known by what it does, which its fix may change
    if isinstance(result, Finding) and result.rule != UNUSED.id:
        return result.place.file, result.fingerprint
    if isinstance(result, Skipped):
        return result.locator.file, f"{result.ref} {result.rule} {result.reason}"
    return "", ""
