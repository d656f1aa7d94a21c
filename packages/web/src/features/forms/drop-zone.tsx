// biome-ignore-all lint/a11y/noStaticElementInteractions: dropping is one more way beside the button inside.
import { Paperclip } from 'lucide-react';
import { type ReactNode, useRef, useState } from 'react';
import { cx } from '../../ui/class-names.ts';
import { useFieldWiring } from '../../ui/form-field.tsx';

/** Takes files by drop, system dialog or key. */
export const DropZone = ({
  label,
  accept,
  multiple,
  quiet,
  onFiles,
  children,
}: {
  label: ReactNode;
  accept?: string | undefined;
  multiple?: boolean;
  /** A plain button until a file hangs over it. */
  quiet?: boolean;
  onFiles: (files: File[]) => void;
  children?: ReactNode;
}) => {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const { id: _field, ...wiring } = useFieldWiring();
  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        onFiles([...event.dataTransfer.files].slice(0, multiple ? 20 : 1));
      }}
    >
      {children}
      <button
        type="button"
        {...wiring}
        onClick={() => input.current?.click()}
        className={cx(
          'flex items-center gap-2 rounded-control border border-dashed text-13 transition-colors',
          quiet ? '-ml-2.5 min-h-8 px-2.5 touch:min-h-11' : 'min-h-11 w-full justify-center px-3 py-2 touch:min-h-12',
          over
            ? 'border-accent bg-accent-soft text-text'
            : quiet
              ? 'border-transparent text-text-3 hover:bg-hover hover:text-text'
              : 'border-line-strong text-text-2 hover:border-control hover:text-text',
        )}
      >
        <Paperclip aria-hidden className="size-4 shrink-0 text-text-3" />
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        multiple={multiple}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </div>
  );
};
