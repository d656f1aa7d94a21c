import { newId } from '../../platform/ids/ids.ts';
import type { Module } from '../../platform/module.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import { EngineDoor } from './endpoints/engine-door.ts';
import { InteractionEndpoints } from './endpoints/interaction-endpoints.ts';
import { mountSessionEndpoints } from './endpoints/session-endpoints.ts';
import { mountStatusLists } from './endpoints/status-list-endpoint.ts';
import { agentWebhookJob } from './hooks/agent-webhooks.ts';
import type { Oauth } from './index.ts';
import { logoutJob } from './logout/logout-calls.ts';
import { nilId, oauthEventFilter } from './oauth-events.ts';
import { grantsRoutes } from './routes/grants-routes.ts';
import { sweepOauth } from './sweeps.ts';

const minuteMs = 60_000;

export const oauthModule = (oauth: Oauth): Module => {
  const { parts } = oauth;
  const door = { ...parts, engine: () => parts.engine().handle, resource_paths: parts.resources.paths };
  return {
    name: 'oauth',
    bindings: grantsRoutes(parts.grants),
    eventFilters: [oauthEventFilter],
    onEvent: ({ kind }) => parts.forget(kind),
    jobs: [
      { name: logoutJob, run: parts.logoutCalls.run },
      { name: agentWebhookJob, run: parts.webhooks.run },
    ],
    http: async ({ app }) => {
      await new EngineDoor(door).mount(app);
      if (parts.config.sessionIframe) mountSessionEndpoints(app);
      const { statusLists, gate } = parts;
      if (statusLists !== null) mountStatusLists(app, { statusLists, gate });
      await new InteractionEndpoints({
        ...door,
        provider: () => parts.engine().provider,
        sessionFacts: (id) => parts.identity.subjects.sessionFacts(parts.database.read, id),
      }).mount(app);
    },
    sweeps: [
      { name: 'oauth-expired', every_ms: minuteMs, run: () => sweepOauth(parts.database, parts.clock) },
      {
        name: 'oauth-keys',
        every_ms: 10 * minuteMs,
        run: () => parts.keys.tend(internalCall(systemCaller({ id: nilId }), newId())),
      },
    ],
  };
};
