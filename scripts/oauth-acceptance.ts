/** `docs/oauth-acceptance.md`: which test holds which acceptance situation of identity and authorization server. Read from the names of the tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './run-steps.ts';

/** What must hold, in short; the numbers are those that names of tests begin with. */
export const situations: readonly (readonly [number, string])[] = [
  [1, 'Code and PKCE for a public client on a loopback port that was not registered'],
  [2, 'Without a code challenge, or with a plain one, there is no code'],
  [3, 'An MCP client that names no scope gets the usual ones'],
  [4, 'An unregistered resource is invalid_target, and a slash makes another one'],
  [5, 'A redirect that differs in one parameter ends on a page that repeats nothing'],
  [6, 'A repeated parameter is refused'],
  [7, 'A code redeemed twice ends what it gave, on every replica within a second'],
  [8, 'Two replicas and one code: one success, a hundred times'],
  [9, 'Another client, redirect or verifier gets nothing, and the code stays with its owner'],
  [10, 'Killed between spending a code and committing'],
  [11, 'A client with nothing but ES256 keys'],
  [12, 'Wrong client secrets are limited by address and by client'],
  [13, 'An assertion of a client is good once'],
  [14, 'A certificate header from somebody who is no proxy is ignored'],
  [15, 'A disabled client refreshes nothing, and enabling it revives nothing'],
  [16, 'A pushed request at 61 seconds, or twice'],
  [17, 'Unsigned and remote request objects are refused, and nothing is fetched'],
  [18, 'A DPoP nonce is demanded, and a proof is good once'],
  [19, 'A bound token is no plain bearer at /mcp'],
  [20, 'A replayed refresh token ends its family'],
  [21, 'One refresh token at the same moment: one wins, nothing fails'],
  [22, 'Killed between rotating and committing'],
  [23, 'A JWT that is given back is refused everywhere'],
  [24, 'Revocation with the listening connection cut'],
  [25, 'An unknown or foreign token is answered like any other, without effect'],
  [26, 'Withdrawing one application ends that one alone'],
  [27, 'Who may introspect what'],
  [28, 'Introspection as a signed JWT for the caller'],
  [29, 'Introspection while PostgreSQL is down is 503'],
  [30, 'A bare jti is worth nothing'],
  [31, 'Forged tokens of every kind, at every door'],
  [32, 'Rotation of signing keys'],
  [33, 'Two replicas rotate at once'],
  [34, 'No secret lies in the database'],
  [35, 'Discovery at every place, whatever the Host header says'],
  [36, '/mcp without a token says where to get one'],
  [37, 'Behind a TLS proxy every address follows the public one'],
  [38, 'Registration off, and as it is by default'],
  [39, 'Client documents at addresses inside are not fetched, nor by a name that rebinds'],
  [40, 'Client documents that are large, slow or elsewhere'],
  [41, 'Client documents about another client, or with a secret'],
  [42, 'At most so many client documents, and those unused go'],
  [43, 'Consent shows the host of a client document above its name'],
  [44, 'Registration gives no privileged scope, nor does any grant later'],
  [45, 'A scope alone makes no operator'],
  [46, 'Limits and end of registrations'],
  [47, 'A registration without application_type is a native one'],
  [48, 'A user code with markup is shown as text'],
  [49, 'A device that asks too often is slowed down, and no other'],
  [50, 'A person sees who asks before a device is bound to them'],
  [51, 'Wrong user codes are limited, and codes are long enough'],
  [52, 'Two people and one device code'],
  [53, 'A transaction approval needs a strong factor'],
  [54, 'A restart while an approval waits'],
  [55, 'Subject tokens that are expired, revoked or for somebody else'],
  [56, 'Actors that are not allowed, and chains that are too long'],
  [57, 'An exchange widens nothing'],
  [58, 'An exchanged token ends with its subject'],
  [59, 'Assertions that are refused make nobody'],
  [60, 'A failure between making a person and issuing their token leaves neither'],
  [61, 'A transaction token says nothing to those who have no part in it'],
  [62, 'The first owner is made once'],
  [63, 'Unknown address and wrong password are answered alike'],
  [64, 'Many logins at once stay within bounds'],
  [65, 'A mailed link is spent by its person, not by a scanner'],
  [66, 'An address that nobody vouches for links no account'],
  [67, 'Callbacks with a wrong state or nonce'],
  [68, 'The form post of Apple'],
  [69, 'Okta, Auth0 and any OpenID Connect issuer'],
  [70, 'A passkey whose counter goes backwards'],
  [71, 'A TOTP code is good once and is not skipped'],
  [72, 'A new password ends other sessions'],
  [73, 'The last operator stays'],
  [74, 'Rows of another organisation are not found'],
  [75, 'The end of an account'],
  [76, 'Consent is not framed and not posted by others'],
  [77, 'Logout leads nowhere that was not registered'],
  [78, 'Back-channel logout survives a receiver that is down'],
  [79, 'Forms answer 303, and pages send no referrer'],
  [80, 'Browsers of other origins'],
  [81, 'Denied addresses'],
  [82, 'Limits while Redis is away'],
  [83, 'More requests at once than may be'],
  [84, 'An event sink that is away'],
  [85, 'An event that is sent in twice'],
  [86, 'A backlog of expired rows'],
  [87, 'A rolling restart under load'],
  [88, 'No secret in logs, traces, events and audit trail'],
  [89, 'The engine prints no notice'],
  [90, 'The tool register_client shows no secret'],
  [91, 'A revoked key, and the key of an operator'],
  [92, 'Leaving an organisation ends what was for it'],
  [93, 'Sixty seconds for proofs and five for clocks'],
  [94, 'Keys of a trusted issuer that is away'],
  [95, 'Unknown parameters are ignored, unknown members of a body are not'],
  [96, 'A client that copies a known product'],
  [97, 'Two operators and one client'],
  [98, 'A clock that jumps back'],
];

