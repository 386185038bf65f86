"""A runbook's Markdown as HTML: headings, paragraphs, lists, code, emphasis. Runbooks are ours; they need no more."""

import re

from markupsafe import Markup, escape


def html(text: str) -> Markup:
    """The runbook, escaped; its first heading is left out, the page has it."""
    blocks = [block.strip("\n") for block in re.split(r"\n{2,}", text.strip())]
    return Markup("\n").join(_block(block) for block in blocks if not block.startswith("# "))


def _block(block: str) -> Markup:
    if block.startswith("## "):
        return Markup("<h2>{}</h2>").format(block[3:])
    items = re.split(r"\n?^(?:-|\d+\.) ", block, flags=re.MULTILINE)
    if not items[0] and len(items) > 1:
        tag = Markup("ul") if block.startswith("-") else Markup("ol")
        listed = Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items[1:])
        return Markup("<{}>{}</{}>").format(tag, listed, tag)
    return Markup("<p>{}</p>").format(_inline(block))


def _inline(text: str) -> Markup:
    safe = str(escape(" ".join(text.split())))
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    safe = re.sub(r"\*([^*`<>]+)\*", r"<em>\1</em>", safe)
    return Markup(safe)  # noqa: S704  # escaped above, then our own tags
