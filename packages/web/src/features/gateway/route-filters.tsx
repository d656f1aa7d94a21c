import { ArrowDown, ArrowUp, Plus, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button, IconButton } from '../../ui/button.tsx';
import { DropdownMenu } from '../../ui/dropdown-menu.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput, Textarea } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { type FilterKind, filterWords, headersOf, headersText, type RouteDraft } from './route-draft.ts';
import { LinesField, NumberField } from './route-fields.tsx';

type Filters = RouteDraft['filters'];
type Filter = Filters[number];
type Of<K extends FilterKind> = Extract<Filter, { kind: K }>;

const fresh: { [K in FilterKind]: Of<K> } = {
  ip_allow: { kind: 'ip_allow', cidrs: [] },
  rate: { kind: 'rate', requests: 600, window_s: 60, by: 'address' },
  headers: { kind: 'headers', request: {}, response: {} },
  redirect: { kind: 'redirect', from: '', to: '', status: 308 },
  basic_auth: { kind: 'basic_auth', users: [{ name: '', password: '' }] },
  circuit: { kind: 'circuit', min_requests: 20, error_percent: 50, window_s: 30, open_s: 30 },
  mirror: { kind: 'mirror', url: '', percent: 100, max_body: 65_536 },
  geoblock: { kind: 'geoblock', mode: 'allow', countries: [], unknown: 'deny' },
  retry: { kind: 'retry', attempts: 1 },
  cors_preflight: { kind: 'cors_preflight', allow: true },
};

/** What happens to a request between the gate and the target, in this order. */
export const FiltersEditor = ({
  filters,
  kinds = Object.keys(filterWords) as FilterKind[],
  onChange,
  errorOf,
}: {
  filters: Filters;
  /** Those that may be added. */
  kinds?: readonly FilterKind[];
  onChange: (filters: Filters) => void;
  errorOf: (path: string) => string | undefined;
}) => {
  const set = (index: number, filter: Filter) => onChange(filters.map((one, at) => (at === index ? filter : one)));
  const move = (index: number, by: number) =>
    onChange(filters.with(index, filters[index + by]!).with(index + by, filters[index]!));
  return (
    <div className="flex flex-col gap-4">
      {filters.length === 0 ? (
        <p className="text-13 text-text-3">Nothing stands between the gate and the target.</p>
      ) : (
        <ol aria-label="Filters" className="flex flex-col divide-y divide-line rounded-card border border-line">
          {filters.map((filter, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a filter has no identity but its place.
            <li key={`${index} ${filter.kind}`} className="flex flex-col gap-3 px-4 py-3">
              <div className="flex items-center gap-1">
                <span className="min-w-0 flex-1">
                  <span className="block text-14 font-medium">{filterWords[filter.kind].label}</span>
                  <span className="block text-13 text-text-3">{filterWords[filter.kind].hint}</span>
                </span>
                {filters.length > 1 && (
                  <>
                    <IconButton size="small" label="Move up" disabled={index === 0} onClick={() => move(index, -1)}>
                      <ArrowUp />
                    </IconButton>
                    <IconButton
                      size="small"
                      label="Move down"
                      disabled={index === filters.length - 1}
                      onClick={() => move(index, 1)}
                    >
                      <ArrowDown />
                    </IconButton>
                  </>
                )}
                <IconButton
                  size="small"
                  label={`Remove ${filterWords[filter.kind].label.toLowerCase()}`}
                  onClick={() => onChange(filters.filter((_, at) => at !== index))}
                >
                  <X />
                </IconButton>
              </div>
              <FilterFields filter={filter} onChange={(next) => set(index, next)} name={`filter-${index}`} />
              <FormError>{errorOf(`filters.${index}`)}</FormError>
            </li>
          ))}
        </ol>
      )}
      <div>
        <DropdownMenu
          align="start"
          trigger={
            <Button size="small" icon={<Plus aria-hidden className="size-4" />} disabled={filters.length >= 20}>
              Add filter
            </Button>
          }
          entries={kinds.map((kind) => ({
            label: filterWords[kind].label,
            onSelect: () => onChange([...filters, structuredClone(fresh[kind])]),
          }))}
        />
      </div>
    </div>
  );
};

