import {
  configVersionsDiff,
  configVersionsList,
  configVersionsRollback,
  gatewayDryRun,
  gatewayExport,
  gatewayInfo,
  type OutputOf,
} from '@atrium/protocol';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Download, FileCheck2 } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { NoPermission } from '../../app/no-permission.tsx';
import { call, saveFile, sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Textarea } from '../../ui/input.tsx';
import { useDetailPane } from '../../ui/media.ts';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { Skeleton, SkeletonRows } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { toast } from '../../ui/toast.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { appReads, configReads } from './gateway-changes.ts';
import { RoutesTabs } from './gateway-tabs.tsx';

type Version = OutputOf<typeof configVersionsList>['items'][number];
type Change = OutputOf<typeof configVersionsDiff>['changes'][number];

const sourceWords: Record<Version['source'], string> = {
  api: 'Changed here',
  file: 'Read from the file',
  rollback: 'Rolled back',
};

/** What apps and routes were, what each version changed, and the way back. */
export const VersionsPage = () => (useCan('routes.write') ? <Versions /> : <VersionsClosed />);

const VersionsClosed = () => (
  <>
    <PageHeader title="Routes" tabs={<RoutesTabs />} />
    <NoPermission what="versions of routes" permission="routes.write" />
  </>
);

const Versions = () => {
  const { version, against } = useSearch({ from: '/frame/routes/versions' });
  const navigate = useNavigate();
  const wide = useDetailPane();
  const list = useOperationList(configVersionsList, { limit: 50 });
  const info = useOperation(gatewayInfo, {}).data;
  const [checking, setChecking] = useState(false);
  const [busy, setBusy] = useState(false);
  const chosen = version ?? (wide ? list.items[0]?.number : undefined);
  const choose = (number: number | undefined) =>
    void navigate({ to: '/routes/versions', search: { version: number, against }, replace: wide });
  const step = (by: number) => {
    const all = [...document.querySelectorAll<HTMLElement>('[data-version]')];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
  };
  useShortcut('j', 'Version before', () => step(1), { group: 'Versions' });
  useShortcut('k', 'Version after', () => step(-1), { group: 'Versions' });
  const write = async () => {
    setBusy(true);
    try {
      const { document } = await call(gatewayExport, {});
      saveFile(new Blob([document], { type: 'application/yaml' }), 'atrium-routes.yaml');
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    } finally {
      setBusy(false);
    }
  };
  const onPhonePage = !wide && version !== undefined;
  return (
    <>
      <PageHeader
        title={onPhonePage ? `Version ${version}` : 'Routes'}
        {...(onPhonePage ? { back: { label: 'versions', onBack: () => choose(undefined) } } : { tabs: <RoutesTabs /> })}
        tools={
          !onPhonePage && (
            <>
              <Button size="small" tone="ghost" onClick={() => setChecking(true)}>
                <FileCheck2 aria-hidden className="size-4" />
                <span className="max-sm:sr-only">Dry run</span>
              </Button>
              <Button size="small" tone="ghost" busy={busy} onClick={() => void write()}>
                <Download aria-hidden className="size-4" />
                <span className="max-sm:sr-only">Export</span>
              </Button>
            </>
          )
        }
      />
      <div className="flex min-h-0 flex-1">
        {!onPhonePage && (
          <div className={cx('min-h-0 overflow-y-auto', wide ? 'w-[380px] shrink-0 border-r border-line' : 'flex-1')}>
            {info && info.waiting_for_restart.length > 0 && (
              <div className="p-3">
                <Notice tone="warning">
                  After a restart: <code className="text-12">{info.waiting_for_restart.join(', ')}</code>
                </Notice>
              </div>
            )}
            {list.isPending ? (
              <SkeletonRows tall rows={8} />
            ) : list.error && list.items.length === 0 ? (
              <LoadError error={list.error} retry={list.refetch} />
            ) : list.items.length === 0 ? (
              <EmptyState title="There is no version yet">
                Each change of an app or route is one, with who made it and the way back.
              </EmptyState>
            ) : (
              <>
                <ul aria-label="Versions">
                  {list.items.map((one) => (
                    <VersionRow
                      key={one.number}
                      version={one}
                      chosen={one.number === chosen}
                      onChoose={() => choose(one.number)}
                    />
                  ))}
                </ul>
                <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
              </>
            )}
          </div>
        )}
        {chosen !== undefined && (wide || onPhonePage) && (
          <VersionDetail
            key={chosen}
            number={chosen}
            version={list.items.find(({ number }) => number === chosen)}
            newest={list.items.find(({ result }) => result === 'applied')?.number === chosen}
            against={against ?? 'previous'}
            onAgainst={(next) =>
              void navigate({
                to: '/routes/versions',
                search: { version: chosen, against: next === 'now' ? next : undefined },
                replace: true,
              })
            }
          />
        )}
      </div>
      <DryRunDialog key={String(checking)} open={checking} onClose={() => setChecking(false)} />
    </>
  );
};

