"""A model server's request and response as predictions: the V1 and V2 (Open Inference) protocols, and Seldon's own.

Rows are paired by their place. Only what can be read in one way is taken: scalars a row, or tensors of rows by columns.
Images, tokens, binary tensors and several outputs without probabilities have no row of features, and say so.

V1: ``{"instances": [...]}`` and ``{"predictions": [...]}``. V2: ``{"inputs": [{"name", "shape", "data"}]}`` and
``{"outputs": [...]}``. Seldon: ``{"data": {"names": [...], "ndarray": [[...]]}}`` in both.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tocsin_collector.ingest.events import MAX_FEATURES, EventError

MAX_ROWS = 20_000
Row = dict[str, object]


def predictions(request: object, response: object) -> Iterator[Row]:
    """``features``, ``prediction`` and ``scores`` of each row, as in the JSON form. Raises EventError."""
    features, outputs = _features(request), _outputs(response)
    if len(features) != len(outputs):
        raise EventError("unequal_rows", f"the request has {len(features)} rows, the response {len(outputs)}")
    for row, output in zip(features, outputs, strict=True):
        yield {"features": row, **output}


def model_of(response: object) -> tuple[str, str]:
    """Name and version of the model as a V2 response tells them, else empty."""
    fields = response if isinstance(response, dict) else {}
    name, version = fields.get("model_name"), fields.get("model_version")
    return (name if isinstance(name, str) else ""), (version if isinstance(version, str) else "")


def _features(request: object) -> list[Row]:
    fields = _object(request, "request")
    if "instances" in fields:
        return [_named(row) for row in _list(fields["instances"], "instances")]
    if "inputs" in fields:
        return _across([_tensor(item, "inputs") for item in _list(fields["inputs"], "inputs")])
    if "data" in fields:
        return [_named(row, names) for names, rows in [_seldon(fields["data"])] for row in rows]
    raise _unknown("request: instances, inputs or data are needed")


def _outputs(response: object) -> list[Row]:
    fields = _object(response, "response")
    if "predictions" in fields:
        return [_predicted(row) for row in _list(fields["predictions"], "predictions")]
    if "outputs" in fields:
        return _together([_tensor(item, "outputs") for item in _list(fields["outputs"], "outputs")])
    if "data" in fields:
        names, rows = _seldon(fields["data"])
        return [_predicted(row, names) for row in rows]
    raise _unknown("response: predictions, outputs or data are needed")


def _named(row: object, names: list[str] | None = None) -> Row:
    """A row's features by name; columns without a name are x0, x1…"""
    if isinstance(row, dict):
        return row
    cells = row if isinstance(row, list) else [row]
    if len(cells) > MAX_FEATURES:
        raise EventError("too_many_fields", f"request: {len(cells)} features in a row, at most {MAX_FEATURES}")
    if any(isinstance(cell, dict | list) for cell in cells):
        raise _unknown("request: a row of more than one dimension has no features")
    known = names if names and len(names) == len(cells) else [f"x{number}" for number in range(len(cells))]
    return dict(zip(known, cells, strict=True))


def _predicted(row: object, names: list[str] | None = None) -> Row:
    cells = row if isinstance(row, list) else [row]
    if len(cells) == 1 and not isinstance(cells[0], dict | list):
        return {"prediction": cells[0]}
    if not _are_shares(cells):
        raise _unknown("response: one value a row, or probabilities that sum to 1, are needed")
    classes = names if names and len(names) == len(cells) else [str(number) for number in range(len(cells))]
    return {"prediction": classes[cells.index(max(cells))], "scores": dict(zip(classes, cells, strict=True))}


def _are_shares(cells: list[Any]) -> bool:
    numbers = all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)
    return numbers and all(0 <= cell <= 1.001 for cell in cells) and math.isclose(sum(cells), 1, abs_tol=1e-3)


