import { Archive, Inbox, Mail, MoreHorizontal, Pin, Plus, Trash2 } from 'lucide-react';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { AtriumMark, Wordmark } from '../../ui/atrium-mark.tsx';
import { Badge, Count } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { ConnectCard } from '../../ui/connect-card.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { DateTimePicker } from '../../ui/date-time-picker.tsx';
import { ConfirmDialog, Dialog, Sheet } from '../../ui/dialog.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { DropdownMenu } from '../../ui/dropdown-menu.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { type Filter, FilterChips, ToggleChip } from '../../ui/filter-chips.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { AgentMark, Avatar, PrincipalMark } from '../../ui/identity-mark.tsx';
import { Input, PasswordInput, Textarea } from '../../ui/input.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { LevelBar } from '../../ui/level-bar.tsx';
import { CountdownRing, TtlBar } from '../../ui/lifetime.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { Popover } from '../../ui/popover.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { MaskedSecret, SecretReveal } from '../../ui/secret-reveal.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonDetail, SkeletonRows } from '../../ui/skeleton.tsx';
import { SplitPane } from '../../ui/split-pane.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Segmented, Tabs } from '../../ui/tabs.tsx';
import { chooseTheme, type ThemeChoice, themes, useThemeChoice } from '../../ui/theme.ts';
import { toast } from '../../ui/toast.tsx';
import { Checkbox, RadioGroup, Rating, Slider, Switch } from '../../ui/toggles.tsx';
import { TrustLine } from '../../ui/trust-line.tsx';

const Chart = lazy(() => import('../../ui/chart.tsx').then((module) => ({ default: module.Chart })));

const start = Date.now();
const ago = (minutes: number) => new Date(start - minutes * 60_000).toISOString();
const agents = [
  'release-pilot',
  'night-watch',
  'invoice-reader',
  'سكرتير البريد',
  'a-very-long-agent-name-that-somebody-chose-on-a-friday',
];

