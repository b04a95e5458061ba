// A certified OpenID provider on loopback that lets the program check its tokens, with its signing key
// replaced while the program runs. Usage: node provider.mjs PROGRAM. Says what it tried; exits 1 when
// something is not as it must be.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import Provider from 'oidc-provider';

const audience = 'https://pipeline.example.com/mcp';
const scopes = 'pipeline:read pipeline:write pipeline:admin';

const http = createServer((request, response) => handle(request, response));
await new Promise((listening) => http.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${http.address().port}`;

let handle;
// A provider of the same name with a key of its own.
function start() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }] },
    clients: [{
      client_id: 'agent', client_secret: 'secret', redirect_uris: [], response_types: [],
      grant_types: ['client_credentials'], scope: scopes,
    }],
    scopes: scopes.split(' '),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: scopes, audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  handle = provider.callback();
}

async function token(scope, resource = audience) {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('agent:secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope, resource }),
  });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body.access_token;
}

start();
const program = spawn(process.argv[2], [
  '--demo', '--today', '2026-01-29', 'serve', '--http', '127.0.0.1:0',
  '--oidc-issuer', issuer, '--oidc-audience', audience,
], { stdio: ['ignore', 'ignore', 'pipe'] });
process.on('exit', () => program.kill());

let url;
for await (const line of createInterface({ input: program.stderr })) {
  url = line.match(/^Listening on (http:\S+),/)?.[1];
  if (url) break;
}
program.stderr.resume();

async function ask(bearer, tool = 'get_forecast', input = {}) {
  const headers = { 'content-type': 'application/json' };
  if (bearer) headers.authorization = `Bearer ${bearer}`;
  return fetch(`${url}/api/tools/${tool}`, { method: 'POST', headers, body: JSON.stringify(input) });
}
async function expect(what, status, answer) {
  assert.equal(answer.status, status, `${what}: ${await answer.clone().text()}`);
  console.log(`${status}: ${what}`);
  return answer.headers.get('www-authenticate') ?? '';
}

const challenge = await expect('no token', 401, await ask());
const metadata = await (await fetch(challenge.match(/resource_metadata="([^"]+)"/)[1])).json();
assert.deepEqual(metadata.authorization_servers, [issuer]);

const change = ['update_opportunity', { opportunity: 'OPP-1184', use_case: 'Reporting' }];
const before = await token('pipeline:read');
await expect('a token that reads', 200, await ask(before));
const needed = await expect('the same for a change', 403, await ask(before, ...change));
assert.match(needed, /error="insufficient_scope".*scope="pipeline:write"/);
await expect('a token that writes', 200, await ask(await token('pipeline:read pipeline:write'), ...change));
const elsewhere = await token('pipeline:read', 'https://other.example.com');
assert.match(await expect('a token for another server', 401, await ask(elsewhere)), /error="invalid_token"/);

start();
// The program looks at the keys at most every five seconds.
await sleep(5500);
await expect('a token of the new key', 200, await ask(await token('pipeline:read')));
await expect('a token of the key before', 401, await ask(before));
process.exit(0);
