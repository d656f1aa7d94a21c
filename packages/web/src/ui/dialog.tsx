import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Button, IconButton } from './button.tsx';
import { cx } from './class-names.ts';
import { useConfirmations } from './confirmations.ts';
import { FormField } from './form-field.tsx';
import { useFormerFocus } from './former-focus.ts';
import { Input } from './input.tsx';

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons, right-aligned; the last is the primary one. */
  footer?: ReactNode;
  width?: 'small' | 'medium' | 'large';
}

const widths = { small: 'max-w-[420px]', medium: 'max-w-[560px]', large: 'max-w-[760px]' };
const scrim = 'fixed inset-0 z-40 bg-scrim data-[state=closed]:animate-fade-out data-[state=open]:animate-fade-in';

/** A toast above takes the key for itself and leaves it unused; so the dialog listens on its own as well. */
const closeOnEscape = (onOpenChange: (open: boolean) => void) => (event: KeyboardEvent) => {
  if (event.key === 'Escape' && !event.defaultPrevented && !event.nativeEvent.isComposing) onOpenChange(false);
};

/** A question or a short form above the page; a sheet from below on the phone. */
export const Dialog = ({ open, onOpenChange, title, description, children, footer, width = 'medium' }: DialogProps) => {
  const onCloseAutoFocus = useFormerFocus(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={scrim} />
        <div className="pointer-events-none fixed inset-0 z-40 grid place-items-end md:place-items-start md:justify-center md:pt-[12vh]">
          <Radix.Content
            {...(description ? {} : { 'aria-describedby': undefined })}
            onCloseAutoFocus={onCloseAutoFocus}
            onKeyDown={closeOnEscape(onOpenChange)}
            className={cx(
              'pointer-events-auto flex max-h-[92dvh] w-full flex-col overflow-hidden bg-raised shadow-float outline-none md:max-h-[76vh] md:rounded-dialog',
              'rounded-t-dialog max-md:max-w-none max-md:data-[state=closed]:animate-sheet-down max-md:data-[state=open]:animate-sheet-up md:data-[state=closed]:animate-dialog-out md:data-[state=open]:animate-dialog-in',
              'md:w-[calc(100vw-48px)]',
              widths[width],
            )}
          >
            <header className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
              <div className="min-w-0">
                <Radix.Title className="text-16 font-semibold">{title}</Radix.Title>
                {description && (
                  <Radix.Description className="mt-0.5 text-13 text-text-2">{description}</Radix.Description>
                )}
              </div>
              <Radix.Close asChild>
                <IconButton label="Close" keys="escape" size="small" tooltip={false} className="-mr-1.5">
                  <X />
                </IconButton>
              </Radix.Close>
            </header>
            {children && <div className="min-h-0 flex-1 overflow-y-auto px-5 pt-0.5 pb-5">{children}</div>}
            {footer && (
              <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3 pb-[max(12px,env(safe-area-inset-bottom))] max-sm:[&>*]:flex-1">
                {footer}
              </footer>
            )}
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
};

/** A panel from the right edge, from below on the phone, for detail that belongs to the page behind it. */
export const Sheet = ({ open, onOpenChange, title, description, children, footer }: Omit<DialogProps, 'width'>) => {
  const onCloseAutoFocus = useFormerFocus(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={scrim} />
        <Radix.Content
          {...(description ? {} : { 'aria-describedby': undefined })}
          onCloseAutoFocus={onCloseAutoFocus}
          onKeyDown={closeOnEscape(onOpenChange)}
          className="fixed z-40 flex flex-col bg-raised shadow-float outline-none max-md:inset-x-0 max-md:bottom-0 max-md:max-h-[88dvh] max-md:rounded-t-dialog max-md:data-[state=closed]:animate-sheet-down max-md:data-[state=open]:animate-sheet-up md:inset-y-2 md:right-2 md:w-[min(520px,calc(100vw-64px))] md:rounded-dialog md:data-[state=closed]:animate-sheet-out md:data-[state=open]:animate-sheet-in"
        >
          <header className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
            <div className="min-w-0">
              <Radix.Title className="text-16 font-semibold">{title}</Radix.Title>
              {description && (
                <Radix.Description className="mt-0.5 text-13 text-text-2">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton label="Close" keys="escape" size="small" tooltip={false} className="-mr-1.5">
                <X />
              </IconButton>
            </Radix.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-5">{children}</div>
          {footer && (
            <footer className="flex justify-end gap-2 border-t border-line px-5 py-3 pb-[max(12px,env(safe-area-inset-bottom))] max-md:[&>*]:flex-1">
              {footer}
            </footer>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
};

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What will be lost. */
  children: ReactNode;
  /** The verb on the button: "Revoke 3 tokens". */
  verb: string;
  onConfirm: () => void;
  busy?: boolean;
  /** The name that must be typed, for what cannot be undone. */
  typeName?: string;
}

/** Asks before something that cannot be undone. Who chose not to be asked is asked only where a name must be typed. */
export const ConfirmDialog = ({
  open,
  onOpenChange,
  title,
  children,
  verb,
  onConfirm,
  busy,
  typeName,
}: ConfirmProps) => {
  const [typed, setTyped] = useState('');
  const form = useId();
  const ready = typeName === undefined || typed === typeName;
  const asks = useConfirmations() || typeName !== undefined;
  const confirmed = useRef(onConfirm);
  useEffect(() => {
    confirmed.current = onConfirm;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each time that it opens.
  useEffect(() => {
    if (!open || asks) return;
    onOpenChange(false);
    confirmed.current();
  }, [open, asks]);
  if (!asks) return null;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      width="small"
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="danger" type="submit" form={form} disabled={!ready} busy={busy}>
            {verb}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4 text-14 text-text-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) onConfirm();
        }}
      >
        <div>{children}</div>
        {typeName !== undefined && (
          <FormField label={`Type ${typeName} to go on`}>
            <Input value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" autoFocus />
          </FormField>
        )}
      </form>
    </Dialog>
  );
};
