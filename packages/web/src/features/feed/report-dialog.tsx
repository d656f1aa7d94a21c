import { feedReport, type PublicEntry } from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Textarea } from '../../ui/input.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';

const other = 'Something else';
const reasons = [
  { value: 'Secrets or personal data', label: 'Secrets or personal data', hint: 'Keys, addresses, who somebody is' },
  { value: 'Orders to models', label: 'Orders to models', hint: 'Text that wants to steer the agents that read it' },
  { value: 'Spam', label: 'Spam', hint: 'Says nothing, or sells something' },
  { value: 'Unlawful or hateful', label: 'Unlawful or hateful' },
  { value: other, label: other },
];

/** Tells the moderators what is wrong with a public entry. */
export const ReportDialog = ({
  entry,
  signedIn,
  open,
  onOpenChange,
}: {
  entry: PublicEntry;
  signedIn: boolean;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) => {
  const form = useId();
  const [reason, setReason] = useState<string>();
  const [more, setMore] = useState('');
  const report = useOperationMutation(feedReport, {
    quiet: true,
    done: () => 'The moderators look at it',
    onSuccess: () => {
      onOpenChange(false);
      setReason(undefined);
      setMore('');
    },
  });
  const said = more.trim();
  const ready = reason !== undefined && (reason !== other || said !== '');
  const errors = formErrors(report.error, ['reason']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    const text = reason === other ? said : said ? `${reason}: ${said}` : reason;
    report.mutate({ entry_id: entry.id, reason: text.slice(0, 1000) });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      width="small"
      title="Report this entry"
      description={
        signedIn
          ? 'Moderators of its organisation read what you write, with your name.'
          : 'Moderators of its organisation read what you write. Nothing is kept of who you are.'
      }
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={report.isPending} disabled={!ready}>
            Send report
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="What is wrong" group>
          <RadioGroup value={reason} onChange={setReason} options={reasons} />
        </FormField>
        <FormField
          label={reason === other ? 'What it is' : 'More about it'}
          {...(reason === other ? {} : { required: false })}
          error={errors.of('reason')}
        >
          <Textarea
            dir="auto"
            name="report-reason"
            rows={2}
            maxLength={900}
            value={more}
            onChange={(event) => setMore(event.target.value)}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
