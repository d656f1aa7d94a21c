import { type ReactNode, useState } from 'react';
import { Sheet } from './dialog.tsx';

interface RecordSheetProps<Row> {
  /** Null closes the sheet, which goes on showing the last record on its way out. */
  record: Row | null;
  onClose: () => void;
  title: (record: Row) => string;
  description?: (record: Row) => ReactNode;
  footer?: (record: Row) => ReactNode;
  children: (record: Row) => ReactNode;
}

/** A sheet about one row of a list. */
export const RecordSheet = <Row,>({ record, onClose, title, description, footer, children }: RecordSheetProps<Row>) => {
  const [last, setLast] = useState(record);
  if (record !== null && record !== last) setLast(record);
  return (
    <Sheet
      open={record !== null}
      onOpenChange={(open) => !open && onClose()}
      title={last === null ? '' : title(last)}
      description={last !== null && description?.(last)}
      footer={last !== null && footer?.(last)}
    >
      {last !== null && <div className="flex flex-col gap-5">{children(last)}</div>}
    </Sheet>
  );
};
