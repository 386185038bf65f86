"""A request's body as a whole, within a bound."""

from fastapi import HTTPException, Request


async def whole_body(request: Request, most_bytes: int, what: str) -> bytes:
    """All of it. Raises HTTPException 413 as soon as it is more."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise HTTPException(413, f"{what} has at most {most_bytes} bytes")
        parts.append(part)
    return b"".join(parts)
