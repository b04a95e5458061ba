"""One conversation through the client of the Python SDK, in each era: talk.py URL, with the token in TOKEN."""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def talk(url: str, mode: str, revision: str) -> None:
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    async with httpx2.AsyncClient(headers=headers) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            assert client.protocol_version == revision, client.protocol_version

            listed = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert listed["get_forecast"].output_schema
            assert "update_stage" in listed
            assert "undo_change" not in listed, "a role sees what it may use"

            # The client itself holds the answer against the output schema.
            forecast = await client.call_tool("get_forecast", {"period": "Q1"})
            assert forecast.structured_content["forecast"] == 610600, forecast

            refused = await client.call_tool("get_forecast", {"period": "the day after never"})
            assert refused.is_error, refused
            assert "the day after never" in refused.content[0].text, refused
            assert refused.meta["expansion-pipeline/refusal"]["kind"] == "invalid", refused
            forbidden = await client.call_tool("undo_change", {"change": 1})
            assert forbidden.is_error, forbidden
            assert forbidden.meta["expansion-pipeline/refusal"]["kind"] == "forbidden", forbidden

            won = {"opportunity": "OPP-1159", "stage": "closed_won", "closed_value": 85000, "dry_run": True}
            written = await client.call_tool("update_stage", won)
            assert not written.is_error, written
            deal = await client.call_tool("get_opportunity", {"opportunity": "OPP-1159"})
            assert deal.structured_content["opportunity"]["stage"] == "proposal", "nothing is written"

            read = await client.read_resource("pipeline://forecast/Q1")
            assert json.loads(read.contents[0].text)["forecast"] == 610600, read

    figure = forecast.structured_content["forecast"]
    print(f"Python SDK, {revision}: {len(listed)} tools, forecast {figure}")


async def main() -> None:
    await talk(sys.argv[1], "legacy", "2025-11-25")
    await talk(sys.argv[1], "2026-07-28", "2026-07-28")


asyncio.run(main())
