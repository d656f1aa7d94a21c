const nonces = {
  from: 'attestClientAuth: {',
  to: 'dPoP: { enabled: true, nonceSecret: randomBytes(32) },\n  attestClientAuth: {',
  why: 'the two features now need this secret together',
};

/** Lines of the suite that cannot be as they are, and what stands there instead. */
export const adaptations: readonly { file: string; from: string; to: string; why: string }[] = [
  {
    file: 'test/test_helper.js',
    from: '.then(session.save(ttl))',
    to: '.then(() => session.save(ttl))',
    why: 'the log-in of the tests does not wait until the session is stored, which only memory forgives',
  },
  { file: 'test/attest_bindings/attest_bindings.config.js', ...nonces },
  { file: 'test/client_auth/client_auth.config.js', ...nonces },
  {
    file: 'test/helpers/token_find.test.js',
    from: "import { createTokenFinder } from '../../lib/helpers/token_find.js';",
    to: "import { findToken } from '../../lib/helpers/token_find.js';\nconst createTokenFinder = (provider) => (value, hint) => findToken(provider, value, hint);",
    why: 'the function has another name and form since',
  },
];
