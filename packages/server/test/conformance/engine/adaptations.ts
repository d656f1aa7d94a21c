const nonces = {
  from: 'attestClientAuth: {',
  to: 'dPoP: { enabled: true, nonceSecret: randomBytes(32) },\n  attestClientAuth: {',
  why: 'the two features now need this secret together',
};

const unawaited = {
  file: 'test/claims/claims.test.js',
  why: 'the test does not wait until its interaction is stored, which only memory forgives',
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
    file: 'test/resource_indicators/resource_indicators.config.js',
    from: 'return ctx.oidc.body?.usegranted;',
    to: 'return Boolean(ctx.oidc.body?.usegranted);',
    why: 'the function must now answer a boolean',
  },
  { ...unawaited, from: 'setup.call(this, auth, {', to: 'await setup.call(this, auth, {' },
  { ...unawaited, from: "requested are met', function () {", to: "requested are met', async function () {" },
  { ...unawaited, from: "reference is not met', function () {", to: "reference is not met', async function () {" },
  {
    file: 'test/helpers/token_find.test.js',
    from: "import { createTokenFinder } from '../../lib/helpers/token_find.js';",
    to: "import { findToken } from '../../lib/helpers/token_find.js';\nconst createTokenFinder = (provider) => (value, hint) => findToken(provider, value, hint);",
    why: 'the function has another name and form since',
  },
];
