/** Budget: a card appears in an open browser within 500 ms of inbox_ask at p99. */

import { cardDelays } from '../packages/server/test/support/card-delays.ts';
import { connectV2 } from '../packages/server/test/support/mcp-drivers.ts';
import { openBrowser } from '../scripts/open-browser.ts';
import type { BenchLine, BenchServer } from './bench-server.ts';
import { median, percentile } from './measure.ts';

const runs = 5;
const cards = 50;
const limitMs = 500;
const form = {
  fields: [
    { id: 'go', type: 'yesno', label: 'Deploy now?', required: true },
    { id: 'instances', type: 'number', label: 'Instances', min: 1, max: 9 },
    { id: 'note', type: 'text', label: 'Note' },
  ],
};

export const benchCard = async (server: BenchServer): Promise<BenchLine> => {
  const pages = server.url.replace('127.0.0.1', 'localhost');
  const browser = await openBrowser();
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    await context.addCookies([{ name: 'atrium_session', value: server.token, url: pages }]);
    const page = await context.newPage();
    await page.goto(`${pages}/inbox`);
    await page.getByRole('main').waitFor();
    const agent = await connectV2()(server.url, server.agentKey);
    const ask = async (title: string): Promise<void> => {
      const { isError, content } = await agent.call('inbox_ask', { title, form });
      if (isError === true) throw new Error(content[0]?.text);
    };
    await cardDelays(page, ask, { name: 'the warm-up', count: 10 });
    const delays: number[][] = [];
    for (let run = 0; run < runs; run++) delays.push(await cardDelays(page, ask, { name: `run ${run}`, count: cards }));
    await agent.close();
    const at = (p: number) => delays.map((one) => percentile(one, p));
    const [p50, p99] = [median(at(50)), median(at(99))];
    const list = (p: number) => at(p).map((value) => value.toFixed(0));
    return {
      what: `card in an open browser after inbox_ask (from the MCP call on, ${cards} cards a run)`,
      ours: `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
      peer: `limit: ${limitMs} ms`,
      result: `runs: p50 ${list(50).join(', ')} ms, p99 ${list(99).join(', ')} ms`,
      budget: `p99 under ${limitMs} ms`,
      met: p99 < limitMs,
    };
  } finally {
    await browser.close();
  }
};
