"""Rows of cells as a table: HTML, Markdown, or lines of text."""

import unicodedata
from html import escape


def html_table(heads, rows, *, caption="", row_heads=False, style="", cell=""):
    """Return a table as HTML; what the cells hold is escaped.

    Parameters
    ----------
    heads : sequence of str
    rows : sequence of sequences
    caption : str
    row_heads : bool, default False
        Whether the first cell of a row names the row.
    style, cell : str
        CSS of the table and of each of its cells.
    """
    first = _cell("th scope='row'", f"font-weight:normal;{cell}")
    first, head, other = (
        first if row_heads else _cell("td", cell),
        _cell("th scope='col'", cell),
        _cell("td", cell),
    )
    body = "".join(
        f"<tr>{first(name)}{''.join(map(other, cells))}</tr>" for name, *cells in rows
    )
    top = caption and _cell("caption")(caption)
    top += f"<thead><tr>{''.join(map(head, heads))}</tr></thead>"
    return f"<table{_css(style)}>{top}<tbody>{body}</tbody></table>"


def _cell(tag, style=""):
    """Return a function that makes an element of what it holds."""
    start, end = f"<{tag}{_css(style)}>", f"</{tag.split()[0]}>"
    return lambda content: start + escape(str(content)) + end


def _css(style):
    return style and f" style='{style}'"


def markdown_table(heads, rows):
    """Return a table as Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    lines = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text_lines(rows, *, right=False, rule=False):
    """Return a line for each row of texts, with the columns below each other.

    Parameters
    ----------
    rows : sequence of sequences of str
    right : bool, default False
        Whether all columns but the last one end at the same place, as numbers do.
    rule : bool, default False
        Whether a rule parts the first row, the heads, from the others.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    if rule:
        rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    lines = []
    for *cells, last in rows:
        pads = [" " * (w - _width(c)) for c, w in zip(cells, widths, strict=False)]
        parts = [p + c if right else c + p for c, p in zip(cells, pads, strict=True)]
        lines.append("  ".join([*parts, last]).rstrip())
    return lines


def _width(text):
    """Return how many places of one width a text takes, two for a letter of Hangul."""
    wide = (unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return sum(1 + one for one in wide)
