import type { ApprovalRequest, ItemView } from '@atrium/protocol';
import { CodeBlock } from '../../ui/code-block.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { sentence } from '../forms/form-values.ts';

const looksLikeDiff = (text: string): boolean => /^(diff --git |--- |@@ )/m.test(text) && /^[+-]/m.test(text);
const isCommand = (name: string): boolean => /^(command|cmd|script|query|sql|code)$/i.test(name);

/** "Run deploy.production with service api, version 2.4.1": what would happen, as a person says it. */
export const ApprovalSentence = ({
  approval,
  by,
  compact,
}: {
  approval: ApprovalRequest;
  by: ItemView['created_by'];
  compact?: boolean;
}) => {
  const entries = Object.entries(approval.arguments);
  const short = entries.filter(([, value]) => isShort(value));
  const long = entries.filter(([, value]) => !isShort(value));
  return (
    <div className="flex flex-col gap-3">
      {approval.summary ? (
        <Markdown text={approval.summary} className={compact ? 'text-14' : 'text-16!'} />
      ) : (
        <p dir="auto" className={`max-w-[72ch] ${compact ? 'text-14' : 'text-16'} text-text`}>
          {by.name} wants to run{' '}
          <code className="rounded-[4px] bg-active px-1.5 py-0.5 text-[0.9em]">{approval.tool}</code>
          {short.length > 0 && ' with '}
          {short.slice(0, 4).map(([name, value], index) => (
            <span key={name}>
              {index > 0 && (index === Math.min(short.length, 4) - 1 && short.length <= 4 ? ' and ' : ', ')}
              <span className="text-text-2">{sentence(name).toLowerCase()}</span>{' '}
              <strong className="font-semibold">{said(value)}</strong>
            </span>
          ))}
          {short.length > 4 && ` and ${short.length - 4} more`}.
        </p>
      )}
      {long.map(([name, value]) => (
        <LongArgument key={name} name={name} value={value} compact={compact ?? false} />
      ))}
    </div>
  );
};

const isShort = (value: unknown): boolean =>
  value === null ||
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && value.length <= 80 && !value.includes('\n'));

const said = (value: unknown): string =>
  value === true ? 'on' : value === false ? 'off' : value === null ? 'nothing' : value === '' ? 'empty' : String(value);

const LongArgument = ({ name, value, compact }: { name: string; value: unknown; compact: boolean }) => {
  const height = compact ? 160 : 420;
  if (typeof value === 'string' && looksLikeDiff(value))
    return (
      <div>
        <p className="mb-1.5 text-13 text-text-3">{sentence(name)}</p>
        <DiffView diff={value} maxHeight={height} />
      </div>
    );
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return <CodeBlock caption={isCommand(name) ? name : sentence(name)} code={text} maxHeight={height} />;
};
