import { QueryClient } from '@tanstack/react-query';
import { ProblemError } from './client.ts';

/** The cache of this page. Events keep it fresh, so it does not grow stale by age while the connection lives. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 60_000,
      gcTime: 15 * 60_000,
      refetchOnWindowFocus: false,
      // A refusal stays a refusal; only silence is worth another try.
      retry: (failures, error) => !(error instanceof ProblemError && error.problem.status < 500) && failures < 2,
    },
    mutations: { retry: false },
  },
});
