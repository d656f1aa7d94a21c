import {
  toolCallsCancel,
  toolCallsGet,
  toolCallsList,
  toolServersAdd,
  toolServersConnect,
  toolServersDisconnect,
  toolServersGet,
  toolServersList,
  toolServersRefresh,
  toolServersRemove,
  toolServersUpdate,
  toolsApprove,
  toolsCall,
  toolsGet,
  toolsList,
  toolsUpdate,
} from '@atrium/protocol';
import type { PageRoute } from '../../platform/http/page-route.ts';
import { type Binding, bind } from '../../platform/operations/binding.ts';
import { type CallsService, callView, resultView } from './calls-service.ts';
import type { DefinitionsService } from './definitions-service.ts';
import type { ServersService } from './servers-service.ts';

interface Services {
  servers: ServersService;
  definitions: DefinitionsService;
  calls: CallsService;
}

export const toolsBindings = ({ servers, definitions, calls }: Services): readonly Binding[] => [
  bind(toolServersList, servers.list),
  bind(toolServersGet, (call, { id }) => servers.get(call, id)),
  bind(toolServersAdd, servers.add),
  bind(toolServersUpdate, servers.update),
  bind(toolServersRemove, (call, { id }) => servers.remove(call, id)),
  bind(toolServersRefresh, (call, { id }) => servers.refresh(call, id)),
  bind(toolServersConnect, (call, { id }) => servers.connect(call, id)),
  bind(toolServersDisconnect, (call, { id }) => servers.disconnect(call, id)),
  bind(toolsApprove, definitions.approve),
  bind(toolsCall, async (call, { tool, arguments: args, wait_s }) => {
    const { row, result } = await calls.invoke(call, { tool, arguments: args, wait_ms: wait_s * 1000 });
    return { call: callView(row), result: resultView(result) };
  }),
  bind(toolCallsList, calls.list),
  bind(toolCallsGet, (call, { id }) => calls.get(call, id)),
  bind(toolCallsCancel, (call, { id }) => calls.cancel(call, id)),
  bind(toolsList, definitions.list),
  bind(toolsGet, (call, { id }) => definitions.get(call, id)),
  bind(toolsUpdate, definitions.update),
];

/** Where a browser comes back from the authorization server of an MCP server. */
export const toolsPages = ({ servers }: Pick<Services, 'servers'>): readonly PageRoute[] => [
  {
    method: 'GET',
    path: '/tools/callback',
    run: async (call, { query }) => {
      const { state = '', code, iss, error_description, error = error_description } = query;
      const done = await servers.returned(call, { state, code, iss, error });
      if (done === null) return { kind: 'redirect', to: '/tools?sign_in=unknown' };
      const outcome = done.problem === null ? 'sign_in=done' : `sign_in=failed&why=${encodeURIComponent(done.problem)}`;
      return { kind: 'redirect', to: `/tools/servers/${done.server_id}?${outcome}` };
    },
  },
];
