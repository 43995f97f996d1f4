"""What clears vulnerabilities: the smallest set of upgrades, and other bases, as a part of the page."""

from __future__ import annotations

from collections.abc import Iterator

from transom.model.language import mark
from transom.model.vulnerabilities import Upgrade
from transom.report.html.markup import say, text
from transom.report.summary import Report

HEADS = (mark("Image"), mark("Package"), mark("Installed"), mark("Upgrade to"), mark("Clears"))
LISTED = 200  # upgrades; JSON has every one
NAMED = 8  # ids of one upgrade


def remedies(report: Report) -> Iterator[str]:
    """Yield the section; nothing where no upgrade and no base clears anything."""
    if not report.upgrades and not report.rebases:
        return
    yield f'<section id="remedies" aria-labelledby="remedies-title"><h2 id="remedies-title">{say("What to upgrade")}</h2>\n'
    if report.upgrades:
        yield from _table(report)
    for each in report.rebases:
        words = mark("{count} of the {before} vulnerabilities that {base} brings to {image} are gone in {other}.")
        values = {"count": len(each.clears), "before": each.before, "base": each.base}
        yield f"<p>{say(words, **values, image=each.image, other=each.to)}</p>\n"
    yield "</section>\n"


def _table(report: Report) -> Iterator[str]:
    columns = "".join(f'<th scope="col">{say(head)}</th>' for head in HEADS)
    yield '<div class="wide" tabindex="0" role="group" aria-labelledby="remedies-title"><table>'
    yield f"<thead><tr>{columns}</tr></thead><tbody>\n"
    yield from map(_row, report.upgrades[:LISTED])
    yield "</tbody></table></div>\n"
    left = len(report.upgrades) - LISTED
    if left > 0:
        yield f"<p>{say(mark('and {count:,} more, in the JSON report'), count=left)}</p>\n"


def _row(upgrade: Upgrade) -> str:
    place = f"<br><code>{text(upgrade.place)}</code>" if upgrade.place else ""
    more = f" +{len(upgrade.clears) - NAMED}" if len(upgrade.clears) > NAMED else ""
    cells = (
        text(upgrade.image),
        f"<code>{text(upgrade.name)}</code>{place}",
        ", ".join(map(text, upgrade.versions[:NAMED])),
        f"<strong>{text(upgrade.to)}</strong>",
        f"{len(upgrade.clears)}: {', '.join(map(text, upgrade.clears[:NAMED]))}{more}",
    )
    return f"<tr>{''.join(f'<td>{each}</td>' for each in cells)}</tr>\n"
