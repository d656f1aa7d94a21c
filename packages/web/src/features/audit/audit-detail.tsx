import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { cx } from '../../ui/class-names.ts';
import { CodeBlock } from '../../ui/code-block.tsx';
import { CopyButton } from '../../ui/copy-line.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { exactTime, useTimeZone } from '../../ui/time-format.ts';
import { deviceName } from '../settings/device-name.ts';
import type { AuditFilter } from './audit-filter.ts';
import { type AuditEntry, auditSentence } from './audit-words.ts';

/** One entry, whole. */
export const AuditDetail = ({
  entry,
  onClose,
  onFilter,
}: {
  entry: AuditEntry | null;
  onClose: () => void;
  onFilter: (change: AuditFilter) => void;
}) => (
  <RecordSheet record={entry} onClose={onClose} title={({ seq }) => `Entry #${seq.toLocaleString('en')}`}>
    {(shown) => <Body entry={shown} onFilter={onFilter} />}
  </RecordSheet>
);

const Body = ({ entry, onFilter }: { entry: AuditEntry; onFilter: (change: AuditFilter) => void }) => {
  const zone = useTimeZone();
  const { actor } = entry;
  return (
    <div className="flex flex-col gap-5">
      <p className="flex items-start gap-2.5 text-16 text-text">
        <PrincipalMark type={actor.type} id={actor.id ?? actor.name} name={actor.name} size={24} />
        <span className="min-w-0 break-words">
          <span className="font-semibold">{actor.name}</span> {auditSentence(entry)}
        </span>
      </p>
      <dl className="divide-y divide-line border-y border-line">
        <Line label="When">
          {exactTime(Date.parse(entry.at), zone)}
          <span className="block text-text-3">
            <RelativeTime time={entry.at} />
          </span>
        </Line>
        <Line label="Action">
          <FilterLink onClick={() => onFilter({ action: entry.action })}>
            <code>{entry.action}</code>
          </FilterLink>
        </Line>
        <Line label="Actor">
          {actor.id ? <FilterLink onClick={() => onFilter({ actor: actor.id! })}>{actor.name}</FilterLink> : actor.name}
          <span className="text-text-3"> {actor.type}</span>
        </Line>
        {entry.target_id && (
          <Line label={entry.target_type ? `Target, ${entry.target_type}` : 'Target'}>
            <Copyable text={entry.target_id} />
          </Line>
        )}
        {entry.item_id && (
          <Line label="Item">
            <Link
              to={`/inbox/${entry.item_id}`}
              dir="auto"
              className={cx(
                'rounded-[3px] break-words underline decoration-line-strong underline-offset-4',
                !entry.item_title && 'font-mono text-12 break-all',
              )}
            >
              {entry.item_title ?? entry.item_id}
            </Link>
          </Line>
        )}
        {entry.ip && (
          <Line label="Address">
            <code>{entry.ip}</code>
          </Line>
        )}
        {entry.user_agent && (
          <Line label="Client">
            {deviceName(entry.user_agent)}
            <span className="block text-12 break-words text-text-3">{entry.user_agent}</span>
          </Line>
        )}
        {entry.request_id && (
          <Line label="Request">
            <Copyable text={entry.request_id} />
          </Line>
        )}
        {entry.trace_id && (
          <Line label="Trace">
            <Copyable text={entry.trace_id} />
          </Line>
        )}
        <Line label="Hash">
          <Copyable text={entry.hash} />
        </Line>
      </dl>
      {Object.keys(entry.details).length > 0 && (
        <CodeBlock caption="details" code={JSON.stringify(entry.details, null, 2)} />
      )}
    </div>
  );
};

const Line = ({ label, children }: { label: string; children: ReactNode }) => (
  <div className="grid grid-cols-[104px_minmax(0,1fr)] gap-3 py-2 text-13">
    <dt className="text-text-3">{label}</dt>
    <dd className="min-w-0 text-text">{children}</dd>
  </div>
);

const Copyable = ({ text }: { text: string }) => (
  <span className="flex items-start justify-between gap-2">
    <code className="min-w-0 text-12 leading-5 break-all">{text}</code>
    <span className="-my-1 shrink-0">
      <CopyButton text={text} />
    </span>
  </span>
);

const FilterLink = ({ onClick, children }: { onClick: () => void; children: ReactNode }) => (
  <button
    type="button"
    title="Show only these"
    onClick={onClick}
    className="rounded-[3px] text-left underline decoration-line-strong underline-offset-4 hover:decoration-current"
  >
    {children}
  </button>
);
