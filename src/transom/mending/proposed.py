"""Which edits of files mend a finding: those of its own object, or of the values of its chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from transom.inventory.charts import RenderedSource
from transom.inventory.files import DocumentSource
from transom.mending.mend import Mended
from transom.mending.steps import Proposal
from transom.model.findings import Finding
from transom.model.patches import FilePatch


def proposed(mended: Mended) -> Callable[[Finding], Sequence[FilePatch]]:
    """Return the function that tells the edits that mend a finding, with all else that is mended of its document.

    Edits of one document hang together, for each was proven with the others.
    """
    of: dict[tuple[str, str], Sequence[FilePatch]] = {}
    for proposal in mended.objects:
        patches = tuple(_patches(proposal, mended))
        for finding in (each for step in proposal.steps for each in step.mends):
            of[finding.place.file, finding.fingerprint] = patches
    return lambda finding: of.get((finding.place.file, finding.fingerprint), ())


def _patches(proposal: Proposal, mended: Mended) -> Iterator[FilePatch]:
    source = proposal.entry.source
    if isinstance(source, RenderedSource):
        files = dict.fromkeys(layer.document.file for layer in source.rendered.layers)
        yield from (mended.edits[file].patch for file in files if file in mended.edits)
    elif isinstance(source, DocumentSource):
        document = source.document
        start, end = document.offset, document.offset + len(document.text)
        edit = mended.edits.get(document.file)
        if edit is not None:
            yield replace(edit.patch, edits=tuple(e for e in edit.patch.edits if start <= e.start and e.end <= end))
