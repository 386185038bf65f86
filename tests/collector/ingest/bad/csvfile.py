"""CSV files with a bad header, bad rows between good ones, or another encoding."""

from collections.abc import Iterator

from tests.collector.ingest.bad.case import Case
from tocsin_collector.ingest.forms.csvfile import MEDIA_TYPE


def cases() -> Iterator[Case]:
    """Every case of this file."""
    for name, body, code in (
        ("nothing", b"", "no_events"),
        ("only line breaks", b"\n\r\n\n", "no_events"),
        ("a header alone", b"id,model\n", "no_events"),
        ("no id column", b"model,feature.x\nm,1\n", "missing_field"),
        ("an unknown column", b"id,model,age\n1,m,2\n", "unknown_column"),
        ("a column without a name", b"id,model,\n1,m,2\n", "unknown_column"),
        ("a column twice", b"id,model,feature.x,feature.x\n1,m,2,3\n", "duplicate_column"),
        ("a quote that is not closed in the header", b'"id,model\n1,m\n', "malformed_csv"),
        ("semicolons", b"id;model\n1;m\n", "malformed_csv"),
        ("tabs", b"id\tmodel\n1\tm\n", "malformed_csv"),
        ("old Mac line ends", b"id,model\r1,m\r", "malformed_csv"),
        ("a header that is no UTF-8", b"id,mod\xe8le\n1,m\n", "bad_encoding"),
        ("a header with a zero byte", b"id,model,\0\n1,m,1\n", "unknown_column"),
        ("1,200 columns", b"id" + b",feature.x" * 1_199 + b"\n", "too_many_columns"),
        ("a header of 200 KB without a comma", b"x" * 200_000 + b"\n", "malformed_csv"),
        ("zeros", bytes(5_000), "no_events"),
        ("JSON", b'{"type":"prediction"}\n', "no_events"),
        ("a score column of texts", b"id,model,score.yes\n1,m,high\n", "wrong_type"),
        ("a latency column of texts", b"id,model,latency_s\n1,m,fast\n", "wrong_type"),
        ("outcomes without a value column", b"id,model,type,name\n1,m,outcome,n\n", "missing_field"),
        ("a name of 300 characters", b"id,model,feature." + b"x" * 300 + b"\n1,m,1\n", "out_of_range"),
    ):
        yield Case(f"csv: {name}", body, MEDIA_TYPE, code)
    head = "id,model,time,feature.x,feature.n:number,feature.b:bool,latency_s,segment.s\n"
    first, last = "good a,m,,x,1,true,0.1,s\n", "good b,m,,y,2,false,0.2,s\n"
    for name, line, code in (
        ("too few cells", "bad,m\n", "wrong_width"),
        ("too many cells", "bad,m,,x,1,true,0.1,s,more\n", "wrong_width"),
        ("a blank cell for a row", " \n", "wrong_width"),
        ("no id", ",m,,x,1,true,0.1,s\n", "missing_field"),
        ("no model", "bad,,,x,1,true,0.1,s\n", "missing_field"),
        ("a long id", "x" * 257 + ",m,,x,1,true,0.1,s\n", "out_of_range"),
        ("a long model", "bad," + "m" * 257 + ",,x,1,true,0.1,s\n", "out_of_range"),
        ("a long text", "bad,m,," + "x" * 70_000 + ",1,true,0.1,s\n", "out_of_range"),
        ("a text past csv's own limit", "bad,m,," + "x" * 140_000 + ",1,true,0.1,s\n", "malformed_csv"),
        ("a time that is none", "bad,m,soon,x,1,true,0.1,s\n", "bad_time"),
        ("a time in 1969", "bad,m,1969-01-01T00:00:00Z,x,1,true,0.1,s\n", "bad_time"),
        ("a time tomorrow", "bad,m,2026-11-20T00:00:00Z,x,1,true,0.1,s\n", "too_far_ahead"),
        ("a number that is none", "bad,m,,x,one,true,0.1,s\n", "wrong_type"),
        ("a number with a thousands mark", "bad,m,,x,1_000,true,0.1,s\n", "wrong_type"),
        ("a number in hexadecimal", "bad,m,,x,0x10,true,0.1,s\n", "wrong_type"),
        ("a number with a comma", 'bad,m,,x,"1,5",true,0.1,s\n', "wrong_type"),
        ("a truth that is none", "bad,m,,x,1,yes,0.1,s\n", "wrong_type"),
        ("a negative latency", "bad,m,,x,1,true,-1,s\n", "out_of_range"),
        ("an infinite latency", "bad,m,,x,1,true,1e999,s\n", "not_finite"),
        ("a latency that is NaN", "bad,m,,x,1,true,nan,s\n", "not_finite"),
        ("text behind a quote", 'bad,m,,"x"y,1,true,0.1,s\n', "malformed_csv"),
        ("a carriage return inside", "bad,m,,x\ry,1,true,0.1,s\n", "malformed_csv"),
    ):
        body = (head + first + line + last).encode()
        yield Case(f"csv: {name}", body, MEDIA_TYPE, code, 200, accepted=2)
    torn = (head + first).encode() + b"bad,m,,\xff\xfe,1,true,0.1,s\n" + last.encode()
    yield Case("csv: a row that is no UTF-8", torn, MEDIA_TYPE, "bad_encoding", 200, accepted=2)
    open_quote = (head + first + 'bad,m,,"x,1,true,0.1,s\n').encode()
    yield Case("csv: a quote that is never closed", open_quote, MEDIA_TYPE, "malformed_csv", 200, accepted=1)
    many = b"id,model\n" + b"".join(b"%d,m%d\n" % (number, number) for number in range(1_001))
    yield Case("csv: 1,001 models", many, MEDIA_TYPE, "too_many_models", 413)
    wide = b"id,model" + b"".join(b",feature.%d" % n for n in range(500)) + b"\n" + (b"," * 501 + b"\n") * 1_900
    yield Case("csv: more cells than memory", wide, MEDIA_TYPE, "too_large", 413)
    yield Case("csv: UTF-16", "id,model\n".encode("utf-16"), MEDIA_TYPE, "unknown_charset", 415)
    yield Case("csv: UTF-16 without saying so", "id,model\n1,m\n".encode("utf-16-be"), MEDIA_TYPE, "missing_field")
    for charset in ("iso-8859-1", "utf-16", '"windows-1252"', "x"):
        yield Case(f"csv: charset {charset}", b"id\n1\n", f"text/csv; charset={charset}", "unknown_charset", 415)
    yield Case("csv: an unknown parameter", b"id\n1\n", MEDIA_TYPE, "unknown_parameter", query=b"modle=m")
    yield Case("csv: a query that is no text", b"id\n1\n", MEDIA_TYPE, "bad_query", query=b"model=%ff")
    yield Case("csv: a query of 21 parameters", b"id\n1\n", MEDIA_TYPE, "bad_query", query=b"&".join([b"a=b"] * 21))
    yield Case("csv: a type in the query that is none", b"id\n1\n", MEDIA_TYPE, "unknown_type", query=b"type=x&model=m")
