import type { AnswerValues } from '@atrium/protocol';
import { ArrowLeft, ArrowRight } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { FormError } from '../../ui/form-field.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { FieldList } from './field-view.tsx';
import type { Upload } from './file-field.tsx';
import type { FormSession } from './form-session.ts';

interface FormViewProps {
  session: FormSession;
  onSubmit: (values: AnswerValues) => void;
  busy?: boolean;
  /** Overrides the document's own label: "Save correction". */
  submitLabel?: string;
  upload?: Upload;
  /** A refusal of the whole answer. */
  error?: ReactNode;
  /** Beside the buttons: the state of the draft. */
  aside?: ReactNode;
  /** Buttons stick to the lower edge: the answer page on the phone. */
  sticky?: boolean;
  /** A form that only shows what it would look like. */
  preview?: boolean;
}

/** A form document, page by page. Ctrl/Cmd+Enter goes on from anywhere inside. */
export const FormView = ({
  session,
  onSubmit,
  busy,
  submitLabel,
  upload,
  error,
  aside,
  sticky,
  preview,
}: FormViewProps) => {
  const { form, page, step, first, last, errors, refusals } = session;
  const element = useRef<HTMLFormElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const shownPage = useRef(page.id);
  useEffect(() => {
    if (refusals === 0) return;
    const wrong = element.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid] button');
    wrong?.focus();
  }, [refusals]);
  useEffect(() => {
    if (shownPage.current === page.id) return;
    shownPage.current = page.id;
    heading.current?.focus();
  }, [page.id]);

  const submit = async () => {
    if (!last) return session.next();
    const values = await session.check();
    if (values && !preview) onSubmit(values);
  };
  const general = [...errors].filter(([path]) => !placed(session, path));
  return (
    <form
      ref={element}
      noValidate
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          void submit();
        }
      }}
    >
      {(page.title || (step && step.of > 1)) && (
        <div className="flex items-center justify-between gap-3">
          <h3 ref={heading} tabIndex={-1} dir="auto" className="text-16 font-semibold outline-none">
            {page.title ?? form.title ?? 'Answer'}
          </h3>
          {step && step.of > 1 && <Steps {...step} />}
        </div>
      )}
      {first && form.description && <Markdown text={form.description} className="text-text-2" />}
      <FieldList
        fields={session.visible}
        values={session.values}
        onChange={session.set}
        onProblem={session.setProblem}
        errors={errors}
        path=""
        upload={upload}
      />
      <FormError>{general.length > 0 ? general.map(([, message]) => message).join('; ') : null}</FormError>
      <FormError>{error}</FormError>
      <div
        className={cx(
          'flex items-center gap-2',
          sticky &&
            'sticky bottom-0 -mx-5 border-t border-line bg-surface px-5 py-3 pb-[max(12px,env(safe-area-inset-bottom))]',
        )}
      >
        {!first && (
          <Button
            size={sticky ? 'large' : 'medium'}
            icon={<ArrowLeft aria-hidden className="size-4" />}
            onClick={session.back}
          >
            Back
          </Button>
        )}
        <Button
          type="submit"
          tone="primary"
          size={sticky ? 'large' : 'medium'}
          busy={busy}
          className={cx(sticky && 'flex-1')}
        >
          {last ? (submitLabel ?? form.submit_label ?? 'Send answer') : 'Next'}
          {!last && <ArrowRight aria-hidden className="size-4" />}
        </Button>
        {!sticky && (
          <span className="ml-1 hidden text-12 text-text-3 md:inline-flex">
            <Kbd keys="mod+enter" />
          </span>
        )}
        {aside && <span className="ml-auto text-12 text-text-3">{aside}</span>}
      </div>
    </form>
  );
};

const placed = (session: FormSession, path: string): boolean =>
  session.visible.some((field) => path === field.id || path.startsWith(`${field.id}.`));

const Steps = ({ step, of }: { step: number; of: number }) => (
  <p className="flex items-center gap-2.5 text-12 whitespace-nowrap text-text-2">
    <span aria-hidden className="flex gap-1">
      {Array.from({ length: of }, (_, index) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: a dot is its position.
          key={index}
          className={cx(
            'h-1.5 rounded-full transition-[width,background-color]',
            index + 1 === step ? 'w-4 bg-accent' : index + 1 < step ? 'w-1.5 bg-control' : 'w-1.5 bg-line-strong',
          )}
        />
      ))}
    </span>
    Step {step} of {of}
  </p>
);
