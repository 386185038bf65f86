"""Elements of SVG and HTML as text, their values escaped."""

import html


def element(name: str, *inside: str, **attributes: object) -> str:
    """``<name …>inside</name>``; ``inside`` is markup, attribute values are text (``class_`` is class, ``_`` is -)."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_text(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(inside)}</{name}>"


def text(value: str) -> str:
    """A text as markup."""
    return html.escape(value, quote=False)


def cut(value: str, width_px: float, letter_px: float = 6.3) -> str:
    """A text that fits a width, with an ellipsis in the place of what does not."""
    most = max(int(width_px / letter_px), 1)
    return value if len(value) <= most else value[: max(most - 1, 1)] + "…"


def _text(value: object) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
