import type { ReactNode } from 'react';
import { type RecordCard, RecordTable } from '../ui/record-table.tsx';
import { SkeletonRows } from '../ui/skeleton.tsx';
import type { TableProps } from '../ui/table.tsx';
import { LoadError } from './load-error.tsx';

interface ListState<Row> {
  items: Row[];
  isPending: boolean;
  error: unknown;
  refetch: () => Promise<unknown>;
  loadMore: () => void;
  loadingMore: boolean;
}

interface OperationTableProps<Row> extends Omit<TableProps<Row>, 'rows' | 'onEndReached' | 'loadingMore' | 'empty'> {
  list: ListState<Row>;
  card: (row: Row) => RecordCard;
  /** What stands there when the list is empty. */
  empty: ReactNode;
}

/** The rows of a paged operation: skeleton, refusal, emptiness, table or list. */
export const OperationTable = <Row,>({ list, ...table }: OperationTableProps<Row>) => {
  if (list.isPending) return <SkeletonRows rows={8} />;
  if (list.error && list.items.length === 0) return <LoadError error={list.error} retry={list.refetch} />;
  return <RecordTable {...table} rows={list.items} onEndReached={list.loadMore} loadingMore={list.loadingMore} />;
};
