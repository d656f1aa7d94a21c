import { createHash } from 'node:crypto';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import { attemptsOf, firstAttempt, type PatientJob } from '../../../platform/jobs/patient-job.ts';
import { sendSigned } from '../../../platform/net/signed-call.ts';
import type { HookKeyChange, Subjects } from '../../identity/index.ts';
import type { HooksParts } from './hooks-parts.ts';

export const agentWebhookJob = 'tell-agent-webhook';

const job: PatientJob = { name: agentWebhookJob, prefix: 'agent-webhook', patience_ms: 3 * 24 * 60 * 60_000 };

/** Stands for an address in the arguments of jobs, since an address may hold a secret. */
const targetOf = (url: string): string => createHash('sha256').update(url).digest('hex').slice(0, 32);

/** Tells operators' services that an agent came in by its key, or has another one. Each is told until it has heard it. */
export const createAgentWebhooks = (
  hooks: HooksParts | null,
  parts: {
    database: Database;
    clock: Clock;
    subjects: Pick<Subjects, 'publicKey'>;
    onError: (error: unknown, what: string) => void;
  },
) => {
  const { database, clock, onError } = parts;
  const urls = new Map((hooks?.config.agentUrls ?? []).map((url) => [targetOf(url), url]));

  const tell = async (args: Record<string, string | number>): Promise<void> => {
    const url = urls.get(String(args['target']));
    // Taken out of the configuration meanwhile: nobody there wants to hear it.
    if (hooks === null || url === undefined) return;
    const fingerprint = String(args['fingerprint']);
    const { agent_id: identity_id, org_id, change } = args;
    const { status } = await sendSigned(hooks.fetch, hooks.secret, {
      url,
      id: String(args['id']),
      at: clock.now(),
      timeout_ms: hooks.config.timeoutMs,
      max_bytes: 64 * 1024,
      body: {
        type: change === 'registered' ? 'agent.registered' : 'agent.key_changed',
        timestamp: new Date(Number(args['since'])).toISOString(),
        data: {
          ...{ identity_id, org_id, change, fingerprint },
          public_key: await parts.subjects.publicKey(database.read, fingerprint),
        },
      },
    });
    if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
  };

  return {
    /** In the transaction that changes the key. */
    keyChanged: async (
      tx: Transaction,
      { id: agent_id, org_id, fingerprint, change }: HookKeyChange,
    ): Promise<void> => {
      for (const target of urls.keys())
        tx.enqueue(firstAttempt(job, { target, agent_id, org_id, fingerprint, change }, clock));
    },

    run: attemptsOf(job, {
      ...{ database, clock, onError },
      act: tell,
      words: ({ change, agent_id, target }) =>
        `the webhook ${new URL(urls.get(String(target)) ?? 'http://unknown').host} about agent ${agent_id} (${change})`,
    }),
  };
};

export type AgentWebhooks = ReturnType<typeof createAgentWebhooks>;
