import { type OutputOf, peopleList, routesTest } from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { CircleCheck, CircleSlash, LogIn } from 'lucide-react';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { Combobox } from '../../ui/combobox.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Input } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { Select } from '../../ui/select.tsx';
import { RoutesTabs } from './gateway-tabs.tsx';
import { verdictWords } from './gateway-words.ts';
import { testedMethods } from './route-search.ts';

type Trial = OutputOf<typeof routesTest>;

/** Stands for whoever asks in the list of people. */
const myself = 'me';

/** What would happen to a request, without making it. The address of the page carries the question. */
export const TesterPage = () => {
  const asked = useSearch({ from: '/frame/routes/test' });
  const navigate = useNavigate();
  const me = useMe();
  const mayAsOthers = useCan('routes.write');
  const [method, setMethod] = useState(asked.method ?? 'GET');
  const [url, setUrl] = useState(asked.url ?? '');
  const [as, setAs] = useState(asked.as);
  const [q, setQ] = useState('');
  const people = useOperation(
    peopleList,
    { org: 'current', ...(q.trim() ? { q: q.trim() } : {}), limit: 50 },
    { enabled: mayAsOthers, keepPrevious: true },
  ).data?.items;
  const trial = useOperationMutation(routesTest, { quiet: true });
  const errors = formErrors(trial.error, ['url', 'method', 'as']);
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, trial.error);
  const { mutate } = trial;
  const test = (input: { method: string; url: string; as: string | undefined }) =>
    mutate({ method: input.method, url: input.url, ...(input.as ? { as: input.as } : {}) });
  const first = useRef(asked);
  // Whoever comes with a question gets its answer.
  useEffect(() => {
    const { url: known, method: by = 'GET', as: who } = first.current;
    if (known && URL.canParse(known)) mutate({ method: by, url: known, ...(who ? { as: who } : {}) });
  }, [mutate]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void navigate({
      to: '/routes/test',
      search: { url, method: method === 'GET' ? undefined : method, as },
      replace: true,
    });
    test({ method, url, as });
  };
  const options = [
    { value: myself, label: `${me.principal.name} (you)` },
    ...(people ?? []).filter(({ id }) => id !== me.principal.id).map(({ id, name }) => ({ value: id, label: name })),
  ];
  return (
    <>
      <PageHeader title="Routes" tabs={<RoutesTabs />} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="flex max-w-[860px] flex-col gap-7 px-4 py-6 md:px-6">
          <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
            <div className="flex items-end gap-2">
              <FormField label="Method" className="w-28 shrink-0">
                <Select
                  value={method}
                  onChange={setMethod}
                  options={testedMethods.map((value) => ({ value, label: value }))}
                />
              </FormField>
              <FormField label="Address" className="min-w-0 flex-1" error={errors.of('url')}>
                <Input
                  name="tested-url"
                  type="url"
                  required
                  autoFocus={!asked.url}
                  maxLength={4000}
                  spellCheck={false}
                  className="font-mono text-13"
                  placeholder={`${location.origin}/apps/notes/`}
                  value={url}
                  onChange={(event) => setUrl(event.target.value)}
                />
              </FormField>
            </div>
            <div className="flex flex-wrap items-end gap-3">
              {mayAsOthers ? (
                <FormField label="As whom" className="w-72 max-sm:w-full" error={errors.of('as')}>
                  <Combobox
                    label="As whom"
                    value={[as ?? myself]}
                    onChange={([next]) => setAs(next === myself ? undefined : next)}
                    onSearch={setQ}
                    options={options}
                  />
                </FormField>
              ) : (
                <p className="flex items-center gap-2 text-13 text-text-2">
                  <PrincipalMark {...me.principal} id={me.principal.id ?? me.principal.name} size={18} /> As you
                </p>
              )}
              <Button tone="primary" type="submit" busy={trial.isPending} disabled={url === ''}>
                Test
              </Button>
            </div>
            <FormError>{errors.rest}</FormError>
          </form>
          {trial.data ? (
            <Result trial={trial.data} who={options.find(({ value }) => value === (as ?? myself))?.label ?? ''} />
          ) : (
            !trial.error &&
            !trial.isPending && (
              <p className="max-w-[60ch] border-t border-line pt-6 text-13 text-pretty text-text-3">
                Says which route takes an address, whether the gate lets somebody through, and what the app would be
                sent. Nothing is sent to it.
              </p>
            )
          )}
        </div>
      </div>
    </>
  );
};

const icons = { allow: CircleCheck, sign_in: LogIn } as const;
const inks = {
  success: 'text-success-text',
  info: 'text-info-text',
  warning: 'text-warning-text',
  danger: 'text-danger-text',
  neutral: 'text-text-2',
  accent: 'text-accent-text',
} as const;

const Result = ({ trial, who }: { trial: Trial; who: string }) => {
  const { sentence, tone } = verdictWords[trial.verdict];
  const Icon = trial.verdict === 'allow' || trial.verdict === 'sign_in' ? icons[trial.verdict] : CircleSlash;
  return (
    <section
      aria-label="Result"
      aria-live="polite"
      className="flex animate-fade-in flex-col gap-6 border-t border-line pt-6"
    >
      <div className="flex items-start gap-3">
        <Icon aria-hidden className={cx('mt-1 size-5 shrink-0', inks[tone])} />
        <div className="min-w-0">
          <p className="text-20 font-semibold text-balance">
            {who && <bdi>{who.replace(/ \(you\)$/, '')} </bdi>}
            {sentence.charAt(0).toLowerCase() + sentence.slice(1)}
          </p>
          <p className="mt-0.5 max-w-[72ch] text-14 text-pretty text-text-2">{trial.reason}</p>
        </div>
      </div>
      <dl className="grid gap-x-8 gap-y-4 sm:grid-cols-[140px_minmax(0,1fr)]">
        <Line label="Route">
          {trial.route ? (
            <Link to="/routes/$id" params={{ id: trial.route.id }} className="quiet-link">
              {trial.route.slug}
            </Link>
          ) : (
            <span className="text-text-2">None takes this address</span>
          )}
        </Line>
        {trial.required_scopes.length > 0 && (
          <Line label="Needs">
            <code className="text-13 break-words">{trial.required_scopes.join(' ')}</code>
          </Line>
        )}
        {trial.target && (
          <Line label="Would be asked">
            <code className="text-13 break-all">{trial.target}</code>
          </Line>
        )}
        {trial.request_headers.length > 0 && (
          <Line label="Sent along">
            <div className="overflow-hidden rounded-control border border-line bg-sunken">
              <table className="w-full text-12">
                <tbody className="divide-y divide-line font-mono">
                  {trial.request_headers.map(([name, value], index) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a header may come twice with the same value.
                    <tr key={index} className="max-sm:flex max-sm:flex-col">
                      <th
                        scope="row"
                        className="px-3 py-1.5 text-start align-top font-normal whitespace-nowrap text-text-2 max-sm:pb-0"
                      >
                        {name}
                      </th>
                      <td className="px-3 py-1.5 break-all text-text sm:w-full">{value}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </Line>
        )}
      </dl>
    </section>
  );
};

const Line = ({ label, children }: { label: string; children: ReactNode }) => (
  <>
    <dt className="text-13 text-text-3 max-sm:-mb-3">{label}</dt>
    <dd className="min-w-0 text-14">{children}</dd>
  </>
);
