"""Logs into data streams of Elasticsearch 8 and 9. Importing it without the extra `elasticsearch` raises Unusable."""

from tocsin_collector.logs.elasticsearch.connection import Access
from tocsin_collector.logs.elasticsearch.store import ElasticsearchStore, Pace

__all__ = ["Access", "ElasticsearchStore", "Pace"]
