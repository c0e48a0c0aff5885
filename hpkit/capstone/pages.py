"""A page made of blocks, as HTML that holds its pictures and as Markdown.

A block is a pair, its HTML and its Markdown. Its texts may come from anybody.
"""

import base64
from html import escape
from pathlib import Path
from string import Template


def as_html(title, blocks):
    """Return the blocks as one HTML page that needs no other file."""
    page = (Path(__file__).parent / "page.html").read_text("utf-8")
    body = "\n".join(block[0] for block in blocks)
    return Template(page).substitute(title=escape(title), body=body)


def as_markdown(blocks):
    """Return the blocks as Markdown."""
    return "\n\n".join(block[1] for block in blocks) + "\n"


def head(level, text):
    """Return a heading of level 1 or 2."""
    return f"<h{level}>{escape(text)}</h{level}>", f"{'#' * level} {text}"


def says(text):
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>", text


def quote(text):
    """Return what a learner has written."""
    return f"<blockquote>{escape(text)}</blockquote>", "> " + text.replace("\n", "\n> ")


def code(text):
    """Return lines of Python."""
    return f"<pre><code>{escape(text)}</code></pre>", f"```python\n{text}\n```"


def table(heads, rows):
    """Return a table."""
    rows = [[str(cell) for cell in row] for row in rows]
    top = "".join(f"<th scope='col'>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    lines = [heads, ["---"] * len(heads), *rows]
    lines = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return (
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>",
        "\n".join(f"| {' | '.join(line)} |" for line in lines),
    )


def figures(*shown):
    """Return pictures side by side.

    Each is (PNG as bytes, what it shows for those who do not see it, caption, name of
    its file for the Markdown or None).
    """
    html, lines = "", []
    for png, text, caption, name in shown:
        uri = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        image = f"<img src='{uri}' alt='{escape(text)}'>"
        html += f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"
        lines += [f"![{text}]({name or uri})", caption]
    return f"<div class='pictures'>{html}</div>", "\n\n".join(lines)
