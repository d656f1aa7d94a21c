import { expect, it } from 'vitest';
import { clientAuthTable, endings, runClientAuth, writtenPart } from '../conformance/client-auth.ts';

it('the SDK passes every client scenario of the MCP conformance suite about authorization', {
  timeout: 300_000,
}, async () => {
  const runs = await runClientAuth();
  expect(runs.filter((run) => run.verdict !== 'pass')).toEqual([]);
  expect(new Set(runs.map((run) => run.scenario)).size).toBe(33);
  for (const { scenario, ending } of runs) expect(ending, scenario).toBe(endings[scenario] ?? 'done');
  expect(await writtenPart(), 'docs/mcp-conformance.md').toBe(clientAuthTable(runs));
});
