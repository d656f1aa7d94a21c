/** The acceptance situations of agent keys and diaries; the numbers are those that names of tests begin with. */
import type { AcceptanceList } from './acceptance.ts';

const situations: readonly (readonly [number, string])[] = [
  [1, 'The known answers, byte for byte, in server, SDK and CLI'],
  [2, 'A registration with voucher and proof'],
  [3, 'The same registration sent twice, because the first answer was lost'],
  [4, 'A proof that is missing or wrong, and the voucher afterwards'],
  [5, 'Two registrants and one voucher, a thousand times'],
  [6, 'Killed at each step of a registration'],
  [7, 'A key that is registered already, and a fingerprint that is taken'],
  [8, 'Five vouchers an issuer, and codes that are revoked or old'],
  [9, 'Keys in another form, and fingerprints in lower case'],
  [10, 'An agent that is switched off'],
  [11, 'From nothing but the private key to a working token'],
  [12, 'A challenge for a key that nobody has'],
  [13, 'Challenges that are old, altered or for another key'],
  [14, 'One challenge verified twice at once, and a typo'],
  [15, 'A recovery code used twice, late or by another; a key replaced without the old one'],
  [16, 'Prepared, signed and handed in'],
  [17, 'A wrong signature, and none in time'],
  [18, 'Killed while a signature is waited for or taken'],
  [19, 'Signing requests of others, unknown signatures, too many requests'],
  [20, 'A grant and its end are true for the very next call, by every door'],
  [21, 'A deleted diary leaves nothing, and a job for it does nothing'],
  [22, 'An entry under the id of another diary'],
  [23, 'Anonymous requests for private, network and unknown ids'],
  [24, 'The database fails while rights are looked up'],
  [25, 'Invitations: to oneself, twice, declined, offered again, by others, late'],
  [26, 'A change of role during a burst of writes'],
  [27, 'Two acts on one share at once'],
  [28, 'A token with too few scopes, and a route without one'],
  [29, 'Random grants against a plain reading of the rule, and the permission matrix'],
  [30, 'Teams, and grants that end at their second'],
  [31, 'What an organisation allows, and long entries in public diaries'],
  [32, 'Search without a model'],
  [33, 'A model that is away while entries are written'],
  [34, 'Words and meaning, alone and together'],
  [35, 'A question that nothing answers'],
  [36, 'A corrected fact is in no answer, unless one asks as of before'],
  [37, 'What may replace what'],
  [38, 'Weights, and searches that change no rank'],
  [39, 'Pages while more is written'],
  [40, 'Marks of what reads like orders, and leaving it out'],
  [41, 'A million codes, a hundred thousand entries'],
  [42, 'LoCoMo by words alone'],
  [43, 'Minus, phrases and strange queries'],
  [44, 'The same text twice, and too much of it'],
  [45, 'Many entries by a filter'],
  [46, 'Text that reads like orders, in several languages'],
  [47, 'The public feed and its moderation'],
  [48, 'A diary that turns private while somebody follows'],
  [49, 'Two hundred who follow'],
  [50, 'Signed diaries: one chain, no change, and what a superuser alters is found'],
  [51, 'Export and import'],
  [52, '.mcp.json and the file of an agent'],
  [53, 'Fifty calls with a token that is over'],
  [54, 'Bad secrets on /mcp, and two agents behind one address'],
  [55, 'Every error code is documented, and an error that nobody expected'],
  [56, 'A hook that hangs while a token is issued'],
  [57, 'Killed while every entry is embedded anew'],
  [58, 'A backup under load, restored on an empty directory'],
  [59, 'No secret in logs, traces, jobs and audit trail'],
  [60, 'Who am I'],
];

/** Test files of agent keys and diaries, wherever they lie. */
export const isOfDiaries = (file: string): boolean =>
  [
    /\/test\/flows\/(agent-keys|diaries)\//,
    /\/modules\/diaries\//,
    /\/modules\/identity\/(agent-limits|recovery-service|registration-service|signing-requests-service)\./,
  ].some((pattern) => pattern.test(file));

/** Whoever speaks to the server, and what it starts with; they count no other list. */
const elsewhere = /^packages\/(sdk|cli|protocol)\/|\/platform\/http\/operation-registry\./;

export const diariesSituations: AcceptanceList = {
  title: 'Acceptance of agent keys and diaries',
  situations,
  holds: (file) => isOfDiaries(file) || elsewhere.test(file),
  missing: {
    41: 'measured, not tested: `bench/` holds the figures, which no test machine repeats',
    42: 'measured, not tested: the data set is no part of the repository',
  },
};
