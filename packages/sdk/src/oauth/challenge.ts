/** What a resource asks for in WWW-Authenticate (RFC 6750, RFC 9449, RFC 9728). */
export interface Challenge {
  scheme: string;
  error?: string;
  scope?: string;
  resource_metadata?: string;
}

const word = "[A-Za-z0-9!#$%&'*+\\-.^_`|~]+";
const part = new RegExp(
  `\\s*,?\\s*(?:(${word})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${word}))|(${word})(?![\\w=])\\s*)`,
  'y',
);

/** All challenges of the header. Anything unreadable ends the list; what came before it counts. */
export const parseChallenges = (header: string | null): Challenge[] => {
  const found: Record<string, string>[] = [];
  part.lastIndex = 0;
  for (let match = part.exec(header ?? ''); match !== null; match = part.exec(header ?? '')) {
    const [, name, quoted, plain, scheme] = match;
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase() });
    else if (name !== undefined && found.length > 0)
      found.at(-1)![name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  }
  return found as unknown as Challenge[];
};

/** The challenge that a token answers, if there is one. DPoP is the stronger of the two, so it is preferred. */
export const tokenChallenge = (response: Response): Challenge | null => {
  const all = parseChallenges(response.headers.get('www-authenticate'));
  return all.find(({ scheme }) => scheme === 'dpop') ?? all.find(({ scheme }) => scheme === 'bearer') ?? null;
};
