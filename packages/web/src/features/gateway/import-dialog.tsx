import { discoveryImport, type InputOf, type OutputOf } from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Textarea } from '../../ui/input.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { proposalReads } from './gateway-changes.ts';

type Format = InputOf<typeof discoveryImport>['format'];
type Result = OutputOf<typeof discoveryImport>;

const formats: { value: Format; label: string }[] = [
  { value: 'compose', label: 'Compose file' },
  { value: 'traefik', label: 'Traefik' },
  { value: 'nginx', label: 'nginx' },
];
const hints: Record<Format, string> = {
  compose: 'Services with a page are proposed, by their published ports.',
  traefik: 'The dynamic configuration as YAML, or labels, one a line.',
  nginx: 'Servers that pass requests on with proxy_pass. Files that it includes are pasted by themselves.',
};
const outcomes = { new: 'new', updated: 'is there already', decided: 'was decided before' } as const;

/** Paste what another proxy serves; what is understood waits for a yes among the found services. */
export const ImportDialog = ({ onClose }: { onClose: () => void }) => {
  const form = useId();
  const [format, setFormat] = useState<Format>('compose');
  const [text, setText] = useState('');
  const [seen, setSeen] = useState<Result | null>(null);
  const look = useOperationMutation(discoveryImport, { quiet: true, onSuccess: setSeen });
  const take = useOperationMutation(discoveryImport, {
    quiet: true,
    invalidates: proposalReads,
    done: ({ found }) => (found.length === 1 ? 'One service waits for you' : `${found.length} services wait for you`),
    onSuccess: onClose,
  });
  const waiting = seen?.found.filter(({ outcome }) => outcome !== 'decided').length;
  const errors = formErrors(take.error ?? look.error, ['text']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (seen === null) look.mutate({ format, text, dry_run: true });
    else take.mutate({ format, text });
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      width="large"
      title="Import a configuration"
      description="Nothing is opened by it: each service waits for your yes."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={look.isPending || take.isPending}
            disabled={text.trim() === '' || waiting === 0}
          >
            {seen === null ? 'Read it' : `Propose ${waiting}`}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <Segmented
          label="Format"
          value={format}
          onChange={(next) => {
            setFormat(next);
            setSeen(null);
          }}
          options={formats}
        />
        <FormField label="Configuration" hint={hints[format]} error={errors.of('text')}>
          <Textarea
            name="import-text"
            rows={9}
            spellCheck={false}
            className="font-mono text-12"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setSeen(null);
            }}
          />
        </FormField>
        {seen !== null && <Understood result={seen} />}
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};

const Understood = ({ result: { found, skipped } }: { result: Result }) => (
  <div className="grid gap-5 text-13 sm:grid-cols-2">
    <section aria-label="Understood" className="min-w-0">
      <h3 className="mb-1.5 font-medium">{found.length === 0 ? 'Nothing was understood' : 'Understood'}</h3>
      <ul className="divide-y divide-line">
        {found.map((one) => (
          <li key={`${one.name} ${one.target}`} className="py-1.5">
            <span dir="auto" className="block truncate text-text">
              {one.name}
            </span>
            <span className="block truncate text-12 text-text-3">
              <code>{one.target}</code>, {outcomes[one.outcome]}
            </span>
          </li>
        ))}
      </ul>
    </section>
    {skipped.length > 0 && (
      <section aria-label="Left out" className="min-w-0">
        <h3 className="mb-1.5 font-medium">Left out</h3>
        <ul className="divide-y divide-line">
          {skipped.map((one) => (
            <li key={`${one.line} ${one.what} ${one.reason}`} className="py-1.5">
              <span className="block truncate text-text-2">
                {one.line !== null && <span className="tabular text-text-3">{one.line} </span>}
                {one.what}
              </span>
              <span className="block text-12 text-pretty text-text-3">{one.reason}</span>
            </li>
          ))}
        </ul>
      </section>
    )}
  </div>
);
