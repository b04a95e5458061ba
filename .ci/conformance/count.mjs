// Counts what a run of the suite found, and fails when a check failed that must pass.
//   count.mjs all REVISION RESULTS   every scenario the revision requires, and those of `beyond`
//   count.mjs own REVISION RESULTS   the scenarios of `own`: those that the server has all they need for
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const [which, revision, results] = process.argv.slice(2);
const here = import.meta.dirname;
const lines = (file) =>
  fs.readFileSync(path.join(here, file), 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));

const requirements = parse(fs.readFileSync(
  path.join(here, `node_modules/@modelcontextprotocol/conformance/requirements/${revision}.yaml`), 'utf8'));
const named = (file) => lines(file).map((line) => line.split(' ')).filter(([of]) => of === revision).map(([, name]) => name);
const scenarios = which === 'all' ? [...requirements.server, ...named('beyond')] : named('own');

// What each scenario found, by the folder `server-NAME-TIME` that it left.
const found = new Map();
for (const folder of fs.readdirSync(results)) {
  const name = folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
  found.set(name, JSON.parse(fs.readFileSync(path.join(results, folder, 'checks.json'), 'utf8')));
}

let passed = 0;
let skipped = 0;
let lacking = 0;
const problems = [];
for (const scenario of scenarios) {
  const checks = found.get(scenario) ?? [];
  if (!checks.some((check) => check.status === 'SUCCESS')) problems.push(`${scenario}: nothing was checked`);
  for (const check of checks) {
    // A check that needs one of the suite's own tools is one for the fixtures.
    if (which === 'own' && check.status === 'FAILURE' && check.details?.untestable) lacking += 1;
    else if (check.status === 'SUCCESS') passed += 1;
    else if (check.status === 'SKIPPED') skipped += 1;
    else if (check.status !== 'INFO') problems.push(`${scenario}: ${check.id}: ${check.status}: ${check.errorMessage}`);
  }
}
const rest = [
  skipped ? `${skipped} not applicable` : '',
  lacking ? `${lacking} that need the suite's tools` : '',
].filter(Boolean).join(', ');
console.log(`${revision}: ${scenarios.length} scenarios, ${passed} checks passed, ${problems.length} failed`
  + (rest ? ` (${rest})` : ''));
problems.forEach((problem) => console.log(`  ${problem}`));
process.exit(problems.length ? 1 : 0);
