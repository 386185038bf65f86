"""`POST` and `GET /v1/deployments/{project}/{model}`: a pipeline says that a version went into service."""

import hashlib
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from tocsin_collector.deployments.store import Deployment, DeploymentError, DeploymentStore
from tocsin_collector.ingest.times import EARLIEST_US, LATEST_US
from tocsin_collector.logs.route import rfc3339
from tocsin_collector.monitor.monitor import Name
from tocsin_collector.monitor.reference_file import ReferenceFileError, micros
from tocsin_collector.references.routes import named
from tocsin_schema.block import MAX_NAME

NOTE_MOST = 300


class Told(BaseModel):
    """What is sent."""

    model_config = ConfigDict(extra="forbid", strict=True)
    version: Annotated[str, Field(max_length=MAX_NAME)] = ""
    time: Annotated[str, Field(max_length=64, description="RFC 3339; without it, now.")] = ""
    note: Annotated[str, Field(max_length=NOTE_MOST, description="What a person should read.")] = ""
    id: Annotated[
        str, Field(max_length=MAX_NAME, description="The sender's name for it; without it, version, time and note.")
    ] = ""


def deployments_router(store: DeploymentStore, clock: Callable[[], float]) -> APIRouter:
    """The routes over a store."""
    router = APIRouter(tags=["deployments"])

    @router.post("/v1/deployments/{project}/{model}", summary="Tell that a version of a model went into service")
    def post_deployment(project: str, model: str, told: Told) -> dict[str, object]:
        """It is told beside an alarm that began about then. Sent again with the same id it is the same one; another
        time or note corrects it. The newest 100 of a model are kept."""
        name = Name(*named(project, model, told.version)[:2])
        try:
            time_us = micros(told.time, "time") if told.time else round(clock() * 1e6)
        except ReferenceFileError as fault:
            raise HTTPException(400, str(fault)) from None
        if not EARLIEST_US <= time_us < LATEST_US:
            raise HTTPException(400, f"time: {told.time!r}: a year from 1970 to 2199 is needed")
        own = "\0".join((told.version, told.time or str(time_us), told.note))
        key = told.id or hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        one = Deployment(key, told.version, time_us / 1e6, told.note)
        try:
            is_new = store.put(name, one)
        except DeploymentError as fault:
            raise HTTPException(409, str(fault)) from None
        return {**_json(one), "duplicate": not is_new}

    @router.get("/v1/deployments/{project}/{model}", summary="What was deployed of a model")
    def get_deployments(project: str, model: str) -> dict[str, object]:
        """In order of time."""
        name = Name(*named(project, model, "")[:2])
        return {"deployments": [_json(one) for one in store.of(name)]}

    return router


def _json(one: Deployment) -> dict[str, object]:
    return {"id": one.id, "version": one.version, "time": rfc3339(one.time_s), "note": one.note}
