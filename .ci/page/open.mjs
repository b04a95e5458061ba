// The page of the REST API in a real browser, as a person uses it: opened, an operation unfolded, tried
// out, answered with figures; and nothing is asked of any other host. `node open.mjs PROGRAM BROWSER`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [program, browserPath] = process.argv.slice(2);
const server = spawn(program, ['--demo', 'serve', '--http', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
process.on('exit', () => server.kill());
let url;
for await (const line of createInterface({ input: server.stderr })) {
  url = line.match(/^Listening on (http:\S+),/)?.[1];
  if (url) break;
}
assert.ok(url, 'the server does not listen');
server.stderr.resume();

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage();
const elsewhere = [];
const complaints = [];
page.on('request', (request) => {
  const asked = request.url();
  if (!asked.startsWith(`${url}/`) && !asked.startsWith('data:') && !asked.startsWith('blob:')) elsewhere.push(asked);
});
page.on('pageerror', (error) => complaints.push(String(error)));

await page.goto(`${url}/api/docs/`);
await page.locator('.opblock').first().waitFor();
const document = await (await fetch(`${url}/api/openapi.json`)).json();
const operations = Object.values(document.paths).flatMap((methods) => Object.keys(methods)).length;
assert.equal(await page.locator('.opblock').count(), operations);
console.log(`${operations} operations are shown`);

async function tryOut(operation, status, sees) {
  const block = page.locator(`[id="operations-${operation}"]`);
  await block.locator('.opblock-summary-control').click();
  await block.getByRole('button', { name: 'Try it out' }).click();
  await block.getByRole('button', { name: 'Execute' }).click();
  const answer = block.locator('.live-responses-table .response').first();
  await answer.waitFor();
  assert.match(await answer.locator('.response-col_status').innerText(), new RegExp(`^${status}`));
  const body = await answer.locator('.response-col_description').innerText();
  assert.match(body, sees);
  console.log(`${operation}: ${status}`);
}
// Figures of the demo; the body of the second is the example of the document.
await tryOut('pipeline-get_reports_expansion_pipeline', 200, /"total_value": 1200000/);
await tryOut('tools-get_forecast', 200, /"forecast": 610600/);

assert.deepEqual(elsewhere, []);
assert.deepEqual(complaints, []);
console.log('no other host was asked');
await browser.close();
process.exit(0);