const FilterFields = ({
  filter,
  onChange,
  name,
}: {
  filter: Filter;
  onChange: (filter: Filter) => void;
  name: string;
}): ReactNode => {
  switch (filter.kind) {
    case 'ip_allow':
      return (
        <LinesField
          label="Addresses"
          name={name}
          rows={2}
          value={filter.cidrs}
          onChange={(cidrs) => onChange({ ...filter, cidrs })}
          placeholder={'192.168.1.0/24\n2001:db8::/32'}
          hint="One a line, single or with a prefix"
        />
      );
    case 'rate':
      return (
        <div className="grid gap-3 sm:grid-cols-3">
          <NumberField
            label="Requests"
            min={1}
            required
            value={filter.requests}
            onChange={(requests) => onChange({ ...filter, requests: requests ?? 1 })}
          />
          <NumberField
            label="Within"
            unit="s"
            min={1}
            required
            value={filter.window_s}
            onChange={(window_s) => onChange({ ...filter, window_s: window_s ?? 60 })}
          />
          <FormField label="Counted by">
            <Select
              value={filter.by}
              onChange={(by) => onChange({ ...filter, by: by as 'address' | 'principal' })}
              options={[
                { value: 'address', label: 'Address' },
                { value: 'principal', label: 'Who it is' },
              ]}
            />
          </FormField>
        </div>
      );
    case 'headers':
      return (
        <div className="grid gap-3 sm:grid-cols-2">
          <HeadersField
            label="For the app"
            name={`${name}-request`}
            value={filter.request}
            onChange={(request) => onChange({ ...filter, request })}
          />
          <HeadersField
            label="For the client"
            name={`${name}-response`}
            value={filter.response}
            onChange={(response) => onChange({ ...filter, response })}
          />
        </div>
      );
    case 'redirect':
      return (
        <div className="grid gap-3 sm:grid-cols-[1fr_1fr_auto]">
          <FormField label="From" hint="* at the end: any rest">
            <Input
              name={`${name}-from`}
              required
              className="font-mono text-13"
              placeholder="/old/*"
              value={filter.from}
              onChange={(event) => onChange({ ...filter, from: event.target.value })}
            />
          </FormField>
          <FormField label="To" hint="* takes the rest">
            <Input
              name={`${name}-to`}
              required
              className="font-mono text-13"
              placeholder="/new/*"
              value={filter.to}
              onChange={(event) => onChange({ ...filter, to: event.target.value })}
            />
          </FormField>
          <FormField label="Status" className="sm:w-28">
            <Select
              value={String(filter.status)}
              onChange={(status) => onChange({ ...filter, status: Number(status) as Of<'redirect'>['status'] })}
              options={['301', '302', '307', '308'].map((value) => ({ value, label: value }))}
            />
          </FormField>
        </div>
      );
    case 'basic_auth':
      return <UsersFields filter={filter} onChange={onChange} name={name} />;
    case 'circuit':
      return (
        <div className="grid gap-3 sm:grid-cols-4">
          <NumberField
            label="Opens at"
            unit="%"
            min={1}
            max={100}
            step={1}
            required
            value={filter.error_percent}
            onChange={(error_percent) => onChange({ ...filter, error_percent: error_percent ?? 50 })}
          />
          <NumberField
            label="Requests at least"
            min={1}
            max={10_000}
            step={1}
            required
            value={filter.min_requests}
            onChange={(min_requests) => onChange({ ...filter, min_requests: min_requests ?? 20 })}
          />
          <NumberField
            label="Within"
            unit="s"
            min={1}
            max={3600}
            step={1}
            required
            value={filter.window_s}
            onChange={(window_s) => onChange({ ...filter, window_s: window_s ?? 30 })}
          />
          <NumberField
            label="Stays open"
            unit="s"
            min={1}
            max={3600}
            step={1}
            required
            value={filter.open_s}
            onChange={(open_s) => onChange({ ...filter, open_s: open_s ?? 30 })}
          />
        </div>
      );
    case 'mirror':
      return (
        <div className="grid gap-3 sm:grid-cols-[1fr_6.5rem_8rem]">
          <FormField label="Target of copies">
            <Input
              name={`${name}-url`}
              required
              inputMode="url"
              spellCheck={false}
              className="font-mono text-13"
              placeholder="http://192.168.1.9:8096"
              value={filter.url}
              onChange={(event) => onChange({ ...filter, url: event.target.value })}
            />
          </FormField>
          <NumberField
            label="Share"
            unit="%"
            min={1}
            max={100}
            step={1}
            required
            value={filter.percent}
            onChange={(percent) => onChange({ ...filter, percent: percent ?? 100 })}
          />
          <NumberField
            label="Bodies up to"
            unit="KiB"
            times={1024}
            min={0}
            max={1024}
            step={1}
            required
            value={filter.max_body}
            onChange={(max_body) => onChange({ ...filter, max_body: max_body ?? 65_536 })}
          />
        </div>
      );
    case 'geoblock':
      return (
        <div className="grid gap-3 sm:grid-cols-3">
          <FormField label="These countries">
            <Select
              value={filter.mode}
              onChange={(mode) => onChange({ ...filter, mode: mode as 'allow' | 'deny' })}
              options={[
                { value: 'allow', label: 'May, no others' },
                { value: 'deny', label: 'May not' },
              ]}
            />
          </FormField>
          <CountriesField
            name={name}
            value={filter.countries}
            onChange={(countries) => onChange({ ...filter, countries })}
          />
          <FormField label="Not to be placed">
            <Select
              value={filter.unknown}
              onChange={(unknown) => onChange({ ...filter, unknown: unknown as 'allow' | 'deny' })}
              options={[
                { value: 'deny', label: 'May not' },
                { value: 'allow', label: 'May' },
              ]}
            />
          </FormField>
        </div>
      );
    case 'retry':
      return (
        <div className="sm:w-40">
          <NumberField
            label="Attempts more"
            min={0}
            max={3}
            step={1}
            required
            value={filter.attempts}
            onChange={(attempts) => onChange({ ...filter, attempts: attempts ?? 0 })}
          />
        </div>
      );
    case 'cors_preflight':
      return null;
    default:
      return filter satisfies never;
  }
};