interface Row {
  id: string;
  name: string;
  calls: number;
  seen: string;
  level: 'info' | 'success' | 'warning' | 'error';
}
const rows: Row[] = Array.from({ length: 5000 }, (_, index) => ({
  id: `01980000-0000-7000-8000-${String(index).padStart(12, '0')}`,
  name: `${agents[index % agents.length]}${index < 5 ? '' : `-${index}`}`,
  calls: (index * 7919) % 24_000,
  seen: ago((index * 37) % 5000),
  level: (['info', 'success', 'warning', 'error'] as const)[index % 4]!,
}));
const columns: Column<Row>[] = [
  {
    id: 'name',
    header: 'Agent',
    width: 'minmax(180px, 2fr)',
    value: (row) => row.name,
    cell: (row) => (
      <span className="flex items-center gap-2.5 font-medium">
        <AgentMark id={row.id} name={row.name} size={20} />
        <span className="truncate">{row.name}</span>
      </span>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: '120px',
    wide: true,
    value: (row) => row.level,
    cell: (row) => (
      <Badge dot tone={row.level === 'error' ? 'danger' : row.level}>
        {row.level}
      </Badge>
    ),
  },
  {
    id: 'calls',
    header: 'Calls',
    width: '90px',
    align: 'right',
    value: (row) => row.calls,
    cell: (row) => row.calls.toLocaleString('en'),
  },
  {
    id: 'seen',
    header: 'Last seen',
    width: '140px',
    value: (row) => row.seen,
    cell: (row) => <RelativeTime time={row.seen} className="text-text-2" />,
  },
];

const markdown = `The deploy of **checkout 4.2** is ready. It changes the tax rounding, so [the finance notes](https://example.test/notes) matter.

- [x] tests pass on staging
- [ ] somebody looked at the migration

| region | error rate | p95 |
| --- | ---: | ---: |
| eu-west | 0.02 % | 181 ms |
| us-east | 0.31 % | 240 ms |

> Rolling back takes four minutes.

\`\`\`sql
update prices set rounding = 'half_even' where country in ('CH', 'LI');
\`\`\`

![dashboard](https://example.test/graph.png) and a [bad link](javascript:alert(1)) with <b>html</b>.`;

const diff = `diff --git a/config/deploy.yaml b/config/deploy.yaml
@@ -4,7 +4,8 @@ service: checkout
   replicas: 6
-  image: checkout:4.1.9
+  image: checkout:4.2.0
+  surge: 2
   region: eu-west-1
   health: /ready`;

const Block = ({ title, children, wide }: { title: string; children: ReactNode; wide?: boolean }) => (
  <section aria-label={title} className={`min-w-0 ${wide ? 'lg:col-span-2' : ''}`}>
    <h2 className="mb-3 text-12 font-medium text-text-3">{title}</h2>
    <div className="flex flex-col gap-3">{children}</div>
  </section>
);

export const KitchenPage = () => {
  const theme = useThemeChoice();
  return (
    <div className="h-full overflow-y-auto bg-surface">
      <PageHeader
        title="Kitchen"
        aside={<span className="max-md:hidden">every piece of the kit</span>}
        tools={
          <Select
            label="Theme"
            className="w-44 max-md:w-28"
            value={theme}
            onChange={(next) => chooseTheme(next as ThemeChoice)}
            options={[
              { value: 'system', label: 'System' },
              ...themes.map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        }
        action={
          <Button tone="primary" size="small" icon={<Plus className="size-4" />}>
            New agent
          </Button>
        }
        filters={<Filters />}
      />
      <main className="mx-auto grid max-w-[1200px] gap-x-12 gap-y-10 px-4 py-8 md:px-6 lg:grid-cols-2">
        <Marks />
        <Buttons />
        <Fields />
        <Choices />
        <Items />
        <Credentials />
        <Overlays />
        <Times />
        <Block title="Markdown from an agent">
          <Markdown text={markdown} />
        </Block>
        <Block title="Diff and code">
          <DiffView diff={diff} />
          <CodeBlock
            caption="config.json"
            code={'{\n  "mcpServers": { "atrium": { "url": "http://localhost:4400/mcp" } }\n}'}
          />
        </Block>
        <Charts />
        <TableBlock />
        <Block title="Empty state">
          <div className="rounded-card border border-line">
            <EmptyState
              title="An agent asks here, you answer here."
              line={{ text: 'claude mcp add atrium http://localhost:4400/mcp', prompt: '$' }}
              docs={{ href: '#', label: 'Connect an agent' }}
            />
          </div>
        </Block>
        <Block title="Skeletons">
          <div className="rounded-card border border-line">
            <SkeletonRows rows={3} tall />
            <SkeletonDetail />
          </div>
        </Block>
        <Block title="Split pane" wide>
          <div className="h-40 overflow-hidden rounded-card border border-line">
            <SplitPane
              id="kitchen"
              list={<p className="p-4 text-13 text-text-2">List</p>}
              detail={<p className="p-4 text-13 text-text-2">Detail</p>}
            />
          </div>
        </Block>
      </main>
    </div>
  );
};

const Filters = () => {
  const [filters, setFilters] = useState<Filter[]>([
    {
      id: 'level',
      label: 'Level',
      multiple: true,
      value: ['warning', 'error'],
      options: [
        { value: 'info', label: 'Info' },
        { value: 'warning', label: 'Warning' },
        { value: 'error', label: 'Error' },
      ],
    },
    { id: 'agent', label: 'Agent', value: [], options: agents.map((agent) => ({ value: agent, label: agent })) },
  ]);
  const [mine, setMine] = useState(false);
  return (
    <div className="flex items-center gap-1.5">
      <ToggleChip label="Waiting for me" on={mine} onChange={setMine} count={7} />
      <FilterChips
        filters={filters}
        onChange={(id, value) =>
          setFilters(filters.map((filter) => (filter.id === id ? { ...filter, value } : filter)))
        }
      />
    </div>
  );
};

const Marks = () => (
  <Block title="Marks">
    <div className="flex flex-wrap items-center gap-5">
      <AtriumMark size={40} /> <Wordmark />
    </div>
    <div className="flex flex-wrap items-center gap-2">
      {rows.slice(0, 9).map((row) => (
        <AgentMark key={row.id} id={row.id} name={row.name} size={32} labelled />
      ))}
    </div>
    <div className="flex flex-wrap items-center gap-2">
      {['Mara Lindqvist', 'Tom Okafor', 'محمد الفارس', 'jo'].map((name) => (
        <Avatar key={name} id={name} name={name} size={32} labelled />
      ))}
      <PrincipalMark type="device" id="d" name="Desk button" size={32} labelled />
      <PrincipalMark type="service" id="s" name="Grafana" size={32} labelled />
      <PrincipalMark type="system" id="y" name="Atrium" size={32} labelled />
    </div>
    <div className="flex flex-wrap items-center gap-2">
      <Badge>neutral</Badge> <Badge tone="accent">accent</Badge> <Badge tone="info">info</Badge>{' '}
      <Badge tone="success">answered</Badge> <Badge tone="warning">waiting</Badge> <Badge tone="danger">failed</Badge>{' '}
      <Badge dot tone="success">
        online
      </Badge>{' '}
      <Count value={12} /> <Count value={3} tone="accent" /> <Kbd keys="mod+k" /> <Kbd keys="g i" />
    </div>
    <TrustLine
      who={{ type: 'agent', id: rows[0]!.id, name: 'release-pilot' }}
      verified="API key atk_7Qw2"
      actingFor="Mara Lindqvist"
      may="read and answer items"
    />
    <TrustLine who={{ type: 'agent', id: rows[1]!.id, name: 'unknown-caller' }} may="read items" />
  </Block>
);

const Buttons = () => {
  const [view, setView] = useState<'list' | 'board'>('list');
  return (
    <Block title="Buttons">
      <div className="flex flex-wrap gap-2">
        <Button tone="primary">Send answer</Button>
        <Button>Edit</Button>
        <Button tone="ghost">Skip</Button>
        <Button tone="danger">Revoke 3 tokens</Button>
      </div>
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" size="small">
          Approve
        </Button>
        <Button size="small" icon={<Archive className="size-4" />}>
          Archive
        </Button>
        <Button disabled>Not now</Button>
        <Button tone="primary" busy>
          Sending
        </Button>
      </div>
      <div className="flex flex-wrap items-center gap-1">
        <IconButton label="Pin" keys="p">
          <Pin />
        </IconButton>
        <IconButton label="Delete" size="small">
          <Trash2 />
        </IconButton>
        <DropdownMenu
          trigger={
            <IconButton label="More">
              <MoreHorizontal />
            </IconButton>
          }
          entries={[
            {
              label: 'Archive',
              icon: <Archive />,
              keys: 'e',
              onSelect: () => toast({ title: 'Archived', undo: () => undefined }),
            },
            { label: 'Mark as unread', icon: <Mail />, onSelect: () => undefined },
            { kind: 'separator' },
            { label: 'Delete', icon: <Trash2 />, tone: 'danger', onSelect: () => undefined },
          ]}
        />
        <Segmented
          label="View"
          value={view}
          onChange={setView}
          options={[
            { value: 'list', label: 'List' },
            { value: 'board', label: 'Board' },
          ]}
        />
      </div>
      <Tabs
        label="Example"
        tabs={[
          { id: 'open', label: 'Open', count: 7, content: <p className="text-13 text-text-2">Seven are waiting.</p> },
          { id: 'done', label: 'Answered', content: <p className="text-13 text-text-2">All answered.</p> },
        ]}
      />
    </Block>
  );
};

const Fields = () => {
  const [text, setText] = useState('');
  const [level, setLevel] = useState<string | undefined>();
  const [people, setPeople] = useState<string[]>(['a', 'b']);
  const [when, setWhen] = useState<string | null>(ago(-60 * 20));
  return (
    <Block title="Fields">
      <FormField label="Name" hint="Shown to everybody in the organisation.">
        <Input placeholder="release-pilot" leading={<Inbox />} />
      </FormField>
      <FormField label="E-mail" error="This address has an account.">
        <Input type="email" defaultValue="mara@example.test" />
      </FormField>
      <FormField label="Password">
        <PasswordInput defaultValue="correct horse" />
      </FormField>
      <FormField label="Reason" required={false}>
        <Textarea
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder="What should the agent know?"
        />
      </FormField>
      <FormField label="Level">
        <Select
          value={level}
          onChange={setLevel}
          options={[
            { value: 'info', label: 'Info', hint: 'Quiet' },
            { value: 'error', label: 'Error', hint: 'Breaks through' },
          ]}
        />
      </FormField>
      <FormField label="Reviewers">
        <Combobox
          multiple
          value={people}
          onChange={setPeople}
          options={[
            { value: 'a', label: 'Mara Lindqvist' },
            { value: 'b', label: 'Tom Okafor' },
            { value: 'c', label: 'محمد الفارس' },
          ]}
        />
      </FormField>
      <FormField label="Snooze until">
        <DateTimePicker value={when} onChange={setWhen} quick />
      </FormField>
      <FormError>The server refused the answer: somebody else answered first.</FormError>
    </Block>
  );
};

const Choices = () => {
  const [checked, setChecked] = useState(true);
  const [on, setOn] = useState(true);
  const [radio, setRadio] = useState<string | undefined>('eu');
  const [card, setCard] = useState<string | undefined>('ship');
  const [slider, setSlider] = useState(40);
  const [rating, setRating] = useState<number | undefined>(4);
  return (
    <Block title="Choices">
      <Checkbox checked={checked} onChange={setChecked} label="Notify the channel" hint="12 people follow it." />
      <Checkbox checked="indeterminate" onChange={() => undefined} label="Some rows" />
      <Switch checked={on} onChange={setOn} label="Quiet hours" hint="22:00 to 07:00 on weekdays" />
      <Switch checked={false} onChange={() => undefined} label="Off" />
      <RadioGroup
        label="Region"
        value={radio}
        onChange={setRadio}
        options={[
          { value: 'eu', label: 'Europe' },
          { value: 'us', label: 'United States' },
        ]}
      />
      <RadioGroup
        label="Decision"
        look="cards"
        value={card}
        onChange={setCard}
        options={[
          { value: 'ship', label: 'Ship it now', hint: 'Six replicas, two at a time' },
          { value: 'wait', label: 'Wait until Monday', hint: 'The on-call person is new' },
        ]}
      />
      <FormField label="Share" group>
        <Slider label="Share" value={slider} onChange={setSlider} min={0} max={100} unit="%" />
      </FormField>
      <FormField label="How sure are you" group>
        <Rating label="How sure are you" value={rating} onChange={setRating} />
      </FormField>
    </Block>
  );
};

const Items = () => (
  <Block title="Item rows">
    <ul className="overflow-hidden rounded-card border border-line">
      {(
        [
          ['warning', 'Ship checkout 4.2 to production', 'release-pilot', 2],
          [
            'error',
            'Backup of volume media-02 failed three times in a row and the disk is nearly full',
            'night-watch',
            14,
          ],
          ['info', 'هل أرسل الفاتورة إلى العميل؟', 'سكرتير البريد', 55],
          ['success', 'Invoice 2026-118 was paid', 'invoice-reader', 190],
        ] as const
      ).map(([level, title, agent, minutes], index) => (
        <li
          key={title}
          className={`relative flex items-center gap-3 border-b border-line px-4 py-2.5 last:border-b-0 ${index === 0 ? 'animate-row-in bg-active' : ''}`}
        >
          <LevelBar level={level} />
          <div className="min-w-0 flex-1">
            <p dir="auto" className="truncate text-14 font-medium">
              {title}
            </p>
            <p className="mt-0.5 flex items-center gap-1.5 text-12 text-text-3">
              <AgentMark id={rows[index]!.id} name={agent} size={14} />
              <span className="truncate">{agent}</span>
              <span aria-hidden>·</span>
              <span>#deploys</span>
              <span aria-hidden>·</span>
              <RelativeTime time={ago(minutes)} short />
            </p>
          </div>
          {index < 2 ? (
            <CountdownRing from={ago(minutes)} until={ago(-8 * (index + 1))} />
          ) : (
            <Avatar id="Tom" name="Tom Okafor" size={20} labelled />
          )}
        </li>
      ))}
    </ul>
    <div className="rounded-card border border-line">
      <Markdown className="p-4" text="**Two big choices** stand above the thumb line." />
    </div>
  </Block>
);

const Credentials = () => (
  <Block title="Credentials">
    <SecretReveal
      name="API key of release-pilot"
      secret="atk_7Qw2mJx9VbLr3TnYcKe5PzHs8DfGaU1oWiNqRtE6vBk"
      variable="ATRIUM_API_KEY"
    />
    <MaskedSecret prefix="atk_7Qw2" />
    <CopyLine
      prompt="$"
      text="claude mcp add --transport http atrium http://localhost:4400/mcp --header 'Authorization: Bearer atk_7Qw2'"
    />
    <ConnectCard
      connected={null}
      ways={[
        {
          id: 'code',
          label: 'Claude Code',
          say: 'Run this in your project.',
          code: 'claude mcp add --transport http atrium http://localhost:4400/mcp',
        },
        {
          id: 'desktop',
          label: 'Claude Desktop',
          say: 'Add this to the configuration.',
          code: '{\n  "mcpServers": {\n    "atrium": { "url": "http://localhost:4400/mcp" }\n  }\n}',
        },
        { id: 'cursor', label: 'Cursor', say: 'Add this to .cursor/mcp.json.', code: '{ "mcpServers": {} }' },
        {
          id: 'curl',
          label: 'curl',
          say: 'Ask a first question.',
          code: "curl http://localhost:4400/api/v1/inbox/items -d '{}'",
        },
      ]}
    />
  </Block>
);

const Overlays = () => {
  const [dialog, setDialog] = useState(false);
  const [sheet, setSheet] = useState(false);
  const [confirm, setConfirm] = useState(false);
  return (
    <Block title="Overlays">
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => setDialog(true)}>Dialog</Button>
        <Button onClick={() => setSheet(true)}>Sheet</Button>
        <Button onClick={() => setConfirm(true)}>Confirm</Button>
        <Popover label="Filter" trigger={<Button>Popover</Button>}>
          <p className="text-13 text-text-2">A small form stands here.</p>
        </Popover>
        <Button onClick={() => toast({ title: 'Archived 3 items', undo: () => toast({ title: 'They are back' }) })}>
          Toast with undo
        </Button>
        <Button
          onClick={() =>
            toast({
              title: 'The channel refused the message',
              detail: 'It is archived. Choose another one.',
              tone: 'danger',
            })
          }
        >
          Toast, refused
        </Button>
      </div>
      <Dialog
        open={dialog}
        onOpenChange={setDialog}
        title="New agent"
        description="It gets its own key and a mark that everybody recognises."
        footer={
          <>
            <Button onClick={() => setDialog(false)}>Cancel</Button>
            <Button tone="primary" onClick={() => setDialog(false)}>
              Create agent
            </Button>
          </>
        }
      >
        <div className="flex flex-col gap-4">
          <FormField label="Name">
            <Input autoFocus />
          </FormField>
          <FormField label="What it does" required={false}>
            <Input />
          </FormField>
        </div>
      </Dialog>
      <Sheet open={sheet} onOpenChange={setSheet} title="release-pilot" description="Agent, active">
        <p className="text-14 text-text-2">Detail stands here.</p>
      </Sheet>
      <ConfirmDialog
        open={confirm}
        onOpenChange={setConfirm}
        title="Delete the organisation Northwind"
        verb="Delete organisation"
        typeName="Northwind"
        onConfirm={() => setConfirm(false)}
      >
        1,204 items, 12 agents and 8 people lose their place here. This cannot be undone.
      </ConfirmDialog>
    </Block>
  );
};

const Times = () => (
  <Block title="Time">
    <div className="flex flex-wrap items-center gap-4 text-13 text-text-2">
      <RelativeTime time={ago(3)} />
      <RelativeTime time={ago(60 * 26)} />
      <RelativeTime time={ago(-180)} />
      <RelativeTime time={ago(400)} short />
    </div>
    <div className="flex flex-wrap items-center gap-4">
      <CountdownRing from={ago(10)} until={ago(-50)} />
      <CountdownRing from={ago(40)} until={ago(-20)} />
      <CountdownRing from={ago(55)} until={ago(-4)} />
      <CountdownRing from={ago(60)} until={ago(1)} />
    </div>
    <div className="flex flex-col gap-1">
      <TtlBar from={ago(10)} until={ago(-50)} />
      <TtlBar from={ago(40)} until={ago(-20)} />
      <TtlBar from={ago(55)} until={ago(-4)} />
    </div>
  </Block>
);

const times = Array.from({ length: 48 }, (_, index) => Math.floor(start / 1000) - (47 - index) * 1800);
const wave = (scale: number, phase: number) =>
  times.map((_, index) =>
    index === 20 ? null : Math.round(scale * (1.4 + Math.sin(index / 5 + phase) + Math.sin(index * 1.7) * 0.2)),
  );
const lines = [
  { label: 'asked', values: wave(24, 0) },
  { label: 'answered', values: wave(20, 0.4), tone: 'info' as const },
];
const bars = [{ label: 'median wait', values: wave(6, 2), tone: 'quiet' as const }];

const Charts = () => (
  <Block title="Charts" wide>
    <Suspense fallback={<div className="h-[360px]" />}>
      <div className="grid gap-6 lg:grid-cols-2">
        <Chart label="Questions per half hour" times={times} series={lines} sync="kitchen" />
        <Chart label="Median wait" times={times} series={bars} kind="bars" unit="min" sync="kitchen" />
      </div>
    </Suspense>
  </Block>
);

const TableBlock = () => {
  const [selection, setSelection] = useState(new Set([rows[1]!.id]));
  return (
    <Block title="Table of 5,000 rows" wide>
      <div className="flex h-[420px] flex-col overflow-hidden rounded-card border border-line">
        <Table
          id="kitchen"
          label="Agents"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          selection={selection}
          onSelectionChange={setSelection}
          onOpen={(row) => toast({ title: row.name })}
          bulk={
            <>
              <span className="font-medium">{selection.size} selected</span>
              <Button size="small">Deactivate</Button>
            </>
          }
        />
      </div>
    </Block>
  );
};
