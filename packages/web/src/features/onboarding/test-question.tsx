import { inboxAsk, inboxGetItem } from '@atrium/protocol';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Check } from 'lucide-react';
import { sayError } from '../../data/client.ts';
import { operationQuery, useOperationMutation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { duration } from '../../ui/time-format.ts';

/** Asks the person a harmless question, so that they see what an agent's question looks like. */
export const TestQuestion = ({ onSent, primary = true }: { onSent?: (id: string) => void; primary?: boolean }) => {
  const me = useMe();
  const ask = useOperationMutation(inboxAsk, {
    quiet: true,
    invalidates: ['inbox.list_items', 'inbox.counts'],
    onSuccess: ({ id }) => onSent?.(id),
  });
  const send = () =>
    ask.mutate({
      title: 'Does this reach you?',
      message: 'A question as your agents will ask them. Answer it here, on your phone, or by keyboard.',
      ...(me.user ? { assignee: me.user.id } : {}),
      form: {
        id: 'test_question',
        fields: [
          {
            id: 'reached',
            type: 'yesno',
            label: 'Did it arrive?',
            required: true,
            yes_label: 'It did',
            no_label: 'Too late',
          },
          { id: 'note', type: 'text', label: 'Anything to add?', placeholder: 'Optional' },
        ],
        submit_label: 'Send answer',
      },
      tags: ['test'],
    });
  if (ask.data) return <Asked id={ask.data.id} again={send} busy={ask.isPending} />;
  return (
    <div className="flex flex-col items-start gap-3">
      <FormError>{ask.error && sayError(ask.error)}</FormError>
      <Button tone={primary ? 'primary' : 'secondary'} busy={ask.isPending} onClick={send}>
        Send me a test question
      </Button>
    </div>
  );
};

const Asked = ({ id, again, busy }: { id: string; again: () => void; busy: boolean }) => {
  const { data: item } = useQuery({
    ...operationQuery(inboxGetItem, { id }),
    refetchInterval: ({ state }) => (state.data && state.data.status !== 'open' ? false : 3000),
  });
  if (item?.status === 'answered') {
    return (
      <p className="flex items-center gap-2 text-14 text-text">
        <Check aria-hidden className="size-4 text-success-text" />
        Answered{item.answered_at && <> after {duration(Date.parse(item.answered_at) - Date.parse(item.created_at))}</>}
        .
      </p>
    );
  }
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Button asChild tone="primary">
        <Link to={`/inbox/${id}`}>Open the question</Link>
      </Button>
      <Button tone="ghost" busy={busy} onClick={again}>
        Send another
      </Button>
      <p role="status" className="text-13 text-text-2">
        It is in your inbox now.
      </p>
    </div>
  );
};
