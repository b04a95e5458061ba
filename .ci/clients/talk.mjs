// One conversation through the client of the TypeScript SDK, in each era: talk.mjs URL, with the token
// in TOKEN.
import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const headers = { Authorization: `Bearer ${process.env.TOKEN}` };

for (const [mode, revision] of [['legacy', '2025-11-25'], [{ pin: '2026-07-28' }, '2026-07-28']]) {
  const transport = new StreamableHTTPClientTransport(new URL(process.argv[2]), { requestInit: { headers } });
  const client = new Client({ name: 'talk', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  assert.equal(client.getNegotiatedProtocolVersion(), revision);
  assert.equal(client.getServerVersion().name, 'expansion-pipeline');

  const { tools } = await client.listTools();
  assert.ok(tools.some((tool) => tool.name === 'get_forecast' && tool.outputSchema));
  assert.ok(tools.some((tool) => tool.name === 'update_stage'));
  assert.ok(!tools.some((tool) => tool.name === 'undo_change'), 'a role sees what it may use');

  // The client itself holds the answer against the output schema.
  const call = (name, args) => client.callTool({ name, arguments: args });
  const forecast = await call('get_forecast', { period: 'Q1' });
  assert.equal(forecast.structuredContent.forecast, 610600);

  const refused = await call('get_forecast', { period: 'the day after never' });
  assert.equal(refused.isError, true);
  assert.match(refused.content[0].text, /the day after never/);
  assert.equal(refused._meta['expansion-pipeline/refusal'].kind, 'invalid');
  const forbidden = await call('undo_change', { change: 1 });
  assert.equal(forbidden.isError, true);
  assert.equal(forbidden._meta['expansion-pipeline/refusal'].kind, 'forbidden');

  const written = await call('update_stage', {
    opportunity: 'OPP-1159', stage: 'closed_won', closed_value: 85000, dry_run: true,
  });
  assert.ok(!written.isError, JSON.stringify(written));
  const deal = await call('get_opportunity', { opportunity: 'OPP-1159' });
  assert.equal(deal.structuredContent.opportunity.stage, 'proposal', 'nothing is written');

  const { contents } = await client.readResource({ uri: 'pipeline://forecast/Q1' });
  assert.equal(JSON.parse(contents[0].text).forecast, 610600);

  await client.close();
  console.log(`TypeScript SDK, ${revision}: ${tools.length} tools, forecast ${forecast.structuredContent.forecast}`);
}
