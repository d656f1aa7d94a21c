// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import { type ScriptRun, scriptRunsCancel, scriptRunsGet } from '@atrium/protocol';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { ArrowDownToLine, Download } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { saveFile } from '../../data/client.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { CopyButton } from '../../ui/copy-line.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { plainText, useRunOutput } from './run-output.ts';
import { tookOf } from './run-row.tsx';
import { isOff, isOpen, scriptReads, stateOf } from './script-words.ts';
import { ScriptsOff } from './scripts-off.tsx';

/** One run and what it writes, as it writes it. */
export const RunPage = () => {
  const { id } = useParams({ from: '/frame/scripts/runs/$id' });
  const navigate = useNavigate();
  const query = useOperation(scriptRunsGet, { id });
  const back = { label: 'runs', onBack: () => void navigate({ to: '/scripts/runs' }) };
  if (query.data) return <Opened key={id} known={query.data} back={back} />;
  return (
    <>
      <PageHeader title="Run" back={back} />
      {isOff(query.error) ? (
        <ScriptsOff />
      ) : query.error ? (
        <LoadError error={query.error} retry={query.refetch} />
      ) : (
        <SkeletonDetail />
      )}
    </>
  );
};

const Opened = ({ known, back }: { known: ScriptRun; back: { label: string; onBack: () => void } }) => {
  const { parts, run: heard, failed } = useRunOutput(known.id);
  const run = known.ended_at === null ? (heard ?? known) : known;
  const [following, setFollowing] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const cancel = useOperationMutation(scriptRunsCancel, {
    invalidates: scriptReads,
    done: ({ script_name }) => `${script_name} is told to end`,
  });
  useShortcut('f', 'Follow the output', () => setFollowing((before) => !before), { group: 'Run' });
  // biome-ignore lint/correctness/useExhaustiveDependencies: new parts are what it goes down for.
  useEffect(() => {
    if (following) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [parts, following]);
  const text = plainText(parts.map((part) => (part.stream === 'note' ? `\n${part.text}\n` : part.text)).join(''));
  const { label, tone } = stateOf(run);
  const values = Object.entries(run.parameters);
  const took = tookOf(run);
  return (
    <>
      <PageHeader
        title={run.script_name}
        back={back}
        aside={
          <Badge dot tone={tone}>
            {label}
          </Badge>
        }
        tools={
          <>
            <IconButton
              label={following ? 'Stop following' : 'Follow the output'}
              keys="f"
              size="small"
              aria-pressed={following}
              onClick={() => setFollowing(!following)}
            >
              <ArrowDownToLine className={cx(following && 'text-accent-text')} />
            </IconButton>
            <CopyButton text={text} label="Copy the output" />
            <IconButton
              label="Download the output"
              size="small"
              onClick={() => saveFile(new Blob([text], { type: 'text/plain' }), `${run.script_name} ${run.id}.txt`)}
            >
              <Download />
            </IconButton>
          </>
        }
        action={
          isOpen(run) && (
            <Button tone="danger" size="small" busy={cancel.isPending} onClick={() => cancel.mutate({ id: run.id })}>
              Cancel run
            </Button>
          )
        }
      />
      <div className="flex min-h-0 flex-1 flex-col">
        <p className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-2.5 text-13 text-text-2 md:px-6">
          {run.script_id !== null && (
            <Link to="/scripts/$id" params={{ id: run.script_id }} className="quiet-link">
              The script
            </Link>
          )}
          <span>
            {run.dry_run ? 'Dry run by' : run.schedule_id === null ? 'Run by' : 'Schedule of'} {run.started_by.name},{' '}
            <RelativeTime time={run.created_at} />
          </span>
          {took !== '' && <span className="tabular">took {took}</span>}
          {run.exit_code !== null && <span className="tabular">status {run.exit_code}</span>}
          {run.position !== null && <span>step {run.position} of a chain</span>}
          {values.length > 0 && (
            <span className="flex min-w-0 flex-wrap gap-x-3 font-mono text-12">
              {values.map(([name, value]) => (
                <span key={name} dir="auto" className="max-w-60 truncate">
                  {name}={String(value)}
                </span>
              ))}
            </span>
          )}
        </p>
        {run.approval === 'waiting' && isOpen(run) && (
          <div className="px-4 pt-3 md:px-6">
            <Notice>Somebody has to agree to it in the inbox. It begins by itself then.</Notice>
          </div>
        )}
        {failed && isOpen(run) && (
          <div className="px-4 pt-3 md:px-6">
            <Notice tone="warning">The stream of output broke. Trying again.</Notice>
          </div>
        )}
        <div
          ref={box}
          role="log"
          aria-label="Output"
          tabIndex={0}
          onWheel={(event) => event.deltaY < 0 && setFollowing(false)}
          className="min-h-0 flex-1 overflow-auto bg-sunken px-4 py-3 -outline-offset-2 md:px-6"
        >
          {parts.length === 0 ? (
            <p className="text-13 text-text-3">
              {isOpen(run)
                ? run.state === 'pending'
                  ? 'It waits for its turn.'
                  : 'Nothing is written yet.'
                : (run.detail ?? 'It wrote nothing.')}
            </p>
          ) : (
            <pre className="font-mono text-12 leading-5 break-words whitespace-pre-wrap text-text">
              {parts.map((part) => (
                <span
                  key={part.seq}
                  className={cx(
                    part.stream === 'stderr' && 'text-danger-text',
                    part.stream === 'note' && 'my-1 block font-sans text-13 text-text-3',
                  )}
                >
                  {plainText(part.text)}
                </span>
              ))}
            </pre>
          )}
        </div>
      </div>
    </>
  );
};
