import { Check, Copy, Download, KeyRound } from 'lucide-react';
import { Button } from './button.tsx';
import { useCopy } from './copy-line.tsx';

interface SecretRevealProps {
  /** Shown once; afterwards hand over `prefix` alone. */
  secret: string;
  name: string;
  /** Variable of the `.env` line, for example ATRIUM_API_KEY. */
  variable: string;
}

/** A secret that is shown this once: copy it, or take it as an .env file. */
export const SecretReveal = ({ secret, name, variable }: SecretRevealProps) => {
  const { copied, copy } = useCopy();
  const download = () => {
    const url = URL.createObjectURL(new Blob([`${variable}=${secret}\n`], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${variable.toLowerCase().replaceAll('_', '-')}.env`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <section aria-label={name} className="overflow-hidden rounded-card border border-accent-line bg-accent-soft">
      <div className="flex items-center gap-2 px-4 pt-3 text-13 font-medium text-text">
        <KeyRound aria-hidden className="size-4 text-accent-text" />
        {name}
      </div>
      <code className="block px-4 py-2.5 text-14 break-all text-text select-all">{secret}</code>
      <div className="flex flex-wrap items-center gap-2 border-t border-accent-line px-4 py-2.5">
        <Button
          size="small"
          icon={copied ? <Check className="size-4 text-success-text" /> : <Copy className="size-4" />}
          onClick={() => copy(secret)}
        >
          {copied ? 'Copied' : 'Copy'}
        </Button>
        <Button size="small" icon={<Download className="size-4" />} onClick={download}>
          Download as .env
        </Button>
        <span className="text-12 text-text-2">Shown once. Keep it now; Atrium stores only its hash.</span>
      </div>
    </section>
  );
};

/** What remains of a secret after it was shown. */
export const MaskedSecret = ({ prefix }: { prefix: string }) => (
  <code className="text-13 text-text-2">
    {prefix}
    <span aria-hidden className="tracking-tighter text-text-3">
      ••••••••
    </span>
    <span className="sr-only"> and hidden characters</span>
  </code>
);
