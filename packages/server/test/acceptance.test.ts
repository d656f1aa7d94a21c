import { describe, expect, it } from 'vitest';
import { acceptanceDocument, situationsIn, withoutTest } from '../../../scripts/acceptance.ts';
import { diariesSituations } from '../../../scripts/diaries-situations.ts';
import { gatewaySituations } from '../../../scripts/gateway-situations.ts';
import { oauthSituations } from '../../../scripts/oauth-situations.ts';

const numbered = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('the acceptance situations', () => {
  it('are numbered without a gap', () => {
    expect(oauthSituations.situations.map(([number]) => number)).toEqual(numbered(98));
    expect(diariesSituations.situations.map(([number]) => number)).toEqual(numbered(60));
    expect(gatewaySituations.situations.map(([number]) => number)).toEqual(numbered(63));
  });

  it('of identity and authorization server have a test each, by its name', () => {
    expect(withoutTest(oauthSituations)).toEqual([]);
  });

  it('of diaries have a test each but for those that are known to lack one', () => {
    // Whoever writes one of these tests takes its number out here and in diaries-situations.ts.
    expect(withoutTest(diariesSituations)).toEqual([41, 42]);
    expect(Object.keys(diariesSituations.missing!).map(Number)).toEqual(withoutTest(diariesSituations));
    expect(acceptanceDocument(diariesSituations)).not.toContain('no reason given');
  });

  it('of the gateway have a test each but for the figures of the bench', () => {
    expect(withoutTest(gatewaySituations)).toEqual([62]);
    expect(Object.keys(gatewaySituations.missing!).map(Number)).toEqual([62]);
  });

  it('of the gateway are those with its letter', () => {
    const file = 'packages/server/test/flows/gateway/a.test.ts';
    const found = (text: string) => [...situationsIn(gatewaySituations, file, text)];
    expect(found("it('G1, G24: is reached', …)")).toEqual([1, 24]);
    expect(found("it('18, 19: binds its tokens', …); it('W10: a changed definition', …)")).toEqual([]);
    expect([...situationsIn(oauthSituations, file, "it('G1, G24: is reached', …)")]).toEqual([]);
  });

  it('are found in names, and nowhere else', () => {
    const found = (text: string, file = 'packages/server/test/flows/a.test.ts') => [
      ...situationsIn(oauthSituations, file, text),
    ];
    expect(found("it('18, 19: binds its tokens', …)")).toEqual([18, 19]);
    expect(found("it('44, hole 1: privileged scopes', …)")).toEqual([44]);
    expect(found("it('hole 1: open registration', …)")).toEqual([]);
    expect(found("it('201 ids give 422', …); const a = 'x: 12: y'; at('10.0.0.1')")).toEqual([]);
    expect(found("it('situation 65: of another list', …)")).toEqual([]);
    expect(found("it('situation 65: a scanner', …)", 'packages/server/test/flows/sign-in-ways.test.ts')).toEqual([65]);
  });

  it('are counted in one list only, whichever file they stand in', () => {
    for (const file of [
      'packages/server/test/flows/diaries/crash.test.ts',
      'packages/server/test/flows/agent-keys/signing.test.ts',
      'packages/server/src/modules/identity/recovery-service.db.test.ts',
    ])
      expect([file, diariesSituations.holds(file), oauthSituations.holds(file)]).toEqual([file, true, false]);
    for (const file of [
      'packages/server/test/flows/operators.test.ts',
      'packages/server/src/modules/identity/social-service.db.test.ts',
    ])
      expect([file, diariesSituations.holds(file), oauthSituations.holds(file)]).toEqual([file, false, true]);
  });
});
