import {
  agentsList,
  channelsList,
  inboxCounts,
  itemKinds,
  itemLevels,
  type OutputOf,
  viewsCreate,
  viewsDelete,
  viewsList,
} from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { Bookmark, BookmarkPlus, ListFilter, Search, Trash2, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { deferOperation, patchItem, useOperation, useOperationMutation } from '../../data/operations.ts';
import { Count, Dot } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { DropdownMenu, type MenuEntry } from '../../ui/dropdown-menu.tsx';
import { type Filter, FilterChips } from '../../ui/filter-chips.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { boxes, type InboxSearch, isFiltered } from './item-filter.ts';
import { kindWords, levelTones, levelWords, priorityWords } from './item-words.ts';

type SavedView = OutputOf<typeof viewsList>['items'][number];

/** Title, boxes, and the filters when they are wanted. */
export const InboxHeader = ({ search }: { search: InboxSearch }) => {
  const filtered = isFiltered(search);
  const [shown, setShown] = useState(filtered);
  const [saving, setSaving] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const views = useOperation(viewsList, {}).data?.items ?? [];
  const view = views.find((candidate) => candidate.id === search.view);
  const startSearch = () => {
    setShown(true);
    requestAnimationFrame(() => field.current?.focus());
  };
  useShortcut('/', 'Search items', startSearch, { group: 'Inbox' });
  useShortcut('f', 'Filters', () => setShown(!shown), { group: 'Inbox' });
  return (
    <header className="shrink-0 border-b border-line bg-surface">
      <div className="flex h-14 items-center gap-1 pr-3 pl-4 md:pl-5">
        <h1 className="text-16 font-semibold">Inbox</h1>
        <div className="ml-auto flex items-center">
          <IconButton label="Search items" keys="/" size="small" onClick={startSearch}>
            <Search />
          </IconButton>
          <IconButton
            label={shown ? 'Hide filters' : 'Filters'}
            keys="f"
            size="small"
            aria-pressed={shown}
            className={cx(filtered && 'text-accent-text!')}
            onClick={() => setShown(!shown)}
          >
            <ListFilter />
          </IconButton>
          <ViewMenu views={views} view={view} search={search} onSave={() => setSaving(true)} />
        </div>
      </div>
      <Boxes search={search} view={view} />
      {shown && <Filters search={search} field={field} onClose={() => setShown(false)} />}
      <SaveViewDialog open={saving} onOpenChange={setSaving} search={search} />
    </header>
  );
};

const Boxes = ({ search, view }: { search: InboxSearch; view: SavedView | undefined }) => {
  const navigate = useNavigate();
  const counts = useOperation(inboxCounts, {}).data;
  const go = (box: (typeof boxes)[number]['id']) => {
    const { view: _view, ...rest } = search;
    void navigate({ to: '/inbox', search: { ...rest, box } });
  };
  const tab =
    '-outline-offset-2 flex h-9 shrink-0 items-center gap-1.5 px-2 text-13 font-medium transition-colors touch:h-11';
  return (
    <nav aria-label="Boxes" className="flex overflow-x-auto px-2 [scrollbar-width:none] md:px-3">
      {boxes.map((box) => {
        const on = !search.view && (search.box ?? 'needs_me') === box.id;
        return (
          <button
            key={box.id}
            type="button"
            aria-current={on ? 'page' : undefined}
            onClick={() => go(box.id)}
            className={cx(tab, on ? 'text-text shadow-[inset_0_-2px_0_var(--accent)]' : 'text-text-3 hover:text-text')}
          >
            {box.label}
            {(box.id === 'needs_me' || box.id === 'snoozed') && (
              <Count value={counts?.[box.id] ?? 0} tone={box.id === 'needs_me' ? 'accent' : 'neutral'} />
            )}
          </button>
        );
      })}
      {view && (
        <span className={cx(tab, 'text-text shadow-[inset_0_-2px_0_var(--accent)]')} aria-current="page">
          <Bookmark aria-hidden className="size-3.5 text-accent-text" />
          <span className="max-w-36 truncate">{view.name}</span>
          <button
            type="button"
            aria-label={`Leave the view ${view.name}`}
            onClick={() => go('needs_me')}
            className="rounded-[4px] p-0.5 text-text-3 hover:bg-hover hover:text-text"
          >
            <X className="size-3.5" />
          </button>
        </span>
      )}
    </nav>
  );
};

const list = (value: string[] | undefined): string[] => value ?? [];
const orNothing = (value: string[]): string[] | undefined => (value.length > 0 ? value : undefined);

const Filters = ({
  search,
  field,
  onClose,
}: {
  search: InboxSearch;
  field: React.RefObject<HTMLInputElement | null>;
  onClose: () => void;
}) => {
  const navigate = useNavigate();
  const set = (change: Partial<InboxSearch>) =>
    void navigate({ to: '.', search: { ...search, ...change }, replace: true });
  const channels = useOperation(channelsList, { limit: 200 }).data?.items ?? [];
  const agents = useOperation(agentsList, { limit: 200 }).data?.items ?? [];
  const filters: Filter[] = [
    {
      id: 'level',
      label: 'Level',
      multiple: true,
      value: list(search.level),
      options: itemLevels.map((level) => ({
        value: level,
        label: levelWords[level],
        icon: <Dot tone={levelTones[level]} />,
      })),
    },
    {
      id: 'kind',
      label: 'Kind',
      multiple: true,
      value: list(search.kind),
      options: itemKinds.map((kind) => ({ value: kind, label: kindWords[kind] })),
    },
    {
      id: 'channel',
      label: 'Channel',
      multiple: true,
      value: list(search.channel),
      options: channels.map((channel) => ({ value: channel.id, label: `#${channel.name}` })),
    },
    {
      id: 'agent',
      label: 'Agent',
      value: search.agent ? [search.agent] : [],
      options: agents.map((agent) => ({ value: agent.id, label: agent.name })),
    },
    {
      id: 'priority',
      label: 'Priority',
      multiple: true,
      value: list(search.priority),
      options: [4, 3, 2, 1].map((priority) => ({ value: String(priority), label: priorityWords[priority]! })),
    },
  ];
  const typed = [
    ...(search.run ? [{ label: `Run ${search.run}`, clear: () => set({ run: undefined }) }] : []),
    ...list(search.tag).map((tag) => ({
      label: `Tag ${tag}`,
      clear: () => set({ tag: orNothing(list(search.tag).filter((other) => other !== tag)) }),
    })),
  ];
  return (
    <div className="flex animate-fade-in flex-col gap-2 border-t border-line px-3 py-2.5 md:px-4">
      <SearchField
        field={field}
        value={search.q ?? ''}
        onChange={(q) => set({ q: q || undefined })}
        onClose={onClose}
      />
      <div className="-mx-4 overflow-x-auto px-4 [scrollbar-width:none]">
        <div className="flex items-center gap-1.5">
          <FilterChips
            filters={filters}
            onChange={(id, value) => set({ [id]: id === 'agent' ? value[0] : orNothing(value) })}
          />
          {typed.map((chip) => (
            <button
              key={chip.label}
              type="button"
              onClick={chip.clear}
              className="inline-flex h-7 shrink-0 items-center gap-1 rounded-full border border-accent-line bg-accent-soft px-2.5 text-13 font-medium whitespace-nowrap touch:h-9"
            >
              {chip.label}
              <X aria-label="Remove" className="size-3.5 text-text-3" />
            </button>
          ))}
          <TagField onTag={(tag) => set({ tag: [...new Set([...list(search.tag), tag])] })} />
        </div>
      </div>
    </div>
  );
};

const SearchField = ({
  field,
  value,
  onChange,
  onClose,
}: {
  field: React.RefObject<HTMLInputElement | null>;
  value: string;
  onChange: (text: string) => void;
  onClose: () => void;
}) => {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => latest.current(text.trim()), 180);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <span className="relative block">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-text-3"
      />
      <input
        ref={field}
        type="search"
        aria-label="Search items"
        placeholder="Words in title, message and tags"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          if (text) setText('');
          else onClose();
        }}
        className="field min-h-8! pl-8.5 text-13! [&::-webkit-search-cancel-button]:hidden"
      />
    </span>
  );
};

