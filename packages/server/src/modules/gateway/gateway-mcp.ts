import { appsGet, appsHealth, appsList } from '@atrium/protocol';
import { AppError } from '../../platform/errors/app-error.ts';
import type { McpResources } from '../../platform/mcp/mcp-face.ts';
import { authorize } from '../../platform/operations/authorize.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { GatewayServices } from './gateway-services.ts';

const appsUri = 'atrium://apps';
const healthUri = 'atrium://gateway/health';
const shown = 200;

/** Apps as MCP resources; seen through the same services, hence by the same rule, as everywhere. */
export const gatewayResources = ({ apps }: GatewayServices): McpResources => {
  const list = async (call: Call) => (await apps.list(call, { limit: shown })).items;
  return {
    list: [
      { uri: appsUri, name: 'Apps', description: `Apps that you may open, at most ${shown}` },
      { uri: healthUri, name: 'Health of apps', description: 'Which of them answer, and which do not' },
    ],
    templates: [{ uri_template: `${appsUri}/{slug}`, name: 'App', description: 'One app, where it is and how it is' }],
    read: async (call, uri) => {
      if (uri === appsUri) {
        authorize(appsList, call.caller);
        return list(call);
      }
      if (uri === healthUri) {
        authorize(appsHealth, call.caller);
        return (await list(call)).map(({ slug, name, status }) => ({ slug, name, status }));
      }
      const slug = /^atrium:\/\/apps\/([A-Za-z0-9_-]{1,64})$/.exec(uri)?.[1];
      if (slug === undefined) return null;
      authorize(appsGet, call.caller);
      try {
        return await apps.get(call, slug);
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return null;
        throw error;
      }
    },
    changedBy: ({ kind }) => {
      if (kind.startsWith('gateway.app.') || kind.startsWith('gateway.route.')) return [appsUri, healthUri];
      return kind.startsWith('gateway.health.') ? [appsUri, healthUri] : [];
    },
  };
};
