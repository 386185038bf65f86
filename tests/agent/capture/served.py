"""The application that the system tests serve with uvicorn; its addresses come from the environment."""

import asyncio
import os

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from tocsin_agent.capture import Capture

capture = Capture(model="credit", version="3", project="shop")
api = FastAPI()


@api.post("/predict/{name}")
def predict(name: str, row: dict[str, float]) -> dict[str, object]:
    """One prediction in a thread of the pool."""
    event = capture.prediction(features=row, prediction=name)
    return {"id": event, "trace": capture.trace_id(), "pid": os.getpid()}


@api.get("/stream/{chunks}")
async def stream(chunks: int) -> StreamingResponse:
    """A stream; 0 chunks is one without an end."""

    async def body():
        number = 0
        while not chunks or number < chunks:
            number += 1
            yield b"x" * 1000
            await asyncio.sleep(0.001)

    return StreamingResponse(body())


@api.get("/fail")
def fail() -> None:
    """An exception that nobody handles."""
    raise ZeroDivisionError


@api.get("/refuse")
def refuse() -> None:
    """A 422 of the application."""
    raise HTTPException(422)


app = capture.asgi(api)
