"""``web.yml``: what is taken, and the one line that each fault gets."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.web.conftest import ALICE
from tocsin_schema.config import ConfigError
from tocsin_schema.web.webconfig import checked, duration_s, load, read

CERT = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
VERIFY = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"


def faults(path: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert all(line.startswith(f"{path}: ") for line in caught.value.faults)
    return [line.removeprefix(f"{path}: ") for line in caught.value.faults]


def test_an_empty_file_asks_for_nothing(web_yml):
    config = load(web_yml("# nothing\n"))
    assert config == {"tls": None, "headers": {}, "users": {}, "rate_limit": (0.0, 0)}


def test_paths_are_relative_to_the_file(web_yml, tmp_path):
    config = load(web_yml(CERT + VERIFY))
    assert config["tls"]["cert_file"] == str(tmp_path / "server.pem")
    assert config["tls"]["client_ca_file"] == str(tmp_path / "ca.pem")


GOOD = {
    "tls": CERT,
    "client certificates": CERT + VERIFY,
    "given certificates are verified": CERT + VERIFY.replace("RequireAnd", "").replace("Cert\n", "CertIfGiven\n"),
    "names of clients": CERT + VERIFY + "  client_allowed_sans: [scraper.example]\n",
    "a certificate is asked for and not looked at": CERT + "  client_auth_type: RequestClientCert\n",
    "no authority of its own": CERT + "  client_auth_type: RequireAndVerifyClientCert\n",
    "versions": CERT + "  min_version: TLS12\n  max_version: TLS13\n",
    "suites": CERT + "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n",
    "order of suites": CERT + "  prefer_server_cipher_suites: false\n",
    "curves": CERT + "  curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]\n",
    "one curve": CERT + "  curve_preferences:\n    - CurveP521\n",
    "http2": CERT + "http_server_config:\n  http2: false\n",
    "headers": "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Content-Security-Policy: default-src\n",
    "a blank header": "http_server_config:\n  headers:\n    X-Frame-Options:\n    X-XSS-Protection: ''\n",
    "users": f"basic_auth_users:\n  alice: {ALICE}\n",
    "users that are none": "basic_auth_users:\n",
    "a limit": "rate_limit:\n  interval: 1m30s\n  burst: 5\n",
    "no limit": "rate_limit:\n  interval: 0\n",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_exporter_toolkit_takes_is_taken(web_yml, text):
    load(web_yml(text))


def test_certificates_may_stand_in_the_file(web_yml, pki):
    def indented(name: str) -> str:
        with open(pki.path(name), encoding="ascii") as file:
            return "".join(f"    {line}" for line in file)

    text = f"tls_server_config:\n  cert: |\n{indented('server.pem')}  key: |\n{indented('server.key')}"
    text += f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca: |\n{indented('ca.pem')}"
    assert load(web_yml(text))["tls"]["key"].startswith("-----BEGIN")


BAD = {
    "no mapping": ("- a\n", "line 1: the file: keys and values expected"),
    "a text": ("junk\n", "line 1: the file: keys and values expected"),
    "an unknown section": ("tls_config:\n  a: b\n", "line 2: tls_config: unknown key; there are: tls_server_config, "),
    "an unknown key": (CERT + "  cert_fil: x\n", "line 4: tls_server_config.cert_fil: unknown key; there are: cert, "),
    "a key twice": (CERT + "  key_file: x\n", "line 4: tls_server_config: 'key_file' stands twice"),
    "a section twice": (CERT + CERT, "line 4: the file: 'tls_server_config' stands twice"),
    "broken yaml": ("a: [b\nc: d\n", "line 2: no YAML: "),
    "a tab": ("a:\n\tb: c\n", "line 2: no YAML: "),
    "two documents": ("a: b\n---\nc: d\n", "line 2: no YAML: "),
    "no cert": (
        "tls_server_config:\n  key_file: server.key\n",
        "tls_server_config.cert: one of cert and cert_file expected",
    ),
    "no key": (
        "tls_server_config:\n  cert_file: server.pem\n",
        "tls_server_config.key: one of key and key_file expected",
    ),
    "an empty cert": (CERT.replace("server.pem", ""), "tls_server_config.cert: one of cert and cert_file expected"),
    "a missing cert": (CERT.replace("server.pem", "no.pem"), "tls_server_config.cert_file: /"),
    "a missing key": (CERT.replace("server.key", "no.key"), "tls_server_config.key_file: /"),
    "another key": (CERT.replace("server.key", "server2.key"), "tls_server_config.key: it does not belong to the cert"),
    "no PEM": (CERT.replace("server.pem", "web.yml"), "tls_server_config.cert: certificate and key in PEM, "),
    "a missing authority": (CERT + VERIFY.replace("ca.pem", "no.pem"), "tls_server_config.client_ca_file: /"),
    "an authority that is none": (CERT + VERIFY.replace("ca.pem", "web.yml"), "tls_server_config.client_ca: certif"),
    "an authority that nobody asks": (
        CERT + "  client_ca_file: ca.pem\n",
        "tls_server_config.client_ca: a client_auth_type expected beside it",
    ),
    "an authority that nobody asks by word": (
        CERT + "  client_ca_file: ca.pem\n  client_auth_type: NoClientCert\n",
        "tls_server_config.client_ca: a client_auth_type expected beside it",
    ),
    "an unknown policy": (
        CERT + "  client_auth_type: Sometimes\n",
        "tls_server_config.client_auth_type: one of NoClientCert, RequestClientCert, ",
    ),
    "a policy that Python cannot": (
        CERT + "  client_auth_type: RequireAnyClientCert\n",
        "tls_server_config.client_auth_type: RequireAnyClientCert takes any certificate unseen",
    ),
    "names that nobody must show": (
        CERT + "  client_allowed_sans: [a]\n",
        "tls_server_config.client_allowed_sans: client_auth_type RequireAndVerifyClientCert expected",
    ),
    "an unknown version": (
        CERT + "  min_version: TLS111\n",
        "tls_server_config.min_version: one of TLS10, TLS11, TLS12",
    ),
    "versions upside down": (
        CERT + "  min_version: TLS13\n  max_version: TLS12\n",
        "tls_server_config.max_version: a version that is not below min_version expected",
    ),
    "an unknown suite": (
        CERT + "  cipher_suites: [TLS_2048]\n",
        "tls_server_config.cipher_suites: no suite 'TLS_2048'",
    ),
    "an unknown curve": (CERT + "  curve_preferences: [CurveP257]\n", "tls_server_config.curve_preferences: no curve "),
    "no list": (CERT + "  cipher_suites: TLS_2048\n", "line 4: tls_server_config.cipher_suites: a list expected"),
    "no boolean": ("http_server_config:\n  http2: maybe\n", "line 2: http_server_config.http2: true or false expected"),
    "a list for a text": (CERT + "  min_version: [a]\n", "line 4: tls_server_config.min_version: a text expected"),
    "a header of its own": (
        "http_server_config:\n  headers:\n    X-Mine: a\n",
        "http_server_config.headers.X-Mine: it cannot be set here; there are: Strict-Transport-Security, ",
    ),
    "a header's value": (
        "http_server_config:\n  headers:\n    X-Frame-Options: maybe\n",
        "http_server_config.headers.X-Frame-Options: one of deny, sameorigin expected, found 'maybe'",
    ),
    "a header in two lines": (
        'http_server_config:\n  headers:\n    Content-Security-Policy: "a\\nSet-Cookie: b"\n',
        "http_server_config.headers.Content-Security-Policy: printable ASCII expected",
    ),
    "a password as it is": (
        "basic_auth_users:\n  alice: wonderland\n",
        "basic_auth_users.alice: a bcrypt hash expected",
    ),
    "a hash that was cut": (
        f"basic_auth_users:\n  alice: {ALICE[:-3]}\n",
        "basic_auth_users.alice: a bcrypt hash of 60 characters expected, found 57",
    ),
    "a cost that is none": (
        f"basic_auth_users:\n  alice: {ALICE.replace('$04$', '$99$')}\n",
        "basic_auth_users.alice: a bcrypt hash of a cost from 4 to 31 expected, found 99",
    ),
    "a user with a colon": (f'basic_auth_users:\n  "a:b": {ALICE}\n', "basic_auth_users.a:b: a name without a colon"),
    "no duration": ("rate_limit:\n  interval: soon\n", "line 2: rate_limit.interval: a duration expected"),
    "no number": ("rate_limit:\n  burst: -1\n", "line 2: rate_limit.burst: a whole number expected"),
}


@pytest.mark.parametrize(("text", "line"), BAD.values(), ids=BAD)
def test_each_fault_is_one_clear_line(web_yml, text, line):
    (found,) = faults(web_yml(text))
    assert found.startswith(line)
    assert "\n" not in found


@pytest.mark.parametrize("text", ["basic_auth_users:\n  alice: s3cret: {\n", "basic_auth_users:\n  alice: s3cret\n"])
def test_no_fault_tells_a_secret(web_yml, text):
    assert "s3cret" not in str(faults(web_yml(text)))


def test_all_faults_come_at_once(web_yml):
    text = CERT + "  min_version: a\n  max_version: b\nbasic_auth_users:\n  x: y\n"
    assert len(faults(web_yml(text))) == 3


def test_a_file_that_is_not_there_or_no_text_is_told(web_yml, tmp_path):
    assert faults(str(tmp_path / "none.yml")) == ["cannot be read: No such file or directory"]
    (tmp_path / "latin.yml").write_bytes(b"# \xff\n")
    assert faults(str(tmp_path / "latin.yml")) == ["no UTF-8 at byte 2"]
    (tmp_path / "deep.yml").write_text("[" * 3000)
    assert faults(str(tmp_path / "deep.yml")) == ["nested too deeply"]


def test_a_key_that_needs_a_password_is_told_and_nobody_is_asked_for_it(web_yml, tmp_path, pki):
    subprocess.run(
        [
            "openssl",
            "ec",
            "-aes256",
            "-passout",
            "pass:x",
            "-in",
            pki.path("server.key"),
            "-out",
            tmp_path / "locked.key",
        ],
        check=True,
        capture_output=True,
    )
    (line,) = faults(web_yml(CERT.replace("server.key", "locked.key")))
    assert "the key not encrypted" in line


def test_without_pyyaml_the_line_says_what_to_install(web_yml):
    """As with -S: no site-packages on the path."""
    path = web_yml(CERT)
    code = "import sys; sys.path[:0] = sys.argv[2:]\nfrom tocsin_schema.web import webconfig\n"
    code += "print(webconfig.read(sys.argv[1])[1])"
    rooms = [os.path.dirname(os.path.dirname(sys.modules["tocsin_schema"].__file__))]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, path, *rooms], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['PyYAML is needed to read it: apt install python3-yaml, or pip install PyYAML']\n"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("1s", 1), ("1m30s", 90), ("1.5h", 5400), ("250ms", 0.25), ("3µs", 3e-6), ("2us", 2e-6), ("5ns", 5e-9)],
)
def test_durations_as_go_writes_them(text, seconds):
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "s", "1x", "1 s", "-1s", "1.2.3s", "1s1", "٣s"])
def test_what_is_no_duration(text):
    assert duration_s(text) is None


@given(st.text(alphabet="0123456789.nuµmsh ", max_size=9))
def test_any_text_is_a_duration_or_none(text):
    assert duration_s(text) is None or duration_s(text) >= 0


KEYS = st.sampled_from(
    ["tls_server_config", "basic_auth_users", "http_server_config", "cert_file", "headers", "x", "0", "~"]
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(TREES)
def test_any_yaml_is_a_configuration_or_lines_of_faults(tmp_path_factory, tree):
    import yaml

    path = tmp_path_factory.mktemp("web") / "web.yml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True))
    config, lines = read(str(path))
    assert lines or set(config) == {"tls", "headers", "users", "rate_limit"}
    assert all(isinstance(line, str) and "\n" not in line for line in lines)


def test_what_is_asked_for_is_tls_only_if_it_names_something_of_it():
    assert checked({"tls_server_config": {"min_version": "TLS13"}}, "/")[0]["tls"] is None
