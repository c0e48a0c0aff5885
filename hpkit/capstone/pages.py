"""A page made of blocks, as HTML that holds its pictures and as Markdown.

A block is (kind, ...): ("h1" or "h2", text), ("p", text), ("quote", text), ("code",
text), ("table", heads, rows), ("picture", PNG as bytes, what it shows for those who do
not see it, caption).
"""

import base64
import html

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; margin-bottom: 0; } h2 { font-size: 1.2em; margin-bottom: .2em; }
table { border-collapse: collapse; font-size: .9em; }
th, td { text-align: left; padding: .15em .8em .15em 0; border-bottom: 1px solid #ddd;
  vertical-align: top; }
blockquote { margin: .4em 0; padding: .1em 1em; border-left: 4px solid #0072B2;
  white-space: pre-line; }
.pictures { display: flex; flex-wrap: wrap; gap: 1em; }
figure { flex: 1 1 24em; max-width: 34em; margin: .5em 0; } img { width: 100%; }
pre { white-space: pre-wrap; margin: .3em 0; }
figcaption { font-size: .85em; color: #555; } code { font-size: .85em; }
@media print { body { margin: 0; max-width: none; font-size: 10px; line-height: 1.3; }
  h2 { break-after: avoid; margin: .6em 0 .2em; } p { margin: .4em 0; }
  figure { break-inside: avoid; flex-basis: 20em; max-width: 24em; } }
"""


def as_html(blocks):
    """Return the blocks as one HTML page that needs no other file."""
    title = html.escape(next(block[1] for block in blocks if block[0] == "h1"))
    body = "\n".join(HTML[kind](*what) for kind, *what in blocks)
    # Pictures that follow each other stand side by side.
    body = body.replace("</figure>\n<figure>", "</figure><figure>")
    body = body.replace("\n<figure>", "\n<div class='pictures'><figure>")
    body = body.replace("</figure>\n", "</figure></div>\n")
    return (
        f"<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width'>\n"
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )


def as_markdown(blocks, names=None):
    """Return the blocks as Markdown.

    Parameters
    ----------
    blocks : list of tuple
    names : iterator of str, optional
        Files of the pictures in their order; default the pictures themselves.
    """
    parts = []
    for kind, *what in blocks:
        if kind == "picture":
            png, text, caption = what
            target = next(names) if names else data_uri(png)
            parts.append(f"![{text}]({target})\n\n{caption}")
        else:
            parts.append(MARKDOWN[kind](*what))
    return "\n\n".join(parts) + "\n"


def data_uri(png):
    """Return a picture as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def tag(name):
    """Return a function that puts text between tags."""
    return lambda text: f"<{name}>{html.escape(text)}</{name}>"


def html_table(heads, rows):
    """Return a table as HTML."""
    head = "".join(f"<th scope='col'>{html.escape(h)}</th>" for h in heads)
    body = "".join(f"<tr>{''.join(map(tag('td'), map(str, row)))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_picture(png, text, caption):
    """Return a picture and its caption."""
    image = f"<img src='{data_uri(png)}' alt='{html.escape(text, quote=True)}'>"
    caption = html.escape(caption, quote=True)
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def markdown_table(heads, rows):
    """Return a table as Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


HTML = {
    "h1": tag("h1"),
    "h2": tag("h2"),
    "p": tag("p"),
    "quote": tag("blockquote"),
    "code": lambda text: f"<pre><code>{html.escape(text)}</code></pre>",
    "table": html_table,
    "picture": html_picture,
}
MARKDOWN = {
    "h1": "# {}".format,
    "h2": "## {}".format,
    "p": "{}".format,
    "quote": lambda text: "> " + text.replace("\n", "\n> "),
    "code": "```python\n{}\n```".format,
    "table": markdown_table,
}
