import { inboxAsk } from '@atrium/protocol';
import { call, sayError } from '../../data/client.ts';
import { invalidate } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { meQuery } from '../../data/session.ts';
import { toast } from '../../ui/toast.tsx';

/** Asks the person something harmless, the way an agent would, so that the round trip is seen before one is connected. */
export const sendTestQuestion = async (): Promise<string | null> => {
  const me = queryClient.getQueryData(meQuery.queryKey)?.principal.id;
  try {
    const { id } = await call(inboxAsk, {
      title: 'Does this reach you?',
      message:
        'A test question from yourself. Agents ask in the same way, with `inbox_ask`, and get your answer back as data.',
      form: {
        fields: [{ id: 'reaches', type: 'yesno', label: 'Does this reach you?', required: true }],
      },
      ...(me ? { assignee: me } : {}),
      tags: ['test'],
      idempotency_key: crypto.randomUUID(),
    });
    await invalidate('inbox.counts');
    return id;
  } catch (error) {
    toast({ title: sayError(error), tone: 'danger' });
    return null;
  }
};
