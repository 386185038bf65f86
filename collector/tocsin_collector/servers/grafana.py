"""Grafana: is it healthy, and does it know us."""

from tocsin_collector import oldest
from tocsin_collector.servers.ask import Access, Unanswered, told
from tocsin_collector.servers.seen import Remark, Seen, too_old


async def look(access: Access) -> Seen:
    """Ask it. Raises Unanswered."""
    health = await told("Grafana", access.json("/api/health"), "database")
    version = str(health.get("version", ""))
    if health["database"] != "ok":
        raise Unanswered(f"its database is {health['database']!s:.60}")
    remarks = too_old("Grafana", version, oldest.GRAFANA)
    if access.known:
        await access.get("/api/org")  # health is told to anybody, this only to those that it knows
    else:
        remarks += (Remark("no credentials: grafana.token_file lets `tocsin provision` fill it"),)
    return Seen(version, remarks)
