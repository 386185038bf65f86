"""Alertmanager: is it ready."""

from tocsin_collector import oldest
from tocsin_collector.servers.ask import Access, told
from tocsin_collector.servers.seen import Seen, too_old


async def look(access: Access) -> Seen:
    """Ask it. Raises Unanswered."""
    await told("Alertmanager", access.get("/-/ready"))
    about = await told("Alertmanager", access.json("/api/v2/status"), "versionInfo", "version")
    version = str(about["versionInfo"]["version"])
    return Seen(version, too_old("Alertmanager", version, oldest.ALERTMANAGER))
