import type { InputOf, Operation, OutputOf } from '@atrium/protocol';
import {
  type InfiniteData,
  infiniteQueryOptions,
  keepPreviousData,
  type QueryKey,
  queryOptions,
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
} from '@tanstack/react-query';
import { toast } from '../ui/toast.tsx';
import { call, sayError } from './client.ts';
import { queryClient } from './query-client.ts';

interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}
/** An operation whose output is `{items, next_cursor}`. */
type ListOperation = Operation & { output: { _zod: { output: Page<unknown> } } };
type ItemOf<O extends ListOperation> = OutputOf<O> extends Page<infer Item> ? Item : never;

interface ReadOptions {
  enabled?: boolean;
  staleTime?: number;
  /** For what no event tells, such as the count of every token: asks again so often while it is on screen. */
  refetchInterval?: number;
  /** Keeps showing the rows of the input before while the new ones load. */
  keepPrevious?: boolean;
}

/** Query options of an operation; for loaders, `prefetch` and `useSuspenseQuery`. The key is `[name, input]`. */
export const operationQuery = <O extends Operation>(operation: O, input: InputOf<O>) =>
  queryOptions<OutputOf<O>>({
    queryKey: [operation.name, input],
    queryFn: ({ signal }) => call(operation, input, { signal }),
  });

/** Reads an operation. */
export const useOperation = <O extends Operation>(
  operation: O,
  input: InputOf<O>,
  { keepPrevious, ...options }: ReadOptions = {},
): UseQueryResult<OutputOf<O>> =>
  useQuery({
    ...operationQuery(operation, input),
    ...options,
    ...(keepPrevious ? { placeholderData: keepPreviousData } : {}),
  }) as UseQueryResult<OutputOf<O>>;

/** Fetches ahead: call it on hover and focus. */
export const prefetchOperation = <O extends Operation>(operation: O, input: InputOf<O>): void => {
  void queryClient.prefetchQuery(operationQuery(operation, input));
};

export const listQuery = <O extends ListOperation>(operation: O, input: Omit<InputOf<O>, 'cursor'>) =>
  infiniteQueryOptions({
    queryKey: [operation.name, 'pages', input] as QueryKey,
    queryFn: ({ pageParam, signal }) =>
      call(operation, { ...input, ...(pageParam ? { cursor: pageParam } : {}) } as InputOf<O>, { signal }) as Promise<
        Page<ItemOf<O>>
      >,
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });

/** Reads a list page by page; `items` are all pages so far, `first` the first whole, `loadMore` is safe to call often. */
export const useOperationList = <O extends ListOperation>(
  operation: O,
  input: Omit<InputOf<O>, 'cursor'>,
  { keepPrevious, ...options }: ReadOptions = {},
) => {
  const query = useInfiniteQuery({
    ...listQuery(operation, input),
    ...options,
    ...(keepPrevious ? { placeholderData: keepPreviousData } : {}),
  });
  return {
    items: query.data?.pages.flatMap((page) => page.items) ?? [],
    first: query.data?.pages[0] as OutputOf<O> | undefined,
    isPending: query.isPending,
    isStale: query.isPlaceholderData,
    error: query.error,
    refetch: query.refetch,
    hasMore: query.hasNextPage,
    loadingMore: query.isFetchingNextPage,
    loadMore: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
    },
  };
};

/** Marks every cached answer of these operations stale and refetches what is on screen. */
export const invalidate = (...names: string[]): Promise<void> =>
  queryClient.invalidateQueries({ predicate: ({ queryKey }) => names.includes(String(queryKey[0])) });

type Rollback = () => void;

/** Before a change shows: an answer that was asked for earlier would bring back what it takes away. */
const stopAsking = async (names: readonly string[] = []): Promise<void> => {
  await Promise.all(names.map((name) => queryClient.cancelQueries({ queryKey: [name] })));
};

/** Changes every cached answer of one operation, lists page by page. Returns how to take it back. */
export const patchCache = <Data>(name: string, change: (data: Data) => Data): Rollback => {
  const before = queryClient.getQueriesData({ queryKey: [name] });
  for (const [key, data] of before) {
    if (data === undefined) continue;
    const paged = key[1] === 'pages';
    queryClient.setQueryData(key, paged ? changePages(data as InfiniteData<Data>, change) : change(data as Data));
  }
  return () => {
    for (const [key, data] of before) queryClient.setQueryData(key, data);
  };
};

