"""The text of a message, pure and plain: the same fields in the same order wherever it is read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

MAX_TITLE = 160
MAX_LINE = 500
MAX_REASONS = 12


@dataclass(frozen=True, slots=True)
class Message:
    """What a person is told. ``kind`` is the severity, or ``resolved``. ``links`` are pairs of what and where."""

    kind: str
    subject: str
    headline: str
    reasons: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def title(message: Message) -> str:
    """One line: ``[CRITICAL] Model flights (demo): …``."""
    text = one_line(f"[{message.kind.upper()}] {message.subject}: {message.headline}")
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1] + "…"


def body(message: Message) -> str:
    """Reasons, facts, links, one a line."""
    lines = [f"- {one_line(reason)}" for reason in message.reasons[:MAX_REASONS]]
    if len(message.reasons) > MAX_REASONS:
        lines.append(f"- and {len(message.reasons) - MAX_REASONS} more")
    if lines:
        lines.append("")
    lines += [f"{name}: {one_line(text)}" for name, text in message.facts + message.links]
    return "\n".join(lines)


def one_line(text: str) -> str:
    """The text without line ends and control characters, which a name may carry into a mail's header."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= MAX_LINE else clean[: MAX_LINE - 1] + "…"


def subject(labels: dict[str, str]) -> str:
    """Who it is about: a model of a project, or a host."""
    if labels.get("model"):
        version = f" {labels['version']}" if labels.get("version") else ""
        return f"Model {labels['model']}{version} ({labels.get('project', '')})"
    return f"Host {labels['instance']}" if labels.get("instance") else "tocsin"


def span(start_s: float, end_s: float, utc_offset_s: float = 0.0) -> str:
    """A window of event time: its day, or its two ends."""
    zone = timezone(timedelta(seconds=utc_offset_s))
    start, end = (datetime.fromtimestamp(time_s, zone) for time_s in (start_s, end_s))
    if end - start == timedelta(days=1) and start.hour == start.minute == 0:
        return f"{start:%Y-%m-%d} (event time)"
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} (event time)"


def clock(time_s: float) -> str:
    """A moment of the collector's clock."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def lasted(seconds: float) -> str:
    """A length of time in its two largest units: 2 h 5 min."""
    whole = max(0, round(seconds))
    parts = [(whole // 86_400, "d"), (whole // 3_600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    shown = [part for part in parts if part[0]][:2] or [(0, "s")]
    return " ".join(f"{count} {unit}" for count, unit in shown)
