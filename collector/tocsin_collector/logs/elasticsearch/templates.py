"""What tocsin installs in Elasticsearch: two component templates and an index template for each of its data streams.

An index template names its data stream exactly, so that nobody else's logs come under it; one that is more specific to
a dataset, like those of Elastic's integrations (priority 200), takes precedence over ours. Only what carries
`_meta.managed_by: tocsin` is ever written again. What a user wants otherwise (retention, more fields) goes into the
component template `tocsin-logs-custom`, which is looked for and never written.
"""

import json
import logging
import threading
import zlib
from typing import Any

from tocsin_collector.logs.elasticsearch.connection import Connection, Trouble
from tocsin_collector.logs.elasticsearch.stream import DEAD_LETTER, OTHER, Stream
from tocsin_collector.logs.record import ORDER

MANAGED_BY = "tocsin"
SETTINGS, MAPPINGS, CUSTOM = "tocsin-logs-settings", "tocsin-logs-mappings", "tocsin-logs-custom"
MOST_STREAMS = 100
_PREFIX = "tocsin-"
_PRIORITY = 150  # above Elasticsearch's own template for logs-*-* (100), below its integrations' (200)
_ASK_S = 10.0
_log = logging.getLogger(__name__)

_WORD = {"type": "keyword", "ignore_above": 1_024}
_SETTINGS = {
    "index": {
        "mapping": {
            "total_fields": {"limit": 500, "ignore_dynamic_beyond_limit": True},
            "ignore_malformed": True,  # a number that is none is kept and not indexed; the record is not refused
        }
    }
}
_MAPPINGS = {
    "date_detection": False,
    "numeric_detection": False,
    "dynamic_templates": [{"words": {"match_mapping_type": "string", "mapping": _WORD}}],
    "properties": {
        "@timestamp": {"type": "date"},
        "message": {"type": "text"},
        "data_stream": {"properties": {"type": _WORD, "dataset": _WORD, "namespace": _WORD}},
        "error": {"properties": {"message": {"type": "text"}, "stack_trace": {"type": "text"}}},
        "event": {
            "properties": {
                "dataset": _WORD,
                "duration": {"type": "long"},
                "original": {"type": "keyword", "index": False, "doc_values": False},
            }
        },
        "host": {"properties": {"name": _WORD}},
        "labels": {"type": "flattened", "ignore_above": 1_024},
        "log": {
            "properties": {
                "level": _WORD,
                "flags": _WORD,
                "offset": {"type": "long"},
                "file": {"properties": {"path": _WORD}},
            }
        },
        "service": {"properties": {"name": _WORD}},
        "span": {"properties": {"id": _WORD}},
        "trace": {"properties": {"id": _WORD}},
        "tocsin": {"properties": {ORDER.partition(".")[2]: {"type": "long"}, "stream": _WORD}},
    },
}


class Templates:
    """Installs templates when they are first needed. ``forget`` before a server that may be another one.

    ``remark`` says what is not ours and was left as it is.
    """

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.dead_letters = Stream(DEAD_LETTER, namespace)
        self.remark = ""
        self._connection = connection
        self._lock = threading.Lock()
        self._known: dict[Stream, bool] = {}
        """The data streams that we write to; True: their template was looked at since the last ``forget``."""

    def install(self) -> None:
        """What all data streams share, and the template of the dead letters. Raises Trouble."""
        self._put("component_template", SETTINGS, {"template": {"settings": _SETTINGS}})
        self._put("component_template", MAPPINGS, {"template": {"mappings": _MAPPINGS}})
        self._remember()
        self.ensure(self.dead_letters)

    def forget(self) -> None:
        """Look at every template again before it is next written by."""
        with self._lock:
            self.remark = ""
            self._known = dict.fromkeys(self._known, False)

    def admit(self, stream: Stream) -> Stream:
        """The data stream itself, or the common one when there are as many as there may be."""
        if stream not in self._known:
            with self._lock:
                if len(self._known) >= MOST_STREAMS:
                    return Stream(OTHER, self.dead_letters.namespace)
                self._known.setdefault(stream, False)
        return stream

    def ensure(self, stream: Stream) -> None:
        """Whatever a data stream needs before the first write. Raises Trouble."""
        if self._known.get(stream):
            return
        with self._lock:
            if not self._known.get(stream):
                self._put_index_template(stream)
                self._known[stream] = True

    def _remember(self) -> None:
        """Count the data streams of earlier runs too."""
        found = self._get("index_template", _PREFIX + "logs-*")
        for template in found:
            parts = str(template.get("name", "")).removeprefix(_PREFIX).split("-")
            if len(parts) == 3:
                self._known.setdefault(Stream(parts[1], parts[2]), False)

    def _put_index_template(self, stream: Stream) -> None:
        try:
            self._put("index_template", _PREFIX + stream.name, _index_template(stream))
        except Trouble as error:
            # Somebody's template for the same names: what its data stream takes is shown by the first write.
            if error.status != 400:
                raise
            self.remark = str(error)
            _log.warning("elasticsearch_template_refused stream=%s reason=%s", stream.name, error)

    def _put(self, kind: str, name: str, template: dict[str, Any]) -> None:
        wanted = {**template, "_meta": {"managed_by": MANAGED_BY, "sum": _sum(template)}}
        found = self._get(kind, name)
        meta = found[0].get(kind, {}).get("_meta") if found else wanted["_meta"]
        if not found:
            self._connection.ask("PUT", f"/_{kind}/{name}", wanted, _ASK_S)
        elif not isinstance(meta, dict) or meta.get("managed_by") != MANAGED_BY:
            self.remark = (
                f"{kind.replace('_', ' ')} {name} is not tocsin's (no _meta.managed_by: {MANAGED_BY}) and was left as "
                "it is; rename it to let tocsin have its own"
            )
            _log.warning("elasticsearch_template_foreign name=%s", name)
        elif meta != wanted["_meta"]:
            self._connection.ask("PUT", f"/_{kind}/{name}", wanted, _ASK_S)

    def _get(self, kind: str, name: str) -> list[dict[str, Any]]:
        try:
            answer = self._connection.ask("GET", f"/_{kind}/{name}", timeout_s=_ASK_S)
        except Trouble as error:
            if error.status == 404:
                return []
            raise
        found = answer.get(f"{kind}s", []) if isinstance(answer, dict) else []
        return [template for template in found if isinstance(template, dict)]


def _index_template(stream: Stream) -> dict[str, Any]:
    return {
        "index_patterns": [stream.name],
        "data_stream": {},
        "priority": _PRIORITY,
        "composed_of": [SETTINGS, MAPPINGS, CUSTOM],
        "ignore_missing_component_templates": [CUSTOM],
        # Rollover by the server's own conditions; how long records are kept is the user's to say.
        "template": {"lifecycle": {"enabled": True}},
    }


def _sum(template: dict[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(template, sort_keys=True).encode()):08x}"
