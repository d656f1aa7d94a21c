import {
  type DiaryView,
  diariesDecideRelation,
  diariesListRelations,
  diariesRelate,
  diariesSearch,
  diariesUnrelate,
  type EntryView,
  type RelationKind,
  type RelationView,
  relationKinds,
} from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { entryReads } from './diary-changes.ts';
import { entryName, mayWrite, relationWords } from './diary-words.ts';

export const EntryRelations = ({ diary, entry }: { diary: DiaryView; entry: EntryView }) => {
  const list = useOperationList(diariesListRelations, { diary_ref: diary.id, entry_id: entry.id, limit: 50 });
  const [adding, setAdding] = useState(false);
  const writes = mayWrite(diary);
  if (list.isPending) return <SkeletonRows rows={3} />;
  if (list.error) return <FormError>{sayError(list.error)}</FormError>;
  return (
    <div className="flex flex-col gap-4">
      {list.items.length === 0 ? (
        <p className="text-14 text-text-2">Related to nothing yet.</p>
      ) : (
        <ul>
          {list.items.map((relation) => (
            <RelationRow key={relation.id} relation={relation} diary={diary} entry={entry} writes={writes} />
          ))}
        </ul>
      )}
      {list.hasMore && (
        <Button size="small" busy={list.loadingMore} onClick={list.loadMore}>
          Show more
        </Button>
      )}
      {writes &&
        (adding ? (
          <RelateForm diary={diary} entry={entry} onDone={() => setAdding(false)} />
        ) : (
          <Button size="small" className="self-start" onClick={() => setAdding(true)}>
            Relate to another entry
          </Button>
        ))}
    </div>
  );
};

const RelationRow = ({
  relation,
  diary,
  entry,
  writes,
}: {
  relation: RelationView;
  diary: DiaryView;
  entry: EntryView;
  writes: boolean;
}) => {
  const outward = relation.from.id === entry.id;
  const other = outward ? relation.to : relation.from;
  const input = { diary_ref: diary.id, entry_id: entry.id, relation_id: relation.id };
  const decide = useOperationMutation(diariesDecideRelation, {
    invalidates: entryReads,
    done: (decided) => (decided.status === 'accepted' ? 'Accepted' : 'Rejected'),
  });
  const remove = useOperationMutation(diariesUnrelate, { invalidates: entryReads, done: () => 'No longer related' });
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b border-line py-2.5 last:border-b-0">
      <span className="min-w-0 flex-1 basis-56">
        <span className="flex flex-wrap items-center gap-2 text-12 text-text-3">
          {relationWords[relation.kind][outward ? 'from' : 'to']}
          {relation.status === 'proposed' && <Badge tone="info">Proposed by {relation.proposed_by.name}</Badge>}
          {relation.changed_since && <Badge tone="warning">Changed since</Badge>}
        </span>
        <Link
          to="/diaries/$id/$entryId"
          params={{ id: other.diary_id, entryId: other.id }}
          dir="auto"
          className="block truncate text-left text-14 font-medium text-text hover:underline"
        >
          {entryName({ title: other.title, content: null })}
        </Link>
      </span>
      {writes && relation.status === 'proposed' && (
        <span className="flex gap-1.5">
          <Button size="small" onClick={() => decide.mutate({ ...input, decision: 'rejected' })}>
            Reject
          </Button>
          <Button size="small" tone="primary" onClick={() => decide.mutate({ ...input, decision: 'accepted' })}>
            Accept
          </Button>
        </span>
      )}
      {writes && relation.status === 'accepted' && relation.kind !== 'supersedes' && (
        <IconButton label="Remove this relation" size="small" onClick={() => remove.mutate(input)}>
          <X />
        </IconButton>
      )}
    </li>
  );
};

const kindOptions = relationKinds.map((value) => ({ value, label: relationWords[value].from }));

const RelateForm = ({ diary, entry, onDone }: { diary: DiaryView; entry: EntryView; onDone: () => void }) => {
  const [kind, setKind] = useState<RelationKind>('references');
  const [to, setTo] = useState<string>();
  const [q, setQ] = useState('');
  const found = useOperation(
    diariesSearch,
    { ...(q.trim() ? { query: q.trim().slice(0, 500) } : { diary_ref: diary.id }), content: 'snippet', limit: 20 },
    { keepPrevious: true },
  );
  const relate = useOperationMutation(diariesRelate, {
    quiet: true,
    invalidates: entryReads,
    done: () => 'Proposed',
    onSuccess: onDone,
  });
  const errors = formErrors(relate.error, ['kind', 'to_entry_id']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (to) relate.mutate({ diary_ref: diary.id, entry_id: entry.id, to_entry_id: to, kind });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4 rounded-card border border-line p-4">
      <div className="grid gap-4 sm:grid-cols-[160px_minmax(0,1fr)]">
        <FormField label="This entry" error={errors.of('kind')}>
          <Select value={kind} onChange={(value) => setKind(value as RelationKind)} options={kindOptions} />
        </FormField>
        <FormField label="Other entry" error={errors.of('to_entry_id')}>
          <Combobox
            placeholder="Choose an entry"
            searchPlaceholder="Words of it"
            onSearch={setQ}
            value={to ? [to] : []}
            onChange={([id]) => setTo(id)}
            options={(found.data?.items ?? [])
              .filter((hit) => hit.id !== entry.id)
              .map((hit) => ({
                value: hit.id,
                label: entryName({ title: hit.title, content: hit.snippet.text }),
                hint: hit.diary_id === diary.id ? '' : hit.diary_name,
              }))}
          />
        </FormField>
      </div>
      <FormError>{errors.rest}</FormError>
      <div className="flex gap-2">
        <Button tone="primary" size="small" type="submit" disabled={!to} busy={relate.isPending}>
          Propose
        </Button>
        <Button tone="ghost" size="small" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  );
};