const changePages = <Data>(data: InfiniteData<Data>, change: (page: Data) => Data): InfiniteData<Data> => ({
  ...data,
  pages: data.pages.map(change),
});

/** Changes (or, by null, removes) one item in every cached list of an operation. */
export const patchItem = <Item extends { id: string }>(
  listName: string,
  id: string,
  change: (item: Item) => Item | null,
): Rollback =>
  patchCache<Page<Item>>(listName, (page) =>
    page.items.some((item) => item.id === id)
      ? { ...page, items: page.items.flatMap((item) => (item.id === id ? (change(item) ?? []) : [item])) }
      : page,
  );

export interface WriteOptions<O extends Operation> {
  /** Draws the result before the server knows; returns how to take each change back. */
  optimistic?: (input: InputOf<O>) => Rollback[];
  /** Operations whose cached answers this write makes stale. */
  invalidates?: readonly string[];
  /** What the toast says; nothing without it. */
  done?: (output: OutputOf<O>, input: InputOf<O>) => string;
  /** The opposite call; puts "Undo" on the toast. */
  undo?: (input: InputOf<O>, output: OutputOf<O>) => Promise<unknown>;
  onSuccess?: (output: OutputOf<O>, input: InputOf<O>) => void;
  /** Forms show their errors themselves. */
  quiet?: boolean;
}

/** Writes by an operation: optimistic change, rollback and toast on refusal, undo by the opposite call. */
export const useOperationMutation = <O extends Operation>(
  operation: O,
  options: WriteOptions<O> = {},
): UseMutationResult<OutputOf<O>, Error, InputOf<O>, Rollback[]> =>
  useMutation<OutputOf<O>, Error, InputOf<O>, Rollback[]>({
    mutationKey: [operation.name],
    mutationFn: (input) =>
      call(operation, input, operation.idempotency === 'header' ? { idempotencyKey: crypto.randomUUID() } : {}),
    async onMutate(input) {
      // A refetch under way would overwrite the optimistic rows with older ones.
      await stopAsking(options.invalidates);
      return options.optimistic?.(input) ?? [];
    },
    onError(error, _input, rollbacks) {
      for (const rollback of rollbacks?.toReversed() ?? []) rollback();
      if (!options.quiet) toast({ title: sayError(error), tone: 'danger' });
    },
    onSuccess(output, input) {
      options.onSuccess?.(output, input);
      const title = options.done?.(output, input);
      if (!title) return;
      const { undo } = options;
      toast({
        title,
        tone: 'success',
        ...(undo ? { undo: () => void takeBack(undo(input, output), options.invalidates) } : {}),
      });
    },
    onSettled: () => invalidate(...(options.invalidates ?? [])),
  });

const takeBack = async (call: Promise<unknown>, names: readonly string[] = []): Promise<void> => {
  try {
    await call;
  } catch (error) {
    toast({ title: 'This could not be undone', detail: sayError(error), tone: 'danger' });
  } finally {
    await invalidate(...names);
  }
};

interface Deferred {
  send: (keepalive: boolean) => void;
}
const deferred = new Set<Deferred>();
addEventListener('pagehide', () => {
  for (const write of deferred) write.send(true);
});

/**
 * For what has no opposite call: the change shows at once, the call leaves when the ten seconds of "Undo" are over or the
 * page goes away.
 */
export const deferOperation = <O extends Operation>(
  operation: O,
  input: InputOf<O>,
  options: { title: string; optimistic: () => Rollback[]; invalidates?: readonly string[] },
): void => {
  void stopAsking(options.invalidates).then(() => beginDeferred(operation, input, options));
};

const beginDeferred = <O extends Operation>(
  operation: O,
  input: InputOf<O>,
  options: Parameters<typeof deferOperation<O>>[2],
): void => {
  const rollbacks = options.optimistic();
  const takeBackAll = () => {
    for (const rollback of rollbacks.toReversed()) rollback();
  };
  const write: Deferred = {
    send(keepalive) {
      if (!deferred.delete(write)) return;
      call(operation, input, { keepalive })
        .catch((error: unknown) => {
          takeBackAll();
          toast({ title: sayError(error), tone: 'danger' });
        })
        .finally(() => invalidate(...(options.invalidates ?? [])));
    },
  };
  deferred.add(write);
  toast({
    title: options.title,
    undo: () => {
      deferred.delete(write);
      takeBackAll();
    },
    onSettled: () => write.send(false),
  });
};
