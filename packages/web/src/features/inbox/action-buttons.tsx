import { type ItemAction, type ItemView, inboxPressAction } from '@atrium/protocol';
import { ExternalLink, MessageSquare } from 'lucide-react';
import { useState } from 'react';
import { call, sayError } from '../../data/client.ts';
import { Button } from '../../ui/button.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Textarea } from '../../ui/input.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { safeUrl } from '../../ui/safe-url.ts';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { toast } from '../../ui/toast.tsx';
import { applyItem, invalidateBelow } from './items-cache.ts';

/** The buttons that an item brought along, by number key as well. */
export const ActionButtons = ({ item, numbered }: { item: ItemView; numbered: boolean }) => {
  const [busy, setBusy] = useState<string | null>(null);
  const [replying, setReplying] = useState<Extract<ItemAction, { kind: 'reply' }> | null>(null);
  if (item.actions.length === 0) return null;
  const press = async (action: ItemAction, text?: string) => {
    if (action.kind === 'reply' && text === undefined) return setReplying(action);
    if (action.kind === 'open_url') {
      const url = safeUrl(action.url, location.href);
      if (url) window.open(url, '_blank', 'noopener,noreferrer');
    }
    setBusy(action.id);
    try {
      const result = await call(inboxPressAction, { id: item.id, action_id: action.id, ...(text ? { text } : {}) });
      applyItem(result.item);
      invalidateBelow(item.id, ['inbox.history']);
      setReplying(null);
      const said = sayResult(action, result.http, item.created_by.name);
      if (said) toast(said);
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    } finally {
      setBusy(null);
    }
  };
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap gap-2">
        {item.actions.map((action, index) => (
          <span key={action.id} className="contents">
            {numbered && <ActionKey number={index + 1} label={action.label} run={() => void press(action)} />}
            <Button
              tone={action.style ?? 'secondary'}
              busy={busy === action.id}
              icon={
                action.kind === 'open_url' ? (
                  <ExternalLink aria-hidden className="size-4" />
                ) : action.kind === 'reply' ? (
                  <MessageSquare aria-hidden className="size-4" />
                ) : undefined
              }
              onClick={() => void press(action)}
            >
              <span dir="auto">{action.label}</span>
              {numbered && <Kbd keys={String(index + 1)} inverted={action.style !== undefined} />}
            </Button>
          </span>
        ))}
      </div>
      {replying && (
        <Reply
          action={replying}
          busy={busy !== null}
          onBack={() => setReplying(null)}
          onSend={(text) => void press(replying, text)}
        />
      )}
    </div>
  );
};

const ActionKey = ({ number, label, run }: { number: number; label: string; run: () => void }) => {
  useShortcut(String(number), label, run, { group: 'Item' });
  return null;
};

const sayResult = (
  action: ItemAction,
  http: { status: number; body: string } | null,
  asker: string,
): Parameters<typeof toast>[0] | null => {
  if (action.kind === 'http' && http)
    return http.status < 400
      ? { title: `${action.label}: done`, tone: 'success' }
      : {
          title: `${action.label}: the address answered ${http.status}`,
          detail: http.body.slice(0, 200),
          tone: 'danger',
        };
  if (action.kind === 'run_tool') return { title: `${asker} was told to run ${action.tool}`, tone: 'success' };
  if (action.kind === 'reply') return { title: 'Reply sent', tone: 'success' };
  return action.kind === 'ack' ? { title: 'Acknowledged', tone: 'success' } : null;
};

const Reply = ({
  action,
  busy,
  onBack,
  onSend,
}: {
  action: Extract<ItemAction, { kind: 'reply' }>;
  busy: boolean;
  onBack: () => void;
  onSend: (text: string) => void;
}) => {
  const [text, setText] = useState('');
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onSend(text.trim());
      }}
    >
      <FormField label={action.prompt}>
        <Textarea autoFocus rows={2} dir="auto" value={text} onChange={(event) => setText(event.target.value)} />
      </FormField>
      <div className="flex gap-2">
        <Button type="submit" tone="primary" busy={busy} disabled={!text.trim()}>
          Send reply
        </Button>
        <Button onClick={onBack}>Cancel</Button>
      </div>
    </form>
  );
};
