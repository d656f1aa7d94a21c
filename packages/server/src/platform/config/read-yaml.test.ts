import { expect, it } from 'vitest';
import { readYaml } from './read-yaml.ts';

const listOf = (count: number): string =>
  Array.from({ length: count }, (_, n) => `  - { slug: app-${n}, tags: [a, "b: c"] }`).join('\n');

it('a large text is parsed beside whatever else there is to do, with the same result as a small one', async () => {
  let turns = 0;
  const counting = setInterval(() => {
    turns += 1;
  }, 1);
  const read = await readYaml(`apps:\n${listOf(2000)}\n`);
  clearInterval(counting);
  expect(turns).toBeGreaterThan(5);
  const { content } = read as { content: { apps: unknown[] } };
  expect(content.apps).toHaveLength(2000);
  expect({ content: { apps: content.apps.slice(0, 3) } }).toEqual(await readYaml(`apps:\n${listOf(3)}\n`));
});

it('tells what is wrong with a text, small or large', async () => {
  for (const count of [1, 2000]) {
    const broken = await readYaml(`apps:\n${listOf(count)}\nroutes: [{ slug: "a`);
    expect(broken).toMatchObject({ problems: expect.arrayContaining([expect.stringMatching(/quote/i)]) });
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x, x]',
      ...'bcd'.split('').map((name, n) => {
        const of = 'abc'[n];
        return `${name}: &${name} [${Array(10).fill(`*${of}`).join(', ')}]`;
      }),
    ].join('\n');
    expect(await readYaml(`apps:\n${listOf(count)}\n${bomb}\n`)).toMatchObject({
      problems: [expect.stringMatching(/alias/i)],
    });
  }
});
