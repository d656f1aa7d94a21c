/**
 * The MCP client that the `auth/…` client scenarios run: the official client, with the fetch of `@atrium/sdk` as the only
 * thing that knows about OAuth. The suite starts it with the address of its server as argument.
 */

import { identityAssertion, OAuthError, type OAuthOptions, oauth, type SignIn } from '@atrium/sdk';
import { loopbackRedirect } from '@atrium/sdk/node';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const revision = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Record<string, string>;
const url = process.argv.at(-1)!;

/** The browser: follows the redirects of the authorization server to the listener. */
const visit = (page: URL): void => {
  fetch(page, { redirect: 'follow' }).catch((error: unknown) => {
    process.stderr.write(`The page ${page.origin} did not lead back: ${String(error)}\n`);
    process.exit(1);
  });
};

const browser: SignIn = { kind: 'browser', redirect: loopbackRedirect({ open: visit, timeoutMs: 60_000 }) };
const given = { id: context['client_id']!, secret: context['client_secret']! };

/** What an operator would configure; every other scenario gets along with nothing but the address. */
const configured: Record<string, OAuthOptions> = {
  'auth/pre-registration': { signIn: browser, client: { ...given, issuer: context['issuer']! } },
  'auth/client-credentials-basic': { signIn: { kind: 'client_credentials' }, client: given },
  'auth/client-credentials-jwt': {
    signIn: { kind: 'client_credentials' },
    client: { id: given.id, privateKey: context['private_key_pem']! },
  },
  'auth/enterprise-managed-authorization': {
    signIn: {
      kind: 'assertion',
      assertion: identityAssertion({
        tokenEndpoint: context['idp_token_endpoint']!,
        clientId: context['idp_client_id']!,
        idToken: context['idp_id_token']!,
      }),
    },
    client: given,
  },
  'auth/wif-jwt-bearer': {
    signIn: { kind: 'assertion', assertion: () => context['valid_jwt']! },
    client: { id: given.id },
  },
  'auth/basic-cimd': { signIn: browser, client: { id: 'https://conformance-test.local/client-metadata.json' } },
};

const session = oauth(configured[scenario] ?? { signIn: browser }).for(url);
const client = new Client(
  { name: 'atrium-sdk', version: '1' },
  { versionNegotiation: { mode: revision === '2026-07-28' ? { pin: revision } : 'legacy' } },
);

/** The error that matters: the client wraps what its fetch threw. */
const codeOf = (error: unknown): string => {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof OAuthError) return at.code;
  return error instanceof Error ? error.name : 'unknown';
};

try {
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: session.fetch }));
  await client.listTools();
  await client.callTool({ name: 'test-tool', arguments: {} });
  await client.listTools();
  await client.close();
  process.stdout.write('ended: done\n');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.stdout.write(`ended: ${codeOf(error)}\n`);
  process.exitCode = 1;
}
