"""Heads of responses."""

from email.parser import BytesParser

from tocsin_agent.httpd.response import head


def test_a_head_is_read_by_the_library():
    line, _, rest = head(200, {"Content-Type": "text/plain"}, 5, keep_alive=False).partition(b"\r\n")
    fields = BytesParser().parsebytes(rest)
    assert line == b"HTTP/1.1 200 OK"
    assert (fields["Content-Length"], fields["Connection"], fields["Content-Type"]) == ("5", "close", "text/plain")
    assert fields["Date"].endswith(" GMT")


def test_no_content_has_no_length():
    assert b"Content-Length" not in head(204, {}, 0, keep_alive=True)
