"""The wire forms of POST /v1/events: which media types there are, and which of them a request is in.

A form is a file in ``forms/`` with a tuple ``FORMS``; it is found by listing that folder. A form without a media type
of its own is in the file's ``MARKED``, by the header that tells it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from tocsin_collector.ingest import forms
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_collector.ingest.pairs import Pairs

INLINE_BYTES = 256 << 10
"""A larger body is read in a thread, so that the page and other requests go on."""


class Given(NamedTuple):
    """What comes with a body: the request's headers (lower case) and query, the clock (microseconds), and the most
    bytes that a body may become in memory. ``pairs`` keeps halves of predictions until the other half comes, each for
    the caller (its name) that sent it: nobody completes another's."""

    headers: Mapping[bytes, bytes]
    query: Mapping[str, str]
    now_us: int
    most_bytes: int
    pairs: Pairs
    caller: str = ""


class Form(NamedTuple):
    """One media type. ``parse`` raises Refusal; ``content`` is its entry in the OpenAPI document.

    Bodies to ``inline_bytes`` are read on the event loop's thread, larger ones in another.
    """

    media_type: str
    parse: Callable[[bytes, Given], Parsed]
    content: dict[str, Any]
    inline_bytes: int = INLINE_BYTES


def binary(description: str) -> dict[str, Any]:
    """The OpenAPI entry of a form that is no text."""
    return {"schema": {"type": "string", "format": "binary", "description": description}}


@cache
def _modules() -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(forms.__path__))
    return [importlib.import_module(f"{forms.__name__}.{name}") for name in names]


@cache
def forms_by_media_type() -> dict[str, Form]:
    """Every form that has a media type of its own."""
    return {form.media_type: form for module in _modules() for form in module.FORMS}


@cache
def forms_by_header() -> dict[bytes, Form]:
    """Forms that a header tells, whatever the media type is."""
    return {header: form for module in _modules() for header, form in getattr(module, "MARKED", {}).items()}


def form_of(headers: Mapping[bytes, bytes]) -> Form:
    """The form that a request's headers name. Raises Refusal 415."""
    for header, form in forms_by_header().items():
        if header in headers:
            return form
    return _form_of(headers.get(b"content-type", b""))


@lru_cache(64)
def _form_of(content_type: bytes) -> Form:
    known = forms_by_media_type()
    media_type = content_type.partition(b";")[0].strip().lower().decode("ascii", "replace")
    if media_type not in known:
        reason = f"content-type {media_type!a:.80}: {', '.join(known)} are accepted"
        raise Refusal(415, "unknown_content_type", reason)
    return known[media_type]


def query_of(raw: bytes) -> dict[str, str]:
    """The parameters of a query string; one that stands twice counts as its last. Raises Refusal 400."""
    if not raw:
        return {}
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20))
    except ValueError as error:
        raise Refusal(400, "bad_query", f"the query string cannot be read: {error}"[:200]) from None
