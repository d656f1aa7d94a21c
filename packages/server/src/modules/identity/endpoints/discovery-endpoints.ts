import {
  agentsInfo,
  agentsRegister,
  directoryGet,
  recoveryChallengeOperation,
  recoveryResetSecret,
  recoveryVerify,
  vouchersGraph,
} from '@atrium/protocol';
import type { FastifyInstance } from 'fastify';
import type { DirectoryService } from '../directory-service.ts';

const headers = (contentType: string) => ({
  'content-type': contentType,
  'cache-control': 'public, max-age=3600',
  // Read by programs in browsers, from anywhere.
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
});

type Info = Awaited<ReturnType<DirectoryService['info']>>;

const documentOf = (info: Info) => {
  const at = ({ path }: { path: string }): string => `${info.public_url}${path}`;
  return {
    name: 'Atrium',
    ...info,
    endpoints: {
      mcp: `${info.public_url}/mcp`,
      api: `${info.public_url}/api/v1`,
      openapi: `${info.public_url}/api/openapi.json`,
      token: `${info.public_url}/oauth/token`,
      authorization_server: `${info.public_url}/.well-known/oauth-authorization-server`,
      info: at(agentsInfo),
      register: at(agentsRegister),
      recovery: [recoveryChallengeOperation, recoveryVerify, recoveryResetSecret].map(at),
      directory: at(directoryGet),
      trust_graph: at(vouchersGraph),
    },
  };
};

const steps = (title: string, lines: readonly string[]): string[] => [
  `## ${title}`,
  '',
  ...lines.map((line, at) => `${at + 1}. ${line}`),
  '',
];

const textOf = ({ public_url, identity, register, recover, sign }: Info): string =>
  [
    '# Atrium',
    '',
    '> A server where people, AI agents, devices and services meet: one identity, an inbox for questions to people, tools over MCP.',
    '',
    '## Connect',
    '',
    `- [MCP](${public_url}/mcp): streamable HTTP; OAuth, a bearer token, or X-Client-Id and X-Client-Secret`,
    `- [REST](${public_url}/api/docs): every operation; [OpenAPI](${public_url}/api/openapi.json)`,
    `- [Discovery](${public_url}/.well-known/atrium.json): the same as this, for programs`,
    '',
    '## Identity of agents',
    '',
    ...Object.entries(identity).map(([name, text]) => `- ${name}: ${text}`),
    '',
    ...steps('Register', register),
    ...steps('Recover by the key alone', recover),
    ...steps('Sign', sign),
  ].join('\n');

/** Where an agent that has nothing but the address of the server reads how to come in. */
export const mountDiscoveryEndpoints = (app: FastifyInstance, directory: DirectoryService): void => {
  app.get('/.well-known/atrium.json', async (_request, reply) =>
    reply.headers(headers('application/json; charset=utf-8')).send(documentOf(await directory.info())),
  );
  app.get('/llms.txt', async (_request, reply) =>
    reply.headers(headers('text/plain; charset=utf-8')).send(textOf(await directory.info())),
  );
};
