import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AutoApproval, DiscoveryParts } from '../../src/modules/gateway/discovery/discovery-parts.ts';
import { Intake } from '../../src/modules/gateway/discovery/intake.ts';
import { createIntakeService } from '../../src/modules/gateway/discovery/intake-service.ts';
import { createProposalsService } from '../../src/modules/gateway/discovery/proposals-service.ts';
import type { Sighting } from '../../src/modules/gateway/discovery/sighting.ts';
import { createGatewayModule } from '../../src/modules/gateway/gateway-module.ts';
import { createPostgresLimiter } from '../../src/platform/limits/postgres-limiter.ts';
import type { StoredEvent } from '../../src/platform/module.ts';
import type { Caller } from '../../src/platform/operations/caller.ts';
import { makeGatewayParts } from './make-gateway.ts';
import { makeOrg, type TestOrg } from './make-inbox.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

export interface TestDiscovery extends TestDatabase {
  org: TestOrg;
  /** Of that organisation, and one who runs the server. */
  operator: Caller;
  intake: Intake;
  service: ReturnType<typeof createIntakeService>;
  proposals: ReturnType<typeof createProposalsService>;
  auto: AutoApproval;
  events: StoredEvent[];
  errors: unknown[];
  notices: { title: string; message: string }[];
}

/** Proposals and what fills them, over a database of their own, for one organisation. */
export const createTestDiscovery = async (): Promise<TestDiscovery> => {
  const events: StoredEvent[] = [];
  const errors: unknown[] = [];
  const notices: { title: string; message: string }[] = [];
  const auto: AutoApproval = { enabled: false, threshold: 0.95 };
  const test = await createTestDatabase({ onCommitted: (committed) => void events.push(...committed) });
  const org = await makeOrg(test.pool);
  const operator = { ...(await org.person('Operator', 'owner')), is_operator: true };
  const parts: DiscoveryParts = {
    database: test.database,
    clock: test.clock,
    limiter: createPostgresLimiter(test.database.read, test.clock),
    maker: createGatewayModule(makeGatewayParts(test), { directory: () => '/nowhere', probes: false }).services.maker,
    orgOf: async () => org.id,
    onError: (error) => void errors.push(error),
  };
  const proposals = createProposalsService(parts);
  proposals.onExposed(async (_tx, _call, notice) => void notices.push(notice));
  const service = createIntakeService(parts, proposals, () => auto);
  const intake = new Intake(service, parts.onError);
  return {
    ...test,
    ...{ org, operator, intake, service, proposals, auto, events, errors, notices },
    drop: async () => {
      await intake.stop();
      await test.drop();
    },
  };
};

let made = 0;

/** A container as the provider tells of it. */
export const makeSighting = (parts: Partial<Sighting> = {}): Sighting => {
  made += 1;
  const slug = parts.app?.slug ?? `app-${made}`;
  return {
    ...{ source: 'docker', fingerprint: `container ${slug}`, name: slug, confidence: 0.95, reasons: [] },
    addresses: [{ port: 80, scheme: 'http', host: '127.0.0.1', dial_port: 20_000 + made }],
    app: { slug, name: slug, icon: '📦', tags: [], group: null, description: '' },
    route: { access: 'signed_in' },
    ...{ explicit: true, vouched: true, container_ref: `id-${made}`, bindings: [] },
    ...parts,
  };
};

/** Something that answers HTTP on a port of loopback. */
export const startPage = async (
  text = 'hello',
): Promise<{ port: number; server: Server; close: () => Promise<void> }> => {
  const server = createServer((_request, response) => response.end(text));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
};
