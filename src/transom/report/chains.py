"""Chains of steps: for a terminal, and as a page on which each is drawn, with a table that says the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from transom.model.language import mark, translator
from transom.report.grid import CLOSING, opening, sentences, table_row
from transom.report.options import ReportOptions
from transom.report.text import BOLD, DIM, RED, Look, wrapped

MORE = mark("and {:,} more; all are in the JSON")


class Link(Struct, frozen=True):
    """One step. how: by which primitive, in the reader's language; through: the objects that allow it."""

    who: str
    gains: str
    how: str
    through: str = ""


class Chain(Struct, frozen=True):
    """One way. title: where it begins; notes: what is to be known of it."""

    title: str
    links: Sequence[Link]
    notes: Sequence[str] = ()


class Section(Struct, frozen=True):
    """Chains that lead to one thing. lead: sentences before them; left_out: how many more there are than are shown."""

    title: str
    chains: Sequence[Chain]
    lead: Sequence[str] = ()
    left_out: int = 0


def lines(sections: Sequence[Section], options: ReportOptions) -> Iterator[str]:
    """Yield the lines of sections for a terminal."""
    look = Look(options)
    for section in sections:
        yield look.paint(look.safe(section.title), BOLD)
        for sentence in section.lead:
            yield from wrapped(look.safe(sentence), look.width, "  ", "  ")
        yield ""
        for chain in section.chains:
            yield from _chain(chain, look)
            yield ""
        if section.left_out:
            yield look.paint(look.say(MORE).format(section.left_out), DIM)
            yield ""


def _chain(chain: Chain, look: Look) -> Iterator[str]:
    yield look.paint(look.safe(chain.title), RED)
    for note in chain.notes:
        yield from (look.paint(line, DIM) for line in wrapped(look.safe(note), look.width, "  ", "  "))
    for number, link in enumerate(chain.links, 1):
        words = look.safe(f"{link.how} → {link.gains}")
        yield from wrapped(words, look.width, f"  {number}. ", "     ")
        if link.through:
            through = look.say("through {}").format(look.safe(link.through))
            yield from (look.paint(line, DIM) for line in wrapped(through, look.width, "     ", "     "))


def page(title: str, sections: Sequence[Section], notes: Sequence[str], language: str) -> Iterator[str]:
    """Yield a page that needs no server and loads nothing."""
    yield opening(title, language, _STYLE)
    yield from sentences(notes)
    for section in sections:
        yield from _section(section, language)
    yield CLOSING


def _section(section: Section, language: str) -> Iterator[str]:
    from transom.report.html.markup import text

    yield f"<section>\n<h2>{text(section.title)}</h2>\n"
    yield from sentences(section.lead)
    for chain in section.chains:
        yield f"<article><h3>{text(chain.title)}</h3>\n"
        yield from sentences(chain.notes)
        yield from _drawn(chain)
        yield from _table(chain, language)
        yield "</article>\n"
    if section.left_out:
        yield from sentences([translator(language)(MORE).format(section.left_out)])
    yield "</section>\n"


def _table(chain: Chain, language: str) -> Iterator[str]:
    """Yield the steps of a chain once more, as a table, for who cannot see how they are drawn."""
    from transom.report.html.markup import text

    say = translator(language)
    yield f"<details><summary>{text(say('as a table'))}</summary><div class=scroll><table><thead><tr>"
    headings = ("#", say("who"), say("gains"), say("how"), say("through"))
    yield "".join(f'<th scope="col">{text(each)}</th>' for each in headings) + "</tr></thead><tbody>\n"
    for number, link in enumerate(chain.links, 1):
        yield table_row((str(number), link.who, link.gains, link.how, link.through))
    yield "</tbody></table></div></details>"


def _drawn(chain: Chain) -> Iterator[str]:
    from transom.report.html.markup import text

    first = chain.links[0].who if chain.links else chain.title
    yield f'<ol class="chain"><li class="start"><b>{text(first)}</b></li>\n'
    for link in chain.links:
        through = f"<small>{text(link.through)}</small>" if link.through else ""
        yield f'<li><span class="how">{text(link.how)}{through}</span><b>{text(link.gains)}</b></li>\n'
    yield "</ol>\n"


_STYLE = """
section > p { margin: 0.25rem 0; }
article { border-top: 1px solid var(--line); padding: 0.75rem 0; }
h3 { font-size: 1rem; margin: 0; }
.chain { list-style: none; display: flex; flex-wrap: wrap; gap: 0.5rem 0; padding: 0; margin: 0.75rem 0; }
.chain li { display: flex; align-items: center; }
.chain b { font-weight: 600; background: var(--tint); border: 1px solid var(--line); border-radius: 8px;
  padding: 0.375rem 0.625rem; overflow-wrap: anywhere; max-width: 20rem; }
.chain .how { font-size: 0.8125rem; max-width: 15rem; padding: 0 1.25rem 0 0.75rem; position: relative; }
.chain .how::after { content: "→"; position: absolute; right: 0.25rem; top: 50%; translate: 0 -50%; color: #b0370a; }
.chain small { display: block; color: var(--quiet); overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--quiet); font-size: 0.875rem; }
"""
