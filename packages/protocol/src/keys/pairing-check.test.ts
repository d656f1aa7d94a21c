import { describe, expect, it } from 'vitest';
import { normalisePairingCode, pairingAlphabet, spellPairingCode } from '../devices.ts';
import { type PairingFacts, pairingCheck, pairingLink, readPairingLink } from './pairing-check.ts';

const facts: PairingFacts = {
  code: '7KQ2MXW9ZD',
  base_url: 'https://atrium.example',
  server_id: '01990000-0000-7000-8000-000000000001',
  pairing_token: 'atp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  spki_pins: ['sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
};

describe('the check of a pairing picture', () => {
  it('has a known answer', async () => {
    expect(await pairingCheck(facts)).toBe('w3l0EUYiFyLN77yMq3qvLA');
  });

  it('is another one for every field that somebody in between could change', async () => {
    const others = await Promise.all([
      pairingCheck({ ...facts, base_url: 'https://atrium.example.net' }),
      pairingCheck({ ...facts, code: '7KQ2MXW9ZE' }),
      pairingCheck({ ...facts, server_id: '01990000-0000-7000-8000-000000000002' }),
      pairingCheck({ ...facts, pairing_token: 'atp_B' }),
      pairingCheck({ ...facts, spki_pins: [] }),
      pairingCheck({ ...facts, spki_pins: [...facts.spki_pins, facts.spki_pins[0]!] }),
    ]);
    expect(new Set([...others, await pairingCheck(facts)]).size).toBe(7);
  });

  it('G34: is another one when letters move between code and address', async () => {
    const moved = { ...facts, code: `${facts.code}h`, base_url: facts.base_url.slice(1) };
    expect(await pairingCheck(moved)).not.toBe(await pairingCheck(facts));
    const pins = { ...facts, spki_pins: ['ab', 'c'] };
    expect(await pairingCheck(pins)).not.toBe(await pairingCheck({ ...pins, spki_pins: ['a', 'bc'] }));
  });
});

describe('codes and links', () => {
  it('a code is read as people type it', () => {
    expect(normalisePairingCode(' 7kq2m-xw9zd ')).toBe('7KQ2MXW9ZD');
    expect(spellPairingCode('7KQ2MXW9ZD')).toBe('7KQ2M-XW9ZD');
  });

  it('codes hold no letter that people take for another', () => {
    expect([...pairingAlphabet]).toHaveLength(31);
    expect(new Set(pairingAlphabet).size).toBe(31);
    expect(pairingAlphabet).not.toMatch(/[01ILO]/);
  });

  it('a link holds what the picture says, and other addresses hold nothing', () => {
    const qr = { u: 'http://192.168.1.5:4400', c: '7KQ2MXW9ZD', v: 'abc_-1' };
    expect(readPairingLink(pairingLink(qr))).toEqual(qr);
    expect(readPairingLink('https://atrium.example/other#c=1&v=2')).toBeNull();
    expect(readPairingLink('https://atrium.example/pair')).toBeNull();
    expect(readPairingLink('WIFI:S:home;;')).toBeNull();
  });
});