const TagField = ({ onTag }: { onTag: (tag: string) => void }) => {
  const [text, setText] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onTag(text.trim());
        setText('');
      }}
    >
      <input
        aria-label="Filter by tag"
        placeholder="Tag"
        value={text}
        maxLength={50}
        onChange={(event) => setText(event.target.value)}
        className="h-7 w-16 rounded-full border border-line-strong bg-transparent px-2.5 text-13 text-text outline-none transition-[width,border-color] placeholder:text-text-2 focus:w-32 focus:border-focus touch:h-9"
      />
    </form>
  );
};

const ViewMenu = ({
  views,
  view,
  search,
  onSave,
}: {
  views: readonly SavedView[];
  view: SavedView | undefined;
  search: InboxSearch;
  onSave: () => void;
}) => {
  const navigate = useNavigate();
  const entries: MenuEntry[] = [
    ...(views.length > 0 ? [{ kind: 'heading' as const, label: 'Saved views' }] : []),
    ...views.map((entry) => ({
      label: entry.name,
      icon: <Bookmark />,
      checked: entry.id === view?.id,
      onSelect: () => void navigate({ to: '/inbox', search: { view: entry.id } }),
    })),
    ...(views.length > 0 ? [{ kind: 'separator' as const }] : []),
    {
      label: 'Save this filter as a view',
      icon: <BookmarkPlus />,
      disabled: !isFiltered(search),
      onSelect: onSave,
    },
    ...(view
      ? [
          {
            label: `Delete the view “${view.name}”`,
            icon: <Trash2 />,
            tone: 'danger' as const,
            onSelect: () => {
              void navigate({ to: '/inbox', search: {} });
              deferOperation(
                viewsDelete,
                { id: view.id },
                {
                  title: `Deleted the view “${view.name}”`,
                  optimistic: () => [patchItem<SavedView>('views.list', view.id, () => null)],
                  invalidates: ['views.list'],
                },
              );
            },
          },
        ]
      : []),
  ];
  return (
    <DropdownMenu
      entries={entries}
      trigger={
        <IconButton label="Views" size="small">
          <Bookmark />
        </IconButton>
      }
    />
  );
};

