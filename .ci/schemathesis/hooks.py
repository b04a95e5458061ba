"""What is read on purpose although the document does not say it, and so is not held against the API:
models often write these, and they mean one thing only."""

import json
from functools import cache
from pathlib import Path

import schemathesis

TOOLS = Path(__file__).resolve().parents[2] / "tools"
CHANGES = {"POST": ["create_opportunity"], "PUT": ["update_stage", "update_opportunity"]}
CHANGES["PATCH"] = CHANGES["PUT"]


@cache
def arguments(method, path):
    """The schema of the body of an operation."""
    prefix = "/api/tools/"
    tools = [path.removeprefix(prefix)] if path.startswith(prefix) else CHANGES.get(method, [])
    properties = {}
    for tool in tools:
        schema = json.loads((TOOLS / f"{tool}.json").read_text())["inputSchema"]
        properties |= schema.get("properties", {})
    return {"type": "object", "properties": properties}


def is_understood(value, schema, name=""):
    """Whether a part of it is written in another way than the schema has it, and still understood."""
    if value is None or value == []:
        return True  # Not said.
    match schema.get("type"), value:
        case "object", dict():
            known = schema.get("properties", {})
            return any(is_understood(part, known.get(name, {}), name) for name, part in value.items())
        case "array", list():
            return any(is_understood(part, schema.get("items", {})) for part in value)
        case _, bool():
            return False
        case "array", str() | int() | float():
            return True  # One of what may be several.
        case "number" | "integer", str():
            return True  # A number as it is said: "45k".
        case "boolean", str():
            return value.lower() in ("true", "false")
        case _, int() | float():
            return name == "as_of"  # A position of the log.
    return False


@schemathesis.hook
def filter_case(context, case):
    breaks_the_schema = case.meta is not None and case.meta.generation.mode.is_negative
    schema = arguments(case.method.upper(), case.operation.path)
    return not (breaks_the_schema and isinstance(case.body, dict) and is_understood(case.body, schema))