def _tensor(item: object, where: str) -> tuple[str, list[list[object]]]:
    """Name and rows of a V2 tensor, whose data is nested or flat in row-major order."""
    fields = _object(item, where)
    name, shape, data = fields.get("name"), fields.get("shape"), fields.get("data")
    if not isinstance(name, str) or not isinstance(shape, list) or not all(type(side) is int for side in shape):
        raise _unknown(f"{where}: a tensor has name and shape")
    if not isinstance(data, list):
        raise _unknown(f"{where}.{name:.60}: data as a JSON list is needed, not as binary")
    if not 1 <= len(shape) <= 2:
        raise _unknown(f"{where}.{name:.60}: shape {shape!s:.60} has no rows of columns")
    rows, width = shape[0], shape[1] if len(shape) == 2 else 1
    nested = bool(data) and all(isinstance(row, list) for row in data)
    flat = [cell for row in data for cell in row] if nested else data
    if not (0 <= rows <= MAX_ROWS and 0 <= width <= MAX_FEATURES and rows * width == len(flat)):
        raise EventError("unequal_rows", f"{where}.{name:.60}: shape {shape!s:.60} and {len(flat)} values")
    return name, [flat[at * width : (at + 1) * width] for at in range(rows)]


def _across(tensors: list[tuple[str, list[list[object]]]]) -> list[Row]:
    """Features of each row: a tensor of one column keeps its name, the columns of others are NAME.0, NAME.1…"""
    rows: list[Row] = [{} for _ in _same_rows(tensors)]
    for name, values in tensors:
        for row, cells in zip(rows, values, strict=True):
            row.update(zip(_names(name, len(cells)), cells, strict=True))
            if len(row) > MAX_FEATURES:
                raise EventError("too_many_fields", f"request: more than {MAX_FEATURES} features in a row")
    return rows


@lru_cache(maxsize=64)
def _names(tensor: str, width: int) -> list[str]:
    return [tensor] if width == 1 else [f"{tensor}.{at}" for at in range(width)]


def _together(tensors: list[tuple[str, list[list[object]]]]) -> list[Row]:
    """The prediction is the output with one value a row; one of probabilities gives the scores, alone also it."""
    _same_rows(tensors)
    single = [values for _, values in tensors if all(len(cells) == 1 for cells in values)]
    wide = [values for _, values in tensors if not all(len(cells) == 1 for cells in values)]
    if len(single) > 1 or len(wide) > 1 or not tensors:
        raise _unknown(f"response: {len(tensors)} outputs cannot be told apart; one value a row and probabilities are")
    found = [_predicted(row) for row in wide[0]] if wide else [{} for _ in single[0]]
    for output, (value,) in zip(found, single[0] if single else [], strict=False):
        output["prediction"] = _class(value) if wide else value
    return found


def _class(value: object) -> str:
    """A class as scores name it: 1.0 is the class 1."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _same_rows(tensors: list[tuple[str, list[list[object]]]]) -> list[list[object]]:
    if len({len(values) for _, values in tensors}) > 1:
        raise EventError("unequal_rows", "tensors of one payload have unlike numbers of rows")
    return tensors[0][1] if tensors else []


def _seldon(data: object) -> tuple[list[str] | None, list[object]]:
    fields = _object(data, "data")
    names = fields.get("names")
    known = [str(name) for name in names] if isinstance(names, list) else None
    if "ndarray" in fields:
        return known, _list(fields["ndarray"], "data.ndarray")
    tensor = _object(fields.get("tensor"), "data.tensor")
    _, rows = _tensor({"name": "tensor", "shape": tensor.get("shape"), "data": tensor.get("values")}, "data")
    return known, list(rows)


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _unknown(f"{where}: a JSON object is needed")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        raise _unknown(f"{where}: a list of at most {MAX_ROWS} is needed")
    return value


def _unknown(reason: str) -> EventError:
    return EventError("unknown_payload", reason)
