import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What the server has to know about a session that it no longer holds in memory. */
export interface SessionFacts {
  issued_at: Date;
  revision: string;
  client: { name: string; version: string };
  capabilities: KeptCapabilities;
}

/** The client capabilities that change what the server does. */
export interface KeptCapabilities {
  elicitation?: { form?: object; url?: object };
  sampling?: object;
  roots?: object;
}

const form = /^([A-Za-z0-9_-]{20,1200})\.([A-Za-z0-9_-]{22})$/;
const short = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 64);

/**
 * Session ids that carry the session. Few clients start anew when a server forgot their session, so a restarted
 * server, or another replica, must be able to go on with an id that it never saw: the id holds what `initialize`
 * told, sealed by a key and tied to one principal. It grants nothing: every request still brings its own credential.
 */
export class SessionIds {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  issue(owner: string, facts: SessionFacts): string {
    const { elicitation, sampling, roots } = facts.capabilities;
    const flags = [elicitation?.form && 'f', elicitation?.url && 'u', sampling && 's', roots && 'r']
      .filter(Boolean)
      .join('');
    const body = [
      1,
      Math.floor(facts.issued_at.getTime() / 1000),
      facts.revision,
      short(facts.client.name),
      short(facts.client.version),
      flags,
      randomBytes(12).toString('base64url'),
    ];
    const payload = Buffer.from(JSON.stringify(body)).toString('base64url');
    return `${payload}.${this.#seal(payload, owner)}`;
  }

  /** Null for an id that is not ours, or that another principal was given. */
  open(id: string, owner: string): SessionFacts | null {
    const match = form.exec(id);
    if (match === null) return null;
    const [, payload, seal] = match;
    // Compared as text: the last character of base64url has spare bits, and an id should have one spelling.
    const given = Buffer.from(seal!);
    const expected = Buffer.from(this.#seal(payload!, owner));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    const [, issued, revision, name, version, flags] = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as [
      number,
      number,
      string,
      string,
      string,
      string,
    ];
    return {
      issued_at: new Date(issued * 1000),
      revision,
      client: { name, version },
      capabilities: capabilitiesOf(flags),
    };
  }

  #seal(payload: string, owner: string): string {
    const mac = createHmac('sha256', this.#key).update(`mcp-session\0${owner}\0${payload}`).digest();
    return mac.subarray(0, 16).toString('base64url');
  }
}

const capabilitiesOf = (flags: string): KeptCapabilities => ({
  ...((flags.includes('f') || flags.includes('u')) && {
    elicitation: { ...(flags.includes('f') && { form: {} }), ...(flags.includes('u') && { url: {} }) },
  }),
  ...(flags.includes('s') && { sampling: {} }),
  ...(flags.includes('r') && { roots: {} }),
});
