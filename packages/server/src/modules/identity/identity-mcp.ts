import { agentsWhoami, directoryGet, fingerprintForm } from '@atrium/protocol';
import type { McpResources } from '../../platform/mcp/mcp-face.ts';
import { authorize } from '../../platform/operations/authorize.ts';
import type { IdentityServices } from './index.ts';

const own = 'atrium://identity';
const agents = 'atrium://agent/';
const olderScheme = 'moltnet://';

const canonical = (uri: string): string => {
  if (!uri.startsWith(olderScheme)) return uri;
  const path = uri.slice(olderScheme.length);
  return path === 'identity' || path.startsWith('agent/') ? `atrium://${path}` : uri;
};

/** Keys as MCP resources: the caller's, and those that a fingerprint leads to. */
export const identityResources = ({ agentKeys, directory }: IdentityServices): McpResources => ({
  list: [{ uri: own, name: 'Your identity', description: 'Who the credential belongs to, with its key' }],
  templates: [
    {
      uri_template: `${agents}{fingerprint}`,
      name: 'Agent',
      description: 'The whole key behind a fingerprint, and the profile of an agent that lets itself be listed',
    },
  ],
  read: async (call, uri) => {
    const known = canonical(uri);
    if (known === own) {
      authorize(agentsWhoami, call.caller);
      return agentKeys.whoami(call);
    }
    if (!known.startsWith(agents)) return null;
    const fingerprint = known.slice(agents.length);
    if (!fingerprintForm.test(fingerprint)) return null;
    authorize(directoryGet, call.caller);
    return directory.get(call, { fingerprint });
  },
  canonical,
});
