"""Event blocks: what tocsin's own clients send, and what the journal keeps (``tocsin_schema.block``)."""

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.form import Form, Given, binary
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_schema.block import MEDIA_TYPE, BlockError, decode


def parse(body: bytes, _: Given) -> Parsed:
    """The one block of a body. Raises Refusal."""
    try:
        block = decode(body)
    except BlockError as error:
        raise Refusal(400, "malformed_block", str(error)) from None
    return Parsed([block], [range(block.rows)], [], body)


FORMS = (Form(MEDIA_TYPE, parse, binary("docs/reference/block.md")),)
