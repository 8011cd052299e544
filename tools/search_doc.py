"""docs/search.md, made from the one table of operators; `--check` says whether it is current and writes nothing.

The page is never edited by hand: a test compares it with the table and with the limits it names.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mailscribe.query import OPERATORS, OperatorSpec
from mailscribe.query.content_tags import INDEXED_FIELD_WORDS, INDEXED_HEADER_WORDS, INDEXED_HEADERS, INDEXED_PARTS
from mailscribe.query.document import INDEXED_ADDRESSES, INDEXED_NAMES, INDEXED_SUBJECT, INDEXED_TEXT
from mailscribe.query.numbers import TOP
from mailscribe.query.parser import MAX_DEPTH, MAX_LENGTH, MAX_TERMS
from mailscribe.query.tags import LABELS, LONGEST
from mailscribe.records import Kind

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "search.md"
HEAD: Final = f"""\
# Queries

One grammar for `q=` of lists, counts, waits and streams, and for `mailscribe list`, `search`, `sessions`,
`wait` and `watch`. Answers are newest first, always. The operators as JSON, for completion: `GET
/v1/search/operators`.

This page is made by `python tools/search_doc.py` from the table in
`layers/core/mailscribe/query/operators.py`.

## Grammar

```
query   = [or]
or      = and *("OR" and)
and     = not *(["AND"] not)
not     = *("NOT" / "-") primary
primary = "(" or ")" / [name ":"] text
text    = word / word"*" / DQUOTE phrase DQUOTE
```

- Words AND together; NOT binds before AND, AND before OR. `OR`, `AND`, `NOT` are capitals. `-` stands
  directly before what it excludes.
- `"a phrase"` is its words next to one another, in order; `\\"` and `\\\\` inside. Punctuation within a
  bare word makes a phrase of it: `foo-bar` is `"foo bar"`. `word*` is whatever begins so; of `foo-b*` the
  last word only begins.
- An operator's name may be in any case, its value follows the colon directly, in quotes where it holds
  spaces.
- Words without an operator look, for messages, in the subject, the body text, addresses and names of
  people, and names of attachments; for sessions in the commands and replies. A phrase never reaches from
  one of them into the next.
- An empty query is everything.
- A query that cannot be read is a 400 with `position` (characters, from 0) and `expected`. An unknown
  `word:` is one too, and suggests quotes: `"Re: order"`, `"http://x"`, `"12:30"`.
- At most {MAX_LENGTH:,} characters, {MAX_TERMS} terms, and {MAX_DEPTH} parentheses and NOTs within one
  another.

## What a word is

A word is a run of letters, digits and marks; everything else separates.

- **Case and accents fold**: `STRASSE` = `straße`, `naïve` = `naive`, `Ångström` = `angstrom`; and so do
  compatibility forms: `ﬁn` = `fin`, full-width `ＡＢＣ` = `abc`, half-width `ｶﾞ` = `ガ`,
  radicals and squares of Han `㍿` = `株式会社`. The voicing of kana
  and the vowel signs of Indic scripts are no accents and stay. Soft hyphens and zero-width characters
  vanish.
- **Scripts without spaces**, that is Han, kana, hangul, Thai, Lao, Khmer and Myanmar, are cut into single
  characters, and a run of them is looked for as a phrase: any part of a run is found, be it one character.
  `東京` finds `東京都`, `京` too; `abc東京` is `abc` and `東京` next to one another. There are no dictionaries: `京都`
  also finds `東京都`.
- **An address** is found by itself (`alice@mail.example.com`), its local part (`alice`), exactly its domain
  (`@mail.example.com`), a domain above (`example.com`), and where a field has names, by words of the name.
  Domains are compared in their Unicode form: `münchen.de` = `xn--mnchen-3ya.de`. Case never matters,
  accents do.
- **Exact values** (Message-IDs, hashes, codes) are compared whole but for case.

## Dates, sizes, networks

- A date is `2026-01-31`, a date-time `2026-01-31T09:30`, with seconds or without, with `Z` or an offset
  like `+01:00` or without. What has no offset is meant in the zone of the `tz=` parameter (`Europe/Berlin`,
  `+01:00`; UTC when it is not given). `after:` includes its moment, `before:` does not. `on:` is the day of
  that zone: 23 or 25 hours where the clock is changed. Of a time that the clock shows twice the first is
  meant.
- They look at when a message was received or a session opened, not at what its Date field claims. Ages are
  a number and `s`, `m`, `h`, `d` or `w`.
- Sizes are octets, or with `k`, `m`, `g` (k = 1024); a fraction is allowed. What is larger than {TOP:,}
  counts as that. Lengths of time are seconds, or with `ms`, `s`, `m`, `h`, `d`.
- Networks are of any prefix length, IPv4 and IPv6. `::ffff:192.0.2.1` is `192.0.2.1`, in queries as in what
  is stored.

## What is indexed

Of a message: {INDEXED_SUBJECT:,} characters of the subject, {INDEXED_TEXT:,} of the text, {INDEXED_NAMES:,}
of addresses and attachment names; {INDEXED_ADDRESSES:,} addresses of a field, {LABELS} labels of a domain;
{INDEXED_PARTS:,} parts; the names of {INDEXED_HEADERS} header fields, {INDEXED_FIELD_WORDS} words of each
and {INDEXED_HEADER_WORDS:,} of all, but none of signatures (DKIM, ARC), which are found by the field's name alone.
Of a session: {INDEXED_TEXT:,} characters of its commands and as many
of its replies. Exact values longer than {LONGEST} characters are found whole, not by a prefix.

A message or session bears what the version that stored it knew: operators that came later find it once it
has been indexed anew.
"""
TABLE: Final = "\n| operator | value | meaning | example |\n|---|---|---|---|\n"
SECTIONS: Final[tuple[tuple[str, Kind], ...]] = (
    ("Operators of messages", "message"),
    ("Operators of sessions", "session"),
)


def page() -> str:
    """The text of docs/search.md."""
    return HEAD + "".join(
        f"\n## {title}\n{TABLE}{_rows(spec for spec in OPERATORS if kind in spec.kinds)}" for title, kind in SECTIONS
    )


def main() -> int:
    """Write the page, or with `--check` say whether it is current."""
    parser = argparse.ArgumentParser(description="Make docs/search.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when the page is not current")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not current: run python tools/search_doc.py", file=sys.stderr)
    return 1


def _rows(specs: Iterable[OperatorSpec]) -> str:
    return "".join(
        f"| `{spec.name}:` | {_cell(_value(spec))} | {_cell(spec.doc)} | `{_cell(spec.example)}` |\n"
        for spec in sorted(specs, key=lambda spec: spec.name)
    )


def _value(spec: OperatorSpec) -> str:
    return ", ".join(f"`{choice}`" for choice in spec.value.choices) or spec.value.expected


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
