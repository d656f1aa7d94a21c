import {
  type AnswerValues,
  type Form,
  type ItemView,
  inboxGetDraft,
  inboxSaveDraft,
  splitSealed,
} from '@atrium/protocol';
import { useEffect, useRef, useState } from 'react';
import { call } from '../../data/client.ts';
import { operationQuery, useOperation } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { isTouched } from '../forms/form-session.ts';

/** The draft saved earlier, once it is known; an unreachable draft counts as none. */
export const useSavedDraft = (
  item: ItemView,
): { ready: boolean; draft: { values: AnswerValues; page: string | null } | null } => {
  const open = item.status === 'open' && item.form !== null;
  const query = useOperation(inboxGetDraft, { id: item.id }, { enabled: open, staleTime: 0 });
  return { ready: !open || !query.isLoading, draft: query.data ?? null };
};

/** Saves the draft a moment after the last key, and at once when the page goes. Sealed values stay in the form. */
export const useAutosave = (
  item: ItemView,
  form: Form,
  values: AnswerValues,
  page: string,
  enabled: boolean,
): 'idle' | 'saving' | 'saved' => {
  const [state, setState] = useState<'idle' | 'saving' | 'saved'>('idle');
  const saved = useRef(values);
  const touched = useRef(false);
  const pending = useRef<(() => void) | null>(null);
  useEffect(() => {
    if (!enabled || saved.current === values) return;
    if (!touched.current && !isTouched(form, values)) return;
    touched.current = true;
    const save = (keepalive: boolean) => {
      pending.current = null;
      saved.current = values;
      setState('saving');
      call(inboxSaveDraft, { id: item.id, values: splitSealed(form, values).open, page: page || null }, { keepalive })
        .then((draft) => {
          queryClient.setQueryData(operationQuery(inboxGetDraft, { id: item.id }).queryKey, draft);
          setState('saved');
        })
        // The next key tries again; the text is still in the form.
        .catch(() => setState('idle'));
    };
    pending.current = () => save(true);
    const timer = setTimeout(() => save(false), 800);
    return () => clearTimeout(timer);
  }, [item.id, form, values, page, enabled]);
  useEffect(() => {
    const flush = () => pending.current?.();
    addEventListener('pagehide', flush);
    return () => {
      removeEventListener('pagehide', flush);
      flush();
    };
  }, []);
  useEffect(() => {
    // Once the answer is given there is nothing left to save.
    if (!enabled) pending.current = null;
  }, [enabled]);
  return state;
};
