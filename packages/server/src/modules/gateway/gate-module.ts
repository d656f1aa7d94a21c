import type { Module } from '../../platform/module.ts';
import { gatePages } from './gate/gate-pages.ts';
import type { GateParts } from './gate/gate-parts.ts';
import { createGate, type GateService } from './gate/gate-service.ts';
import { createHandover } from './gate/handover-service.ts';
import { createSharesService } from './gate/shares-service.ts';
import { mountVerify } from './gate/verify-endpoints.ts';
import { visitsStore } from './gate/visits-store.ts';
import { sharesRoutes } from './routes/shares-routes.ts';

const minuteMs = 60_000;

/** The part of the gateway that says who comes through. */
export interface GatePart extends Module {
  gate: GateService;
  /** Facts of an organisation may have been missed. */
  doubt: (orgId: string | null) => void;
  close: () => void;
}

export const createGatePart = (parts: GateParts & { trusted_proxies: readonly string[] }): GatePart => {
  const gate = createGate(parts);
  const shares = createSharesService({ ...parts, forget: (fact) => gate.book.changed(fact) });
  return {
    name: 'gateway gate',
    gate,
    bindings: sharesRoutes(shares),
    pages: gatePages(createHandover(parts, gate)),
    http: ({ app }) => mountVerify(app, { ...parts, gate }),
    onEvent: (event) => gate.book.changed(event),
    sweeps: [
      {
        name: 'gateway-visits',
        every_ms: minuteMs,
        run: () => visitsStore.deleteExpired(parts.database.read, parts.clock.now()),
      },
    ],
    doubt: (orgId) => gate.book.doubt(orgId),
    close: () => gate.book.close(),
  };
};