/** Files whose names say "situation 65" of this list; elsewhere those words count another one. */
const namedInWords = new Set([
  'packages/server/src/modules/identity/factors-service.db.test.ts',
  'packages/server/src/modules/identity/links-service.db.test.ts',
  'packages/server/src/modules/identity/passkeys-service.db.test.ts',
  'packages/server/src/modules/identity/social-service.db.test.ts',
  'packages/server/test/flows/account-end.test.ts',
  'packages/server/test/flows/operator-tokens.test.ts',
  'packages/server/test/flows/operators.test.ts',
  'packages/server/test/flows/sign-in-browser.test.ts',
  'packages/server/test/flows/sign-in-ways.test.ts',
  'packages/web/test/server-pages.test.ts',
]);

const testFiles = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return /\.test\.tsx?$/.test(entry.name) ? [path] : [];
  });

const title = /(['"`])(situations? )?((?:(?:hole )?\d+)(?:(?:, | and )(?:hole )?\d+)*)(?:: | on a | with )/g;

/** Numbers of the situations that the names in a test file begin with. */
export const situationsIn = (file: string, text: string): Set<number> => {
  const found = new Set<number>();
  for (const [, , words, list] of text.matchAll(title)) {
    if (words !== undefined && !namedInWords.has(file)) continue;
    for (const part of list!.split(/, | and /)) if (/^\d+$/.test(part)) found.add(Number(part));
  }
  return found;
};

/** The test files of each situation, by number. */
export const acceptance = (): Map<number, string[]> => {
  const held = new Map<number, string[]>(situations.map(([number]) => [number, []]));
  for (const path of testFiles(join(root, 'packages')).sort()) {
    const file = relative(root, path);
    // Other modules have lists of their own.
    if (!/modules\/(oauth|identity)\/|test\/flows\/|packages\/web\//.test(file)) continue;
    if (/test\/flows\/(agent-keys|diaries)\//.test(file)) continue;
    for (const number of situationsIn(file, readFileSync(path, 'utf8'))) held.get(number)?.push(file);
  }
  return held;
};

export const oauthAcceptance = (): string => {
  const held = acceptance();
  const without = situations.filter(([number]) => held.get(number)!.length === 0);
  const link = (file: string): string => `[${file.split('/').at(-1)}](../${file})`;
  return `# Acceptance of identity and authorization server

Generated by \`npm run docs\` from the names of the tests: one that holds a situation begins its name with the number.
${without.length === 0 ? 'Every situation has a test.' : `Without a test yet: ${without.map(([number]) => number).join(', ')}.`}

| | Situation | Tests |
|---|---|---|
${situations.map(([number, text]) => `| ${number} | ${text} | ${held.get(number)!.map(link).join(', ') || 'none yet'} |`).join('\n')}
`;
};