const codesOf = (text: string): string[] => text.toUpperCase().match(/[A-Z]{2,}/g) ?? [];

const CountriesField = ({
  name,
  value,
  onChange,
}: {
  name: string;
  value: readonly string[];
  onChange: (countries: string[]) => void;
}) => {
  const [text, setText] = useState(value.join(', '));
  if (codesOf(text).join() !== value.join()) setText(value.join(', '));
  return (
    <FormField label="Codes" hint="Two letters each">
      <Input
        name={`${name}-countries`}
        required
        spellCheck={false}
        className="font-mono text-13 uppercase placeholder:normal-case"
        placeholder="DE, FR, NZ"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          onChange(codesOf(event.target.value));
        }}
      />
    </FormField>
  );
};

const HeadersField = ({
  label,
  name,
  value,
  onChange,
}: {
  label: string;
  name: string;
  value: Readonly<Record<string, string | null>>;
  onChange: (value: Record<string, string | null>) => void;
}) => {
  const [text, setText] = useState(headersText(value));
  const own = headersText(value);
  if (headersText(headersOf(text)) !== headersText(headersOf(own))) setText(own);
  return (
    <FormField label={label} hint="Name: value sets, -Name removes">
      <Textarea
        name={name}
        rows={2}
        spellCheck={false}
        className="font-mono text-13"
        placeholder={'X-Forwarded-By: atrium\n-Server'}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          onChange(headersOf(event.target.value));
        }}
      />
    </FormField>
  );
};

const UsersFields = ({
  filter,
  onChange,
  name,
}: {
  filter: Of<'basic_auth'>;
  onChange: (filter: Filter) => void;
  name: string;
}) => {
  const { users } = filter;
  const set = (index: number, change: Partial<(typeof users)[number]>) =>
    onChange({ ...filter, users: users.map((user, at) => (at === index ? { ...user, ...change } : user)) });
  return (
    <div className="flex flex-col gap-2.5">
      {users.map((user, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the name is what is being typed.
        <div key={index} className="flex items-end gap-2">
          <FormField label="Name" className="min-w-0 flex-1">
            <Input
              name={`${name}-user-${index}`}
              required
              autoComplete="off"
              value={user.name}
              onChange={(event) => set(index, { name: event.target.value })}
            />
          </FormField>
          <FormField label="Password" className="min-w-0 flex-1">
            <PasswordInput
              name={`${name}-password-${index}`}
              autoComplete="new-password"
              minLength={8}
              required={!user.password_set}
              placeholder={user.password_set ? 'Stays as it is' : '8 characters at least'}
              value={user.password ?? ''}
              onChange={({ target: { value } }) => {
                const { password: _before, ...rest } = user;
                onChange({
                  ...filter,
                  users: users.map((one, at) => (at === index ? (value ? { ...rest, password: value } : rest) : one)),
                });
              }}
            />
          </FormField>
          <IconButton
            label={`Remove ${user.name || 'this name'}`}
            disabled={users.length === 1}
            onClick={() => onChange({ ...filter, users: users.filter((_, at) => at !== index) })}
          >
            <X />
          </IconButton>
        </div>
      ))}
      <div>
        <Button
          size="small"
          tone="ghost"
          onClick={() => onChange({ ...filter, users: [...users, { name: '', password: '' }] })}
        >
          Add a name
        </Button>
      </div>
    </div>
  );
};