const VersionRow = ({ version, chosen, onChoose }: { version: Version; chosen: boolean; onChoose: () => void }) => (
  <li className="border-b border-line">
    <button
      type="button"
      data-version={version.number}
      aria-current={chosen || undefined}
      onClick={onChoose}
      className={cx(
        '-outline-offset-2 flex min-h-16 w-full items-center gap-3 px-4 py-2.5 text-left md:px-6',
        chosen ? 'bg-active' : 'hover:bg-hover',
      )}
    >
      <span className="tabular w-10 shrink-0 text-14 font-semibold">{version.number}</span>
      <span className="min-w-0 flex-1">
        <span className="block truncate text-13 font-medium">{sourceWords[version.source]}</span>
        <span dir="auto" className="block truncate text-left text-13 text-text-2">
          {version.actor.name}
        </span>
      </span>
      <span className="shrink-0 text-right text-12 text-text-3">
        {version.result === 'rejected' && (
          <Badge tone="danger" className="mb-0.5">
            Refused
          </Badge>
        )}
        <span className="block">
          <RelativeTime time={version.at} short />
        </span>
      </span>
    </button>
  </li>
);

const VersionDetail = ({
  number,
  version,
  newest,
  against,
  onAgainst,
}: {
  number: number;
  version: Version | undefined;
  newest: boolean;
  against: 'previous' | 'now';
  onAgainst: (against: 'previous' | 'now') => void;
}) => {
  const [asking, setAsking] = useState(false);
  const diff = useOperation(configVersionsDiff, { number, against }, { keepPrevious: true });
  const rollback = useOperationMutation(configVersionsRollback, {
    invalidates: [...configReads, ...appReads],
    done: (made) => `Apps and routes are what they were in version ${number}; that is version ${made.number}`,
    onSuccess: () => setAsking(false),
  });
  const refused = version?.result === 'rejected';
  return (
    <section aria-label={`Version ${number}`} className="min-h-0 min-w-0 flex-1 overflow-y-auto">
      <div className="flex max-w-[900px] flex-col gap-5 px-4 py-5 md:px-6">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <div className="min-w-0">
            <h2 className="text-16 font-semibold">{newest ? 'What counts now' : `Version ${number}`}</h2>
            {version && (
              <p className="text-13 text-text-2">
                {sourceWords[version.source]} by <span dir="auto">{version.actor.name}</span>{' '}
                <RelativeTime time={version.at} />
              </p>
            )}
          </div>
          {!newest && !refused && <Button onClick={() => setAsking(true)}>Roll back to this</Button>}
        </div>
        {refused && (
          <Notice tone="danger">
            <p>This version was refused; what counted before went on.</p>
            <ul className="mt-1 list-disc pl-4">
              {version.problems.map((problem) => (
                <li key={problem} className="break-words">
                  {problem}
                </li>
              ))}
            </ul>
          </Notice>
        )}
        {version && version.waiting_for_restart.length > 0 && (
          <Notice>
            Counts after a restart: <code className="text-12">{version.waiting_for_restart.join(', ')}</code>
          </Notice>
        )}
        {!newest && (
          <div>
            <Segmented
              label="Compared with"
              value={against}
              onChange={onAgainst}
              options={[
                { value: 'previous', label: 'What it changed' },
                { value: 'now', label: 'Against now' },
              ]}
            />
          </div>
        )}
        {diff.data ? (
          <Changes
            changes={diff.data.changes}
            none={against === 'now' ? 'Nothing differs from now.' : 'It changed nothing.'}
          />
        ) : diff.error ? (
          <LoadError error={diff.error} retry={diff.refetch} />
        ) : (
          <div role="status" aria-label="Loading" className="flex flex-col gap-3">
            <Skeleton className="h-14 w-full" />
            <Skeleton className="h-14 w-full" />
          </div>
        )}
      </div>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Roll back to version ${number}`}
        verb="Roll back"
        busy={rollback.isPending}
        onConfirm={() => rollback.mutate({ number })}
      >
        Apps and routes that were added since are deleted, those that were deleted come back, and every field is what it
        was. What a file or label keeps stays as it is there. Share links and kept cookies of deleted routes do not come
        back. This is a new version, so it can be rolled back as well.
      </ConfirmDialog>
    </section>
  );
};

/** A member a line where one line would be too long; what is within a member stays on its own. */
const compact = (value: unknown): string => {
  const line = JSON.stringify(value);
  if (line.length <= 72 || value === null || typeof value !== 'object') return line;
  return Array.isArray(value)
    ? value.map((part) => JSON.stringify(part)).join('\n')
    : Object.entries(value)
        .map(([key, part]) => `${key}: ${JSON.stringify(part)}`)
        .join('\n');
};

const said = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : compact(value);

/** Members that were added, removed or changed, each with both of its values. */
const Changes = ({ changes, none }: { changes: readonly Change[]; none: string }) =>
  changes.length === 0 ? (
    <p className="text-13 text-text-3">{none}</p>
  ) : (
    <ul aria-label="Changes" className="flex flex-col gap-3">
      {changes.map(({ path, before, after }) => {
        const [was, is] = [said(before), said(after)];
        return (
          <li key={path} className="overflow-hidden rounded-control border border-line">
            <p className="border-b border-line bg-sunken px-3 py-1.5 font-mono text-12 break-all text-text-2">{path}</p>
            {was !== '' && <Side sign="−" word="before" text={was} className="bg-danger-soft" ink="text-danger-text" />}
            {is !== '' && <Side sign="+" word="after" text={is} className="bg-success-soft" ink="text-success-text" />}
          </li>
        );
      })}
    </ul>
  );

const Side = ({
  sign,
  word,
  text,
  className,
  ink,
}: {
  sign: string;
  word: string;
  text: string;
  className: string;
  ink: string;
}) => (
  <pre className={cx('flex gap-2 px-3 py-1.5 text-12 leading-5', className)}>
    <span aria-hidden className={cx('shrink-0 select-none', ink)}>
      {sign}
    </span>
    <span className="sr-only">{word}: </span>
    <code className="min-w-0 break-words whitespace-pre-wrap text-text">{text}</code>
  </pre>
);

const example = `apps:
  notes:
    name: Notes
routes:
  notes:
    app: notes
    targets: [http://192.168.1.7:8080]`;

const DryRunDialog = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const [document, setDocument] = useState('');
  const form = useId();
  const check = useOperationMutation(gatewayDryRun, { quiet: true });
  const errors = formErrors(check.error, ['document']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    check.mutate({ document });
  };
  const found = check.data;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      width="large"
      title="Dry run"
      description="Checks apps and routes as they stand in atrium.yaml, and shows what they would change. Nothing is changed."
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button tone="primary" type="submit" form={form} busy={check.isPending} disabled={document.trim() === ''}>
            Check
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="YAML or JSON" error={errors.of('document')}>
          <Textarea
            name="document"
            rows={9}
            maxRows={18}
            spellCheck={false}
            className="font-mono text-13"
            placeholder={example}
            value={document}
            onChange={(event) => setDocument(event.target.value)}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
        {found && (
          <div aria-live="polite" className="flex flex-col gap-4">
            {found.valid ? (
              <Notice tone="success">
                It is whole
                {found.changes.length === 0
                  ? ' and would change nothing.'
                  : ` and would change ${found.changes.length === 1 ? 'one thing' : `${found.changes.length} things`}.`}
              </Notice>
            ) : (
              <Notice tone="danger">
                <p>It would be refused:</p>
                <ul className="mt-1 flex flex-col gap-0.5">
                  {found.problems.map(({ path, message }) => (
                    <li key={`${path} ${message}`} className="break-words">
                      {path && <code className="text-12">{path}</code>} {message}
                    </li>
                  ))}
                </ul>
              </Notice>
            )}
            {found.valid && found.changes.length > 0 && <Changes changes={found.changes} none="" />}
          </div>
        )}
      </form>
    </Dialog>
  );
};
