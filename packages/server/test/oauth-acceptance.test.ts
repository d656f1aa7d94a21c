import { describe, expect, it } from 'vitest';
import { acceptance, situations, situationsIn } from '../../../scripts/oauth-acceptance.ts';

describe('the acceptance situations of identity and authorization server', () => {
  it('are numbered without a gap', () => {
    expect(situations.map(([number]) => number)).toEqual(Array.from({ length: 98 }, (_, index) => index + 1));
  });

  it('have a test each, by its name', () => {
    const held = acceptance();
    const without = situations.filter(([number]) => held.get(number)!.length === 0);
    expect(without.map(([number, text]) => `${number}: ${text}`)).toEqual([]);
  });

  it('are found in names, and nowhere else', () => {
    const found = (text: string, file = 'packages/server/test/flows/a.test.ts') => [...situationsIn(file, text)];
    expect(found("it('18, 19: binds its tokens', …)")).toEqual([18, 19]);
    expect(found("it('44, hole 1: privileged scopes', …)")).toEqual([44]);
    expect(found("it('hole 1: open registration', …)")).toEqual([]);
    expect(found("it('201 ids give 422', …); const a = 'x: 12: y'; at('10.0.0.1')")).toEqual([]);
    expect(found("it('situation 65: of another list', …)")).toEqual([]);
    expect(found("it('situation 65: a scanner', …)", 'packages/server/test/flows/sign-in-ways.test.ts')).toEqual([65]);
  });
});
