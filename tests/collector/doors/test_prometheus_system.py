"""The real Prometheus scrapes a collector under TLS, with a key, by the file that the collector writes."""

import json
import urllib.parse
import urllib.request

import pytest

from tests.servers import prometheus
from tests.servers.cache import have
from tests.servers.process import until
from tocsin_collector.doors.caller import READ
from tocsin_collector.doors.keys import make

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]
CONFIG = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: tocsin
    tls_config: {{ca_file: "{ca}"}}
    authorization: {{credentials_file: "{key}"}}
    file_sd_configs: [{{files: ["{targets}"], refresh_interval: 1s}}]
"""


def test_prometheus_scrapes_with_a_key_and_not_without(collector, web_yml, pki, tmp_path):
    have(prometheus.binary)
    key, targets = tmp_path / "key", tmp_path / "targets.json"
    one = collector(
        web_config_file=web_yml("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"),
        scrape_interval_s=1.0,
        **{"prometheus.targets_file": str(targets)},
    )
    keys = str(tmp_path / "data" / "keys.json")
    _, token = make(keys, (READ,), None, "", 0.0)
    key.write_text("wrong")
    config = CONFIG.format(ca=pki.path("ca.pem"), key=key, targets=targets)
    with prometheus.prometheus(str(tmp_path), config) as server:

        def up():
            query = urllib.parse.quote('up{job="tocsin-collector"}')
            with urllib.request.urlopen(f"{server.url}/api/v1/query?query={query}", timeout=10) as answer:
                found = json.load(answer)["data"]["result"]
            return [series["value"][1] for series in found]

        until(lambda: up() == ["0"], "it is refused without the right key")
        assert one.metric("tocsin_requests_denied_total", code="unauthorized") > 0
        key.write_text(token)
        until(lambda: up() == ["1"], "it is scraped with the key")
