import { Check, Copy, Download, Printer } from 'lucide-react';
import { saveFile } from '../../data/client.ts';
import { Button } from '../../ui/button.tsx';
import { useCopy } from '../../ui/copy-line.tsx';
import { Notice } from '../../ui/notice.tsx';

/** Ten recovery codes, shown this once. */
export const RecoveryCodes = ({ codes }: { codes: readonly string[] }) => {
  const { copied, copy } = useCopy();
  const text = codes.join('\n');
  const save = () => {
    const head = `Recovery codes of Atrium at ${location.host}\nEach is good once, when your authenticator is not at hand.\n\n`;
    saveFile(new Blob([`${head}${text}\n`], { type: 'text/plain' }), 'atrium-recovery-codes.txt');
  };
  return (
    <section aria-label="Recovery codes" className="flex flex-col gap-3">
      <Notice tone="warning">
        Keep these now; they are not shown again. Each lets you in once when your authenticator is lost.
      </Notice>
      <div className="overflow-hidden rounded-card border border-accent-line bg-accent-soft">
        <ol className="grid gap-x-6 gap-y-1.5 px-4 py-3 sm:grid-cols-2">
          {codes.map((code) => (
            <li key={code} className="tabular font-mono text-14 text-text select-all">
              {code}
            </li>
          ))}
        </ol>
        <div className="flex flex-wrap gap-2 border-t border-accent-line px-4 py-2.5">
          <Button
            size="small"
            icon={copied ? <Check className="size-4 text-success-text" /> : <Copy className="size-4" />}
            onClick={() => void copy(text)}
          >
            {copied ? 'Copied' : 'Copy all'}
          </Button>
          <Button size="small" icon={<Download className="size-4" />} onClick={save}>
            Download
          </Button>
          <Button size="small" icon={<Printer className="size-4" />} onClick={() => print()}>
            Print
          </Button>
        </div>
      </div>
    </section>
  );
};
