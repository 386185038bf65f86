"""Which texts are numbers: one grammar for every file of text.

A number with a leading zero (a postal code) or past 18 digits (an account) is a name that looks like one.
"""

import re

INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})", re.ASCII)
NUMERAL = re.compile(
    r"[+-]?(?:(?:0|[1-9]\d*)?\.\d+|(?:0|[1-9]\d{0,17})\.?)(?:e[+-]?\d{1,4})?|nan|[+-]?inf(?:inity)?",
    re.ASCII | re.IGNORECASE,
)
ODD = r"(?i)^[+-]?0\d|^[+-]?\d{19,}\.?(?:e|$)|^[+-]nan|e[+-]?\d{5}|[_ \t\r\f\v]"
"""Finds an ASCII text that other readers of floats take and ``NUMERAL`` does not; in RE2's grammar, for pyarrow."""
