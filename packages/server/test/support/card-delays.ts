import type { Page } from 'playwright-core';

/**
 * For each of `count` questions: milliseconds from the call that asks it until its card is to be seen in the open inbox.
 * `name` tells the cards of one measurement from those of another.
 */
export const cardDelays = async (
  page: Page,
  ask: (title: string) => Promise<unknown>,
  { name, count }: { name: string; count: number },
): Promise<number[]> => {
  const delays: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const title = `Card ${n} of ${name}`;
    const card = page.getByText(title, { exact: true }).first();
    const seen = card.waitFor({ state: 'visible', timeout: 10_000 }).then(() => performance.now());
    const called = performance.now();
    await ask(title);
    delays.push((await seen) - called);
  }
  return delays;
};
