import { hasPermission, hasScope } from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { Module } from '../../platform/module.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { type CertificateParts, places, type TellAdmins } from './certificates/certificate-parts.ts';
import { certificatesBindings } from './certificates/certificates-routes.ts';
import { createCertificatesService } from './certificates/certificates-service.ts';
import { certificatesStore } from './certificates/certificates-store.ts';
import { KeptCertificates, type KeptCertificatesOptions } from './certificates/kept-certificates.ts';
import { createOrdersService, orderJob } from './certificates/orders-service.ts';
import { createUpkeepService } from './certificates/upkeep-service.ts';

export type { CertificateSettings } from './certificates/certificate-parts.ts';

const minuteMs = 60_000;

export interface CertificatesPart extends Module {
  certificates: KeptCertificates;
  /** Before the doors open: there is something to show when it resolves. */
  start(): Promise<void>;
  stop(): Promise<void>;
  rotate: RotationVisit;
  /** Who hears of certificates that end. */
  onExpiring(tell: TellAdmins): void;
}

const rotationOf =
  ({ database: { read } }: CertificateParts): RotationVisit =>
  async (reencrypt) => {
    for (const row of await certificatesStore.all(read)) {
      const [key, order] = [row.key_sealed, row.order_key_sealed];
      const renewedKey = key === null ? null : reencrypt(key, places.certificate(row.id));
      if (renewedKey !== null) await certificatesStore.resealCertificate(read, row.id, key!, renewedKey);
      const renewedOrder = order === null ? null : reencrypt(order, places.order(row.id));
      if (renewedOrder !== null) await certificatesStore.resealOrder(read, row.id, order!, renewedOrder);
    }
    const authority = await certificatesStore.authority(read);
    const renewed = authority === null ? null : reencrypt(authority.key_sealed, places.authority);
    if (renewed !== null) await certificatesStore.resealAuthority(read, authority!.key_sealed, renewed);
    for (const { directory, key_sealed } of await certificatesStore.accounts(read)) {
      const account = reencrypt(key_sealed, places.account(directory));
      if (account !== null) await certificatesStore.resealAccount(read, directory, key_sealed, account);
    }
  };

/** Plug of the certificates: what the listener shows over TLS, and what people and the server itself do about it. */
export const createCertificatesPart = (
  parts: CertificateParts,
  options: KeptCertificatesOptions = {},
): CertificatesPart => {
  const kept = new KeptCertificates(parts, options);
  let tell: TellAdmins | null = null;
  const orders = createOrdersService(parts, () => kept.reload());
  const upkeep = createUpkeepService(parts, orders, () => tell);
  const service = createCertificatesService(parts, orders.order, (name) => kept.covers(name));
  const serves = (): boolean => ['internal', 'acme'].includes(parts.settings().mode);
  return {
    name: 'certificates',
    certificates: kept,
    bindings: certificatesBindings(service),
    eventFilters: [
      eventFilter(
        'gateway.certificate.',
        (event, caller) =>
          caller.org_id === event.org_id &&
          caller.is_operator &&
          hasScope(caller.scopes, 'gateway:read') &&
          hasPermission(caller.permissions, 'certificates.manage'),
      ),
    ],
    jobs: [
      {
        name: orderJob,
        run: ({ certificate_id, generation }) => orders.run(String(certificate_id), Number(generation)),
      },
    ],
    sweeps: [{ name: 'gateway-certificates', every_ms: minuteMs, run: upkeep.sweep }],
    onEvent: ({ kind }) => {
      // A route may have brought a host name; whichever process is first has a certificate for it made.
      if (serves() && (kind === 'gateway.route.created' || kind === 'gateway.route.updated'))
        upkeep.ensure().catch((error: unknown) => parts.onError(error, 'looking after certificates'));
    },
    rotate: rotationOf(parts),
    start: async () => {
      if (serves()) await upkeep.ensure();
      await kept.start();
    },
    stop: () => kept.stop(),
    onExpiring: (teller) => {
      tell = teller;
    },
  };
};
