import { peopleList, rolesList, teamsList } from '@atrium/protocol';
import { useState } from 'react';
import { useOperation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Combobox } from '../../ui/combobox.tsx';
import { FormField } from '../../ui/form-field.tsx';
import type { RouteDraft } from './route-draft.ts';

type People = RouteDraft['people'];

/** Whom a route lets in: one match is enough. */
export const PeoplePicker = ({ value, onChange }: { value: People; onChange: (value: People) => void }) => {
  const [q, setQ] = useState('');
  const mayRoles = useCan('users.invite');
  const people = useOperation(
    peopleList,
    { org: 'current', ...(q.trim() ? { q: q.trim() } : {}), limit: 50 },
    { keepPrevious: true },
  ).data;
  const teams = useOperation(teamsList, { org: 'current', limit: 200 }).data;
  const roles = useOperation(rolesList, { org: 'current', limit: 200 }, { enabled: mayRoles }).data;
  return (
    <div className="flex flex-col gap-4">
      <FormField label="People" group>
        <Combobox
          multiple
          label="People"
          placeholder="Nobody by name"
          value={value.user_ids}
          onChange={(user_ids) => onChange({ ...value, user_ids })}
          onSearch={setQ}
          options={(people?.items ?? [])
            .filter(({ kind }) => kind === 'user')
            .map(({ id, name }) => ({ value: id, label: name }))}
        />
      </FormField>
      <FormField label="Teams" group>
        <Combobox
          multiple
          label="Teams"
          placeholder="No team"
          value={value.team_ids}
          onChange={(team_ids) => onChange({ ...value, team_ids })}
          options={(teams?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
        />
      </FormField>
      {mayRoles && (
        <FormField label="Roles" group>
          <Combobox
            multiple
            label="Roles"
            placeholder="No role"
            value={value.role_ids}
            onChange={(role_ids) => onChange({ ...value, role_ids })}
            options={(roles?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          />
        </FormField>
      )}
    </div>
  );
};
