import type { SigningRequestView } from '@atrium/protocol';
import { ago } from './admin-answers.ts';
import type { Answers } from './recorded-api.ts';

/* A message that an agent asks this person to sign, as a server answers it. */

export const releaseRequestId = '01980000-e100-7000-8000-000000000001';

/** It lives for five minutes from when it is asked for. */
const releaseRequest = (person_id: string): SigningRequestView => ({
  ...{ id: releaseRequestId, request_id: releaseRequestId },
  ...{ agent_id: null, person_id },
  asked_by: { type: 'agent', id: '01980000-e200-7000-8000-000000000001', name: 'Release agent' },
  message: `Release 1.4.1 of atrium-server

  commit   9c16416e0a7f
  archive  sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03

I have read the change log and release this.`,
  nonce: '3f1c7a52-8d0e-4a0e-9d3c-0f6a5d1b2c3d',
  ...{ signing_payload: '', signing_input: '', status: 'pending', signature: null, valid: null },
  ...{ fingerprint: null, public_key: null, created_at: ago(1), expires_at: ago(-4), completed_at: null },
  ...{ decision: null, decided_at: null, next_step: '' },
});

export const signingOwn = (personId: string): Answers => ({
  [`GET /api/v1/crypto/signing-requests/${releaseRequestId}`]: { body: releaseRequest(personId) },
  'GET /api/v1/me/personal-keys': { body: { items: [], next_cursor: null } },
});
