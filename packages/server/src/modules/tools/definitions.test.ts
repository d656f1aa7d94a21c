import { describe, expect, it } from 'vitest';
import { definitionOf, fingerprintOf } from './fingerprint.ts';
import { limitResult } from './result-limit.ts';

const tool = { name: 'look', description: 'Looks', inputSchema: { type: 'object', properties: { a: {}, b: {} } } };

describe('a fingerprint', () => {
  it('does not change with the order of members, and does with every word and schema', () => {
    const of = (change: object): string => fingerprintOf(definitionOf({ ...tool, ...change })!);
    const same = of({});
    expect(of({ inputSchema: { properties: { b: {}, a: {} }, type: 'object' } })).toBe(same);
    expect(of({ _meta: { seen: 1 }, icons: [] })).toBe(same);
    for (const change of [
      { description: 'Looks.' },
      { title: 'Look' },
      { inputSchema: { type: 'object', properties: { a: {} } } },
      { annotations: { readOnlyHint: true } },
      { outputSchema: { type: 'object' } },
    ])
      expect(of(change)).not.toBe(same);
  });

  it('is not made of what cannot be offered', () => {
    for (const change of [
      { name: 'two words' },
      { name: '' },
      { inputSchema: undefined },
      { inputSchema: { type: 'array' } },
      { description: 'x'.repeat(70_000) },
      { description: 'a\u0000b' },
      { description: 'half \ud800' },
    ])
      expect(definitionOf({ ...tool, ...change })).toBeNull();
    expect(definitionOf('tool')).toBeNull();
  });
});

describe('the limit of a result', () => {
  it('leaves what fits as it is', () => {
    const result = { content: [{ type: 'text', text: 'short' }], structuredContent: { a: 1 } };
    expect(limitResult(result, 1000)).toMatchObject({ result, cut: false });
  });

  it('keeps whole blocks, then the beginning of a text, and says what was left out', () => {
    const image = { type: 'image', data: 'A'.repeat(5000), mimeType: 'image/png' };
    const first = { type: 'text', text: 'first' };
    const cut = limitResult({ content: [first, { type: 'text', text: '\u{1F600}'.repeat(2000) }, image] }, 2000);
    expect(cut.cut).toBe(true);
    const [one, two, note] = cut.result.content as { text: string }[];
    expect(one).toEqual(first);
    expect(two!.text).toMatch(/^(\u{1F600})+$/u);
    expect(note!.text).toContain(`${cut.bytes} bytes`);
    expect(cut.result.isError).toBeUndefined();
    expect(Buffer.byteLength(JSON.stringify(cut.result))).toBeLessThan(2400);
  });

  it('is an error for whoever reads by a schema, when structured content is lost', () => {
    const cut = limitResult({ content: [], structuredContent: { rows: 'x'.repeat(3000) } }, 1024);
    expect(cut.result).toMatchObject({ isError: true });
    expect(cut.result.structuredContent).toBeUndefined();
  });
});