const SaveViewDialog = ({
  open,
  onOpenChange,
  search,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  search: InboxSearch;
}) => {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const create = useOperationMutation(viewsCreate, {
    invalidates: ['views.list'],
    quiet: true,
    onSuccess: (view) => {
      onOpenChange(false);
      setName('');
      void navigate({ to: '/inbox', search: { view: view.id } });
    },
  });
  const errors = formErrors(create.error, ['name']);
  const { level, kind, priority, channel, agent, tag, run, q } = search;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Save this filter as a view"
      width="small"
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="primary" type="submit" form="save-view" busy={create.isPending}>
            Save view
          </Button>
        </>
      }
    >
      <form
        id="save-view"
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({
            name,
            filter: {
              ...(level ? { level: level as [] } : {}),
              ...(kind ? { kind: kind as [] } : {}),
              ...(priority ? { priority: priority.map(Number) } : {}),
              ...(channel ? { channel } : {}),
              ...(agent ? { agent } : {}),
              ...(tag ? { tag } : {}),
              ...(run ? { run_id: run } : {}),
              ...(q ? { q } : {}),
              ...(search.box === 'all' || search.box === 'done' ? {} : { status: ['open'] }),
            },
          });
        }}
      >
        <FormField label="Name" error={errors.of('name')} hint="Only you see your views.">
          <Input autoFocus value={name} maxLength={100} required onChange={(event) => setName(event.target.value)} />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
