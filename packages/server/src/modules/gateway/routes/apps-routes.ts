import {
  appCookiesDelete,
  appCookiesList,
  appsCreate,
  appsDelete,
  appsGet,
  appsHealth,
  appsList,
  appsPin,
  appsUpdate,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { GatewayServices } from '../gateway-services.ts';

/** Apps that people open, and what is kept for them there. */
export const appsBindings = ({ apps, cookies }: GatewayServices): Binding[] => [
  bind(appsList, (call, input) => apps.list(call, input)),
  bind(appsGet, (call, { slug }) => apps.get(call, slug)),
  bind(appsHealth, (call, { slug }) => apps.health(call, slug)),
  bind(appsPin, (call, input) => apps.pin(call, input)),
  bind(appsCreate, (call, input) => apps.create(call, input)),
  bind(appsUpdate, (call, input) => apps.update(call, input)),
  bind(appsDelete, async (call, { slug }) => {
    await apps.remove(call, slug);
    return null;
  }),
  bind(appCookiesList, (call, input) => cookies.list(call, input)),
  bind(appCookiesDelete, (call, input) => cookies.remove(call, input)),
];
