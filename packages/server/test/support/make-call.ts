import { newId } from '../../src/platform/ids/ids.ts';
import { type Call, internalCall } from '../../src/platform/operations/call.ts';
import { type Caller, systemCaller } from '../../src/platform/operations/caller.ts';

/** A person with every right in a new organisation, unless said otherwise. */
export const makeCaller = (parts: Partial<Caller> = {}): Caller => ({
  ...systemCaller({ id: newId(), name: 'Test' }),
  kind: 'user',
  id: newId(),
  name: 'Ada',
  ...parts,
});

export const makeCall = (parts: Partial<Call> = {}, caller: Partial<Caller> = {}): Call => ({
  ...internalCall(makeCaller(caller), newId()),
  door: 'rest',
  ip: '192.0.2.7',
  user_agent: 'test',
  ...parts,
});
