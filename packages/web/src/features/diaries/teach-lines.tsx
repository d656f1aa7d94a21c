import { Tabs as Radix } from 'radix-ui';
import { useState } from 'react';
import { CodeBlock } from '../../ui/code-block.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';

const ways = (origin: string) => [
  {
    id: 'cli',
    label: 'Command line',
    say: 'Makes a diary and writes into it by its name.',
    code: `atrium diaries create --name "Project notes"\natrium diaries create-entry "Project notes" --content "The staging database is on build-07."`,
  },
  {
    id: 'mcp',
    label: 'MCP',
    say: 'An agent that is connected has these tools; say this to it.',
    code: 'Make a diary "Project notes" with diary_container_create, and keep what you learn in it with diary_create.',
  },
  {
    id: 'curl',
    label: 'curl',
    say: 'With a key of yours, or the key of an agent.',
    code: `curl ${origin}/api/v1/diaries \\\n  -H "Authorization: Bearer $ATRIUM_API_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '{"name":"Project notes"}'`,
  },
];

/** How the first diary is made without this page, as lines to paste. */
export const TeachLines = () => {
  const [value, choose] = useState('cli');
  return (
    <Radix.Root
      value={value}
      onValueChange={choose}
      className="w-full overflow-hidden rounded-card border border-line-strong bg-raised text-left"
    >
      <Radix.List aria-label="Way" className="hairline-b flex gap-4 overflow-x-auto px-4 [scrollbar-width:none]">
        {ways(location.origin).map((way) => (
          <Radix.Trigger
            key={way.id}
            value={way.id}
            className="-outline-offset-2 h-9 shrink-0 text-13 font-medium text-text-3 transition-colors hover:text-text data-[state=active]:text-text data-[state=active]:shadow-[inset_0_-2px_0_var(--accent)] touch:h-11"
          >
            {way.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {ways(location.origin).map((way) => (
        <Radix.Content key={way.id} value={way.id} className="space-y-2 p-4 outline-none">
          <p className="text-13 text-text-2">{way.say}</p>
          {way.code.includes('\n') ? <CodeBlock code={way.code} /> : <CopyLine text={way.code} />}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
};
