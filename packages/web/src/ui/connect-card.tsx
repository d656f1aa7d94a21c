import { Tabs as Radix } from 'radix-ui';
import { cx } from './class-names.ts';
import { CodeBlock } from './code-block.tsx';
import { CopyLine } from './copy-line.tsx';
import { useRemembered } from './remembered.ts';

export interface ConnectWay {
  id: string;
  label: string;
  /** What to do with the lines: "Run this in your project." */
  say: string;
  code: string;
}

interface ConnectCardProps {
  title?: string;
  ways: readonly ConnectWay[];
  /** The client that called first; null while nobody has. */
  connected: { client: string } | null;
}

/** How a client connects, ready to paste, with a light that turns green at its first call. */
export const ConnectCard = ({ title = 'Connect', ways, connected }: ConnectCardProps) => {
  const [chosen, choose] = useRemembered('connect-way', ways[0]?.id ?? '');
  const value = ways.some((way) => way.id === chosen) ? chosen : (ways[0]?.id ?? '');
  return (
    <section aria-label={title} className="overflow-hidden rounded-card border border-line-strong bg-raised">
      <Radix.Root value={value} onValueChange={choose}>
        <header className="flex flex-wrap items-center justify-between gap-x-4 gap-y-0.5 px-4 pt-3">
          <h2 className="text-14 font-semibold">{title}</h2>
          <p role="status" className="flex min-w-0 items-center gap-2 text-13 text-text-2">
            <span
              aria-hidden
              className={cx(
                'size-2 shrink-0 rounded-full transition-[background-color,box-shadow] duration-500',
                connected ? 'bg-success shadow-[0_0_0_4px_var(--success-soft)]' : 'animate-skeleton bg-control',
              )}
            />
            <span className="truncate">
              {connected ? `${connected.client} is connected` : 'Waiting for the first call'}
            </span>
          </p>
        </header>
        <Radix.List
          aria-label="Client"
          className="hairline-b mt-1 flex gap-4 overflow-x-auto px-4 [scrollbar-width:none]"
        >
          {ways.map((way) => (
            <Radix.Trigger
              key={way.id}
              value={way.id}
              className="-outline-offset-2 h-9 shrink-0 text-13 font-medium text-text-3 transition-colors hover:text-text data-[state=active]:text-text data-[state=active]:shadow-[inset_0_-2px_0_var(--accent)] touch:h-11"
            >
              {way.label}
            </Radix.Trigger>
          ))}
        </Radix.List>
        {ways.map((way) => (
          <Radix.Content key={way.id} value={way.id} className="space-y-2 p-4 outline-none">
            <p className="text-13 text-text-2">{way.say}</p>
            {way.code.includes('\n') ? <CodeBlock code={way.code} /> : <CopyLine text={way.code} />}
          </Radix.Content>
        ))}
      </Radix.Root>
    </section>
  );
};
