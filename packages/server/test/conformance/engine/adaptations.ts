const nonces = {
  from: 'attestClientAuth: {',
  to: 'dPoP: { enabled: true, nonceSecret: randomBytes(32) },\n  attestClientAuth: {',
  why: 'the two features now need this secret together',
};

/** Challenge and verifier of RFC 7636, appendix B. */
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

/** What native programs may be sent back to does not depend on the kind of answer, and only codes are offered here. */
const withCodes = (file: string, text: string): string =>
  file.startsWith('test/oauth_native_apps/')
    ? text
        .replaceAll("grant_types: ['implicit']", "grant_types: ['authorization_code']")
        .replaceAll("response_types: ['id_token']", "response_types: ['code']")
    : text;

/** Every code is bound to a verifier here; requests that cases write by hand name none. Not in the cases about it. */
export const proven = (file: string, text: string): string =>
  file.startsWith('test/pkce/')
    ? text
    : withCodes(file, text)
        .replaceAll(
          /(?<!\.)\bresponse_type: 'code'(?=[,\s}])/g,
          `response_type: 'code', code_challenge: '${challenge}', code_challenge_method: 'S256'`,
        )
        .replaceAll(
          /\bgrant_type: 'authorization_code'(?=[,\s}])/g,
          `grant_type: 'authorization_code', code_verifier: '${verifier}'`,
        );

const unawaited = {
  file: 'test/claims/claims.test.js',
  why: 'the test does not wait until its interaction is stored, which only memory forgives',
};

const renamedDetails = {
  file: 'test/openid4vci/openid4vci.config.js',
  why: 'the functions for authorization details have other names and arguments since',
};

/** Lines of the suite that cannot be as they are, and what stands there instead. */
export const adaptations: readonly {
  file: string;
  from: string;
  to: string;
  why: string;
  /** In runs against the settings of this server alone. */
  mounted?: true;
}[] = [
  {
    file: 'test/test_helper.js',
    from: 'agent = supertest(globalThis.server);',
    to: `agent = supertest(globalThis.server);
    for (const method of ['get', 'post', 'put', 'del', 'delete', 'options', 'trace', 'head', 'patch']) {
      const sent = agent[method];
      agent[method] = function (route, ...more) { return sent.call(this, globalThis.placeOf(route), ...more); };
    }`,
    why: 'the endpoints of this server are elsewhere',
    mounted: true,
  },
  {
    file: 'test/test_helper.js',
    from: "      if (mountTo === '/') {\n        return unprefixed;",
    to: "      if (mountTo === '/') {\n        return globalThis.placeOf(unprefixed);",
    why: 'the endpoints of this server are elsewhere',
    mounted: true,
  },
  {
    file: 'test/test_helper.js',
    from: '.then(session.save(ttl))',
    to: '.then(() => session.save(ttl))',
    why: 'the log-in of the tests does not wait until the session is stored, which only memory forgives',
  },
  {
    file: 'test/test_helper.js',
    from: "this.code_verifier = crypto.randomBytes(32).toString('base64url');",
    to: `this.code_verifier = '${verifier}';`,
    why: 'the verifier is the one that is added to requests written by hand',
    mounted: true,
  },
  { file: 'test/attest_bindings/attest_bindings.config.js', ...nonces },
  { file: 'test/client_auth/client_auth.config.js', ...nonces },
  {
    file: 'test/resource_indicators/resource_indicators.config.js',
    from: 'return ctx.oidc.body?.usegranted;',
    to: 'return Boolean(ctx.oidc.body?.usegranted);',
    why: 'the function must now answer a boolean',
  },
  {
    ...renamedDetails,
    from: "  ack: 'experimental-01',\n  rarForAuthorizationCode(ctx) {",
    to: '  types: { openid_credential: { validate() {} } },\n  authorizationDetailsForIntrospection: (_ctx, token) => token.rar,\n  authorizationDetailsForGrantSource(ctx) {',
  },
  {
    ...renamedDetails,
    from: '  rarForCodeResponse(ctx) {\n    const { rar } = ctx.oidc.authorizationCode;',
    to: '  authorizationDetailsForAccessToken(_ctx, _token, source) {\n    const rar = source?.rar;',
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
