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


class Choke(Struct, frozen=True):
    """What many of the chains go through. share: of all of them, from 0 to 1; told: the sentence that says it."""

    share: float
    told: str


class Section(Struct, frozen=True):
    """Chains that lead to one thing.

    goal: what that is; reached: how many of all entries get there; chokes and advice: what to look at first, and what to
    do; left_out: how many more chains there are than are shown.
    """

    title: str
    chains: Sequence[Chain]
    goal: str = ""
    reached: int = 0
    entries: int = 0
    chokes: Sequence[Choke] = ()
    advice: Sequence[str] = ()
    left_out: int = 0


def lines(sections: Sequence[Section], options: ReportOptions) -> Iterator[str]:
    """Yield the lines of sections for a terminal."""
    look = Look(options)
    for section in sections:
        yield look.paint(look.safe(section.title), BOLD)
        for sentence in (*(choke.told for choke in section.chokes), *section.advice):
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
    yield from _overview(sections, language)
    for number, section in enumerate(sections):
        yield from _section(section, number, language)
    yield CLOSING


def _overview(sections: Sequence[Section], language: str) -> Iterator[str]:
    """Yield a tile for each section, which leads to it: how many entries get there, of how many."""
    from transom.report.html.markup import text

    say = translator(language)
    of = say("of {:,}")
    yield '<nav class="goals">'
    for number, section in enumerate(sections):
        state = "open" if section.reached else "shut"
        count = f"<b>{section.reached:,}</b> {text(of.format(section.entries))}"
        yield f'<a class="{state}" href="#s{number}">{count}<span>→ {text(section.goal)}</span></a>\n'
    yield "</nav>\n"


def _section(section: Section, number: int, language: str) -> Iterator[str]:
    from transom.report.html.markup import text

    yield f'<section id="s{number}">\n<h2>{text(section.title)}</h2>\n'
    if section.advice:
        yield '<div class="advice">'
        yield from sentences(section.advice)
        yield "</div>\n"
    if section.chokes:
        yield '<ul class="chokes">'
        for choke in section.chokes:
            yield f'<li style="--share: {choke.share:.0%}">{text(choke.told)}</li>\n'
        yield "</ul>\n"
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
    yield f'<ol class="chain"><li class="start">{_box(first)}</li>\n'
    for number, link in enumerate(chain.links, 1):
        through = f"<small>{text(link.through)}</small>" if link.through else ""
        end = ' class="end"' if number == len(chain.links) else ""
        yield f'<li{end}><span class="how">{text(link.how)}{through}</span>{_box(link.gains)}</li>\n'
    yield "</ol>\n"


def _box(who: str) -> str:
    """Return a box with somebody or something in it; the kind of an object stands small above its name."""
    from transom.report.html.markup import text

    kind, space, name = who.partition(" ")
    is_object = space and kind[:1].isupper() and " " not in name
    return f"<b><i>{text(kind)}</i>{text(name)}</b>" if is_object else f"<b>{text(who)}</b>"


_STYLE = """
.goals { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 0.75rem; margin: 1rem 0 2rem; }
.goals a { display: block; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 8px; color: inherit;
  text-decoration: none; background: var(--tint); }
.goals b { font-size: 1.75rem; line-height: 1.2; }
.goals span { display: block; font-size: 0.875rem; }
.goals .open { border-color: var(--hot); border-left-width: 6px; }
.goals .open b { color: var(--hot); }
.goals .shut { color: var(--quiet); }
.advice { border-left: 4px solid var(--cool); background: var(--tint); border-radius: 0 8px 8px 0; padding: 0.5rem 1rem;
  margin: 0.75rem 0; }
.advice p { margin: 0.125rem 0; color: inherit; }
.chokes { list-style: none; padding: 0; margin: 0.75rem 0; font-size: 0.875rem; }
.chokes li { padding: 0.25rem 0.5rem; margin: 0.25rem 0; border-radius: 4px; overflow-wrap: anywhere;
  background: linear-gradient(to right, var(--tint) var(--share), transparent var(--share)); }
:root { --hot: #b0370a; --cool: #1d6f5c; }
@media (prefers-color-scheme: dark) { :root { --hot: #ff9a6b; --cool: #6fd3b9; } }
article { border-top: 1px solid var(--line); padding: 0.75rem 0; }
article > p { margin: 0.25rem 0; color: var(--quiet); font-size: 0.875rem; }
h3 { font-size: 1rem; margin: 0; }
.chain { list-style: none; display: flex; flex-wrap: wrap; gap: 0.5rem 0; padding: 0; margin: 0.75rem 0; }
.chain li { display: flex; align-items: center; }
.chain b { font-weight: 600; background: var(--tint); border: 1px solid var(--line); border-radius: 8px;
  padding: 0.375rem 0.625rem; overflow-wrap: anywhere; max-width: 20rem; }
.chain i { display: block; font-style: normal; font-weight: 400; font-size: 0.75rem; color: var(--quiet); }
.chain .start b { border-style: dashed; border-color: var(--hot); }
.chain .end b { border: 2px solid var(--hot); color: var(--hot); }
.chain .how { font-size: 0.8125rem; max-width: 15rem; padding: 0 1.25rem 0 0.75rem; position: relative; }
.chain .how::after { content: "→"; position: absolute; right: 0.25rem; top: 50%; translate: 0 -50%; color: var(--hot); }
.chain small { display: block; color: var(--quiet); overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--quiet); font-size: 0.875rem; }
@media (max-width: 40rem) {
  .chain { display: block; border-left: 2px solid var(--line); padding-left: 0.75rem; }
  .chain li { display: block; margin: 0.375rem 0; }
  .chain b { display: inline-block; }
  .chain .how { display: block; max-width: none; padding: 0.25rem 0 0.375rem 1.25rem; }
  .chain .how::after { content: "↓"; right: auto; left: 0; }
}
"""
