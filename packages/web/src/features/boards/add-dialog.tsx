import { appsList, type BoardGroup, type BoardGroupInput } from '@atrium/protocol';
import { Check, Search } from 'lucide-react';
import { type FormEvent, useEffect, useId, useMemo, useState } from 'react';
import { useOperationList } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { AppIcon } from '../gateway/app-icon.tsx';
import { findServices } from '../gateway/service-grid.ts';
import { itemsOf, toInput } from './arranging.ts';
import { asLink, emptyLink, LinkFields, linkProblem } from './link-fields.tsx';

const fresh = '';

/** Puts services or a link on a board. */
export const AddDialog = ({
  groups,
  groupId,
  write,
  onClose,
}: {
  groups: readonly BoardGroup[];
  groupId: string;
  write: (groups: BoardGroupInput[]) => Promise<boolean>;
  onClose: () => void;
}) => {
  const [kind, setKind] = useState<'app' | 'link'>('app');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [link, setLink] = useState(emptyLink);
  const [into, setInto] = useState(groupId);
  const [busy, setBusy] = useState(false);
  // The field takes the focus when the dialog opens, not from the hand that changes between the two kinds.
  const [changed, setChanged] = useState(false);
  const form = useId();
  const ready = kind === 'app' ? chosen.length > 0 : linkProblem(link) === null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!ready || busy) return;
    const items: BoardGroupInput['items'] =
      kind === 'app' ? chosen.map((app) => ({ kind: 'app', app })) : [{ kind: 'link', ...asLink(link) }];
    const before = toInput(groups);
    setBusy(true);
    const done = await write(
      groups.some(({ id }) => id === into)
        ? before.map((group) => (group.id === into ? { ...group, items: [...(group.items ?? []), ...items] } : group))
        : [...before, { name: '', items }],
    );
    setBusy(false);
    if (done) onClose();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Add to this board"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={busy} disabled={!ready}>
            {kind === 'link' ? 'Add link' : chosen.length > 1 ? `Add ${chosen.length} services` : 'Add service'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)} className="flex flex-col gap-5">
        <div>
          <Segmented
            label="What"
            value={kind}
            onChange={(next) => {
              setKind(next);
              setChanged(true);
            }}
            options={[
              { value: 'app', label: 'Services' },
              { value: 'link', label: 'Link' },
            ]}
          />
        </div>
        {kind === 'app' ? (
          <AppPicker groups={groups} chosen={chosen} onChange={setChosen} focused={!changed} />
        ) : (
          <LinkFields value={link} onChange={setLink} />
        )}
        {groups.length > 1 && (
          <FormField label="Group">
            <Select
              value={into === fresh ? groups[0]!.id : into}
              onChange={setInto}
              options={groups.map(({ id, name }) => ({ value: id, label: name || 'Without a name' }))}
            />
          </FormField>
        )}
      </form>
    </Dialog>
  );
};

/** Services that are not on the board yet, several at once. */
const AppPicker = ({
  groups,
  chosen,
  onChange,
  focused,
}: {
  groups: readonly BoardGroup[];
  chosen: readonly string[];
  onChange: (slugs: readonly string[]) => void;
  focused: boolean;
}) => {
  const [q, setQ] = useState('');
  const list = useOperationList(appsList, { limit: 200 });
  const { hasMore, loadMore } = list;
  useEffect(() => {
    if (hasMore) loadMore();
  });
  const taken = useMemo(
    () =>
      new Set(
        itemsOf({ groups: [...groups] }).flatMap((item) => (item.kind === 'app' && item.app ? [item.app.slug] : [])),
      ),
    [groups],
  );
  const offered = findServices(list.items, q).filter(({ slug }) => !taken.has(slug));
  return (
    <div>
      <Input
        aria-label="Find a service"
        autoFocus={focused}
        leading={<Search />}
        placeholder="Find a service"
        value={q}
        onChange={(event) => setQ(event.target.value)}
        onKeyDown={(event) => {
          // Enter takes what is on top; the form is sent when nothing is typed any more.
          const [first] = offered;
          if (event.key !== 'Enter' || q === '' || !first) return;
          event.preventDefault();
          onChange(chosen.includes(first.slug) ? chosen : [...chosen, first.slug]);
          setQ('');
        }}
      />
      <ul aria-label="Services" className="mt-2 max-h-[264px] overflow-y-auto">
        {offered.map((app) => {
          const on = chosen.includes(app.slug);
          return (
            <li key={app.id}>
              <label
                className={cx(
                  'flex h-11 items-center gap-3 rounded-control px-2 text-14 transition-colors has-focus-visible:outline-2 has-focus-visible:-outline-offset-2 has-focus-visible:outline-focus hover:bg-hover',
                  on && 'bg-active',
                )}
              >
                <input
                  type="checkbox"
                  className="sr-only"
                  checked={on}
                  onChange={() => onChange(on ? chosen.filter((slug) => slug !== app.slug) : [...chosen, app.slug])}
                />
                <AppIcon icon={app.icon} name={app.name} size={28} />
                <span dir="auto" className="min-w-0 flex-1 truncate text-left">
                  {app.name}
                </span>
                {app.group && (
                  <span dir="auto" className="max-w-[40%] truncate text-12 text-text-3">
                    {app.group}
                  </span>
                )}
                <Check aria-hidden className={cx('size-4 shrink-0 text-accent-text', !on && 'invisible')} />
              </label>
            </li>
          );
        })}
      </ul>
      {!list.isPending && offered.length === 0 && (
        <p className="py-6 text-center text-13 text-text-3">
          {q === '' ? 'Every service that you may open is on this board.' : `No other service fits “${q}”.`}
        </p>
      )}
    </div>
  );
};
