import { type RouteView, routesGet, routesUpdate } from '@atrium/protocol';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { call, ProblemError, sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput, Textarea } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { toast } from '../../ui/toast.tsx';
import { RadioGroup, Switch } from '../../ui/toggles.tsx';
import { accessOrder, accessWords, kindWords, modeWords, type RouteKind } from './gateway-words.ts';
import { RecipeField } from './recipe-field.tsx';
import {
  authWords,
  changedFields,
  changeOf,
  draftOf,
  draftWarnings,
  fieldLabels,
  meanwhile,
  ofKind,
  type RouteDraft,
  type RouteField,
  rebase,
  routeFields,
  streamFilters,
} from './route-draft.ts';
import { LinesField, NumberField, SwitchGroup } from './route-fields.tsx';
import { FiltersEditor } from './route-filters.tsx';
import { PeoplePicker } from './route-people.tsx';
import { StreamAddress, StreamLimits } from './route-stream.tsx';
import { TargetsEditor, useTargetHealth } from './route-targets.tsx';

const kindOptions = (Object.keys(kindWords) as RouteKind[]).map((value) => ({ value, label: kindWords[value].label }));
const modes = (['path', 'host', 'both'] as const).map((value) => ({ value, label: modeWords[value].label }));
const accessOptions = accessOrder.map((value) => ({
  value,
  label: accessWords[value].label,
  hint: accessWords[value].hint,
}));
const authOptions = (['strip', 'pass', 'basic', 'bearer'] as const).map((value) => ({
  value,
  label: authWords[value].label,
  hint: authWords[value].hint,
}));

interface RouteFormProps {
  route: RouteView;
  mayWrite: boolean;
  /** Between who may open it and what the app answers: its share links. */
  shares: ReactNode;
  children: ReactNode;
}

/** Every field of a route in calm sections; what is saved is what was changed, and nothing else. */
export const RouteForm = ({ route, mayWrite, shares, children }: RouteFormProps) => {
  /** The version that the draft was begun on; a newer one must not slip in unseen. */
  const [base, setBase] = useState(route);
  const [draft, setDraft] = useState(() => draftOf(route));
  const form = useRef<HTMLFormElement>(null);
  const health = useTargetHealth(route.app_slug, route.id);
  const take = (from: RouteView) => {
    setBase(from);
    setDraft(draftOf(from));
  };
  const update = useOperationMutation(routesUpdate, {
    quiet: true,
    invalidates: ['routes.list', 'apps.list', 'apps.health', 'gateway.list_versions'],
    done: () => 'Saved',
    onSuccess(saved) {
      queryClient.setQueryData([routesGet.name, { id: saved.id }], saved);
      take(saved);
    },
  });
  const before = draftOf(base);
  const dirty = changedFields(before, draft);
  const readOnly = !mayWrite || route.locked !== null;
  // Nothing is edited here: what others changed shows at once.
  if (dirty.length === 0 && base.version !== route.version) take(route);
  const theirs = dirty.length > 0 && base.version !== route.version ? meanwhile(before, draft, draftOf(route)) : null;
  // That somebody was faster is said by what they changed, once that is here.
  const refusal = theirs === null ? update.error : null;
  const errors = formErrors(refusal, routeFields);
  useFocusInvalid(form, refusal);
  const change = (part: Partial<RouteDraft>) => setDraft((current) => ({ ...current, ...part }));
  const set =
    <F extends RouteField>(field: F) =>
    (value: RouteDraft[F]) =>
      change({ [field]: value } as Partial<RouteDraft>);
  const keepMine = () => {
    update.reset();
    setBase(route);
    setDraft(rebase(before, draft, draftOf(route)));
  };
  const save = async () => {
    if (readOnly || update.isPending || dirty.length === 0) return;
    if (!form.current?.reportValidity()) return;
    try {
      await update.mutateAsync({ id: route.id, version: base.version, ...changeOf(before, draft) });
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== 'gateway_route_stale') return;
      // Somebody was faster, and the event of it is still under way: read what they made of it.
      await call(routesGet, { id: route.id }).then(
        (current) => queryClient.setQueryData([routesGet.name, { id: route.id }], current),
        (failed: unknown) => toast({ title: sayError(failed), tone: 'danger' }),
      );
    }
  };
  const submit = (event: FormEvent) => {
    // Dialogs of the sections below are children of this form as well, and send their own.
    if (event.target !== event.currentTarget) return;
    event.preventDefault();
    void save();
  };
  useShortcut('mod+s', 'Save', () => void save(), { group: 'Route', enabled: !readOnly });
  const errorOf = (path: string) => errors.of(path);
  const operator = useMe().is_operator;
  // Ports are an operator's to open.
  const kinds = kindOptions.filter(({ value }) => value !== 'stream' || operator || draft.kind === 'stream');
  const { stream } = draft;
  // The server warns of what is saved, and names it; while something is edited, the draft speaks for itself.
  const warnings =
    dirty.length === 0 && route.warnings.length > 0
      ? route.warnings.map((text) => ({ tone: 'warning' as const, text }))
      : draftWarnings(draft);
  return (
    <form ref={form} onSubmit={submit} className="contents" aria-label={`Route ${route.slug}`}>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="flex max-w-[1120px] flex-col gap-2 px-4 pt-5 empty:hidden md:px-6">
          {route.locked !== null && (
            <Notice>
              This route is kept in <code className="text-12">{route.locked}</code>. It is changed there; here it can be
              looked at.
            </Notice>
          )}
          {theirs && <Meanwhile changes={theirs} onKeep={keepMine} onTake={() => take(route)} />}
          {warnings.map(({ tone, text }) => (
            <Notice key={text} tone={tone}>
              {text}
            </Notice>
          ))}
        </div>
        <fieldset disabled={readOnly} className="min-w-0">
          <Sections>
            <Section title="Address" lead={stream === null ? 'Where people open it.' : 'Where clients connect.'}>
              <div className="flex flex-col gap-5">
                <FormField label={fieldLabels.kind} group hint={kindWords[draft.kind].hint}>
                  <div className="-mx-1 overflow-x-auto px-1 [scrollbar-width:none]">
                    <Segmented
                      label={fieldLabels.kind}
                      value={draft.kind}
                      onChange={(kind) => change(ofKind(draft, kind))}
                      options={kinds}
                    />
                  </div>
                </FormField>
                {draft.kind === 'redirect' && (
                  <FormField label={fieldLabels.redirect_to} error={errorOf('redirect_to')}>
                    <Input
                      name="redirect-to"
                      required
                      maxLength={2000}
                      className="font-mono text-13"
                      placeholder="https://example.org/"
                      value={draft.redirect_to ?? ''}
                      onChange={(event) => change({ redirect_to: event.target.value || null })}
                    />
                  </FormField>
                )}
                {stream !== null && <StreamAddress stream={stream} draft={draft} change={change} errorOf={errorOf} />}
                {stream === null && (
                  <>
                    <FormField label={fieldLabels.mode} group hint={modeWords[draft.mode].hint} error={errorOf('mode')}>
                      <div>
                        <Segmented label={fieldLabels.mode} value={draft.mode} onChange={set('mode')} options={modes} />
                      </div>
                    </FormField>
                    {draft.mode !== 'host' && (
                      <FormField
                        label={fieldLabels.path_base}
                        required={false}
                        error={errorOf('path_base')}
                        hint="With a slash at the end: everything below it. Left empty it is made of the short name."
                      >
                        <Input
                          name="path-base"
                          spellCheck={false}
                          className="font-mono text-13"
                          placeholder={`/apps/${draft.slug}/`}
                          value={draft.path_base ?? ''}
                          onChange={(event) => change({ path_base: event.target.value || null })}
                        />
                      </FormField>
                    )}
                    {draft.mode !== 'path' && (
                      <>
                        <LinesField
                          label={fieldLabels.hosts}
                          name="hosts"
                          error={errorOf('hosts')}
                          hint="One a line, each pointing to this server; *.example.org stands for any name before it."
                          placeholder="media.example.org"
                          value={draft.hosts}
                          onChange={set('hosts')}
                        />
                        <FormField label={fieldLabels.host_path} error={errorOf('host_path')}>
                          <Input
                            name="host-path"
                            required
                            className="font-mono text-13"
                            value={draft.host_path}
                            onChange={(event) => change({ host_path: event.target.value })}
                          />
                        </FormField>
                      </>
                    )}
                  </>
                )}
                <FormField
                  label={fieldLabels.slug}
                  error={errorOf('slug')}
                  hint="One on the whole server; scopes such as access:name use it."
                >
                  <Input
                    name="slug"
                    required
                    maxLength={64}
                    pattern="[A-Za-z0-9_\-]{1,64}"
                    spellCheck={false}
                    className="font-mono text-13"
                    value={draft.slug}
                    onChange={(event) => change({ slug: event.target.value })}
                  />
                </FormField>
              </div>
            </Section>
            {(draft.kind === 'http' || draft.kind === 'stream') && (
              <Section title="Targets" lead="What answers behind it.">
                <div className="flex flex-col gap-5">
                  <TargetsEditor draft={draft} onChange={change} health={health} errorOf={errorOf} />
                  <FormError>{errorOf('targets') && !errorOf('targets.0') ? errorOf('targets') : undefined}</FormError>
                  {(draft.container_ref !== null || route.container_ref !== null) && (
                    <FormField
                      label={fieldLabels.container_ref}
                      required={false}
                      hint="A container that moves is followed by this id."
                      error={errorOf('container_ref')}
                    >
                      <Input
                        name="container-ref"
                        maxLength={200}
                        spellCheck={false}
                        className="font-mono text-13"
                        value={draft.container_ref ?? ''}
                        onChange={(event) => change({ container_ref: event.target.value || null })}
                      />
                    </FormField>
                  )}
                </div>
              </Section>
            )}
            {stream !== null && (
              <Section title="Who may connect" lead="Limits of the port, counted by this server.">
                <StreamLimits stream={stream} change={change} errorOf={errorOf} />
              </Section>
            )}
            {stream === null && (
              <Section title="Who may open it" lead="Whoever may not finds nothing at this address.">
                <div className="flex flex-col gap-5">
                  <FormField
                    label={<span className="sr-only">{fieldLabels.access}</span>}
                    group
                    error={errorOf('access')}
                  >
                    <RadioGroup
                      label={fieldLabels.access}
                      value={draft.access}
                      onChange={(access) => change({ access: access as RouteDraft['access'] })}
                      options={accessOptions}
                    />
                  </FormField>
                  {draft.access === 'people' && <PeoplePicker value={draft.people} onChange={set('people')} />}
                  {(draft.access === 'scopes' || draft.scopes.length > 0) && (
                    <LinesField
                      label={fieldLabels.scopes}
                      name="scopes"
                      error={errorOf('scopes')}
                      hint="One a line; all are required."
                      placeholder={`access:${draft.slug}`}
                      value={draft.scopes}
                      onChange={set('scopes')}
                    />
                  )}
                  <SwitchGroup>
                    <Switch
                      label={fieldLabels.trusted}
                      hint="An operator's word that a path on this server may be used without TLS beyond this machine."
                      checked={draft.trusted}
                      onChange={set('trusted')}
                    />
                  </SwitchGroup>
                  <FormError>{errorOf('trusted')}</FormError>
                </div>
              </Section>
            )}
            {draft.kind === 'http' && (
              <>
                <Section title="Answer" lead="What is done to requests and answers on their way.">
                  <AnswerFields draft={draft} change={change} errorOf={errorOf} />
                </Section>
                <Section title="Health" lead="Targets that fail are left out while another one answers.">
                  <HealthFields draft={draft} change={change} />
                </Section>
                <Section
                  title="Timeouts"
                  lead="Clocks of silence, never of the whole: a download of hours is never cut. 0 is none."
                >
                  <TimeoutFields draft={draft} change={change} />
                </Section>
              </>
            )}
            <Section title="Filters" lead="Between the gate and the target, from top to bottom.">
              <FiltersEditor
                filters={draft.filters}
                {...(stream === null ? {} : { kinds: streamFilters })}
                onChange={set('filters')}
                errorOf={errorOf}
              />
            </Section>
            {draft.kind === 'http' && (
              <Section title="Towards the target" lead="How this server proves itself there, and what it believes.">
                <UpstreamFields draft={draft} change={change} errorOf={errorOf} />
              </Section>
            )}
          </Sections>
        </fieldset>
        <div className="border-t border-line">
          <Sections>
            {shares}
            {children}
          </Sections>
        </div>
      </div>
      {!readOnly && (dirty.length > 0 || errors.rest) && (
        <div className="shrink-0 border-t border-line bg-raised px-4 py-2.5 md:px-6">
          <div className="flex max-w-[1072px] flex-col gap-2">
            <FormError>{errors.rest}</FormError>
            <div className="flex items-center justify-end gap-2">
              <p role="status" className="min-w-0 flex-1 truncate text-13 text-text-2">
                <span className="font-medium text-text">
                  {dirty.length === 1 ? 'One change' : `${dirty.length} changes`}
                </span>
                <span className="max-sm:hidden">
                  : {dirty.map((field) => fieldLabels[field].toLowerCase()).join(', ')}
                </span>
              </p>
              <Button
                tone="ghost"
                onClick={() => {
                  update.reset();
                  take(route);
                }}
              >
                Revert
              </Button>
              <Button tone="primary" type="submit" busy={update.isPending} disabled={theirs !== null}>
                Save
              </Button>
            </div>
          </div>
        </div>
      )}
    </form>
  );
};

const Meanwhile = ({
  changes,
  onKeep,
  onTake,
}: {
  changes: ReturnType<typeof meanwhile>;
  onKeep: () => void;
  onTake: () => void;
}) => (
  <Notice tone="warning">
    <p className="font-medium text-text">This route has changed since you began. Your draft is kept.</p>
    <ul aria-label="Changed meanwhile" className="my-1.5 flex flex-col gap-0.5">
      {changes.map(({ field, label, before, now, contested }) => (
        <li key={field} className="break-words">
          <span className="font-medium text-text">{label}</span>: <del className="text-text-3">{before}</del> →{' '}
          <ins className="no-underline">{now}</ins>
          {contested && <span className="text-warning-text"> (you change this as well)</span>}
        </li>
      ))}
      {changes.length === 0 && <li>Nothing that this page shows.</li>}
    </ul>
    <span className="flex flex-wrap gap-2 pt-0.5">
      <Button size="small" onClick={onKeep}>
        Put mine on top
      </Button>
      <Button size="small" tone="ghost" onClick={onTake}>
        Drop mine
      </Button>
    </span>
  </Notice>
);

interface PartProps {
  draft: RouteDraft;
  change: (part: Partial<RouteDraft>) => void;
  errorOf: (path: string) => string | undefined;
}

const AnswerFields = ({ draft, change, errorOf }: PartProps) => (
  <div className="flex flex-col gap-5">
    <SwitchGroup>
      <Switch
        label={fieldLabels.websockets}
        hint="Connections that stay open both ways."
        checked={draft.websockets}
        onChange={(websockets) => change({ websockets })}
      />
      <Switch
        label={fieldLabels.strip_prefix}
        hint="The app sees /page instead of /apps/name/page."
        checked={draft.strip_prefix}
        onChange={(strip_prefix) => change({ strip_prefix })}
      />
      <Switch
        label={fieldLabels.rewrite}
        hint="Addresses in its pages are changed so that they work below the path."
        checked={draft.rewrite}
        onChange={(rewrite) => change({ rewrite })}
      />
    </SwitchGroup>
    {draft.rewrite && (
      <LinesField
        label={fieldLabels.exclude_paths}
        name="exclude-paths"
        error={errorOf('exclude_paths')}
        hint="Paths, one a line; * stands for a part of one, ** for any."
        placeholder="/api/**"
        value={draft.exclude_paths}
        onChange={(exclude_paths) => change({ exclude_paths })}
      />
    )}
    <SwitchGroup>
      <Switch
        label={fieldLabels.rewrite_cookie_paths}
        hint="Cookies of the app count below its path and nowhere else."
        checked={draft.rewrite_cookie_paths}
        onChange={(rewrite_cookie_paths) => change({ rewrite_cookie_paths })}
      />
      <Switch
        label={fieldLabels.strip_response_cookies}
        hint="The app sets none at all."
        checked={draft.strip_response_cookies}
        onChange={(strip_response_cookies) => change({ strip_response_cookies })}
      />
      <Switch
        label={fieldLabels.persist_cookies}
        hint="Kept sealed on this server for each person; their devices share one sign-in."
        checked={draft.persist_cookies}
        onChange={(persist_cookies) => change({ persist_cookies })}
      />
    </SwitchGroup>
    <SwitchGroup>
      <Switch
        label={fieldLabels.compress}
        hint="By zstd, Brotli or gzip, where the app sends text as it is."
        checked={draft.compress}
        onChange={(compress) => change({ compress })}
      />
      <Switch
        label={fieldLabels.cache}
        hint="As the app's Cache-Control allows; for each person apart unless it says public."
        checked={draft.cache}
        onChange={(cache) => change({ cache })}
      />
      <Switch
        label={fieldLabels.buffering}
        hint="Slow clients keep no connection of the app; above 1 MiB the disk helps."
        checked={draft.buffering}
        onChange={(buffering) => change({ buffering })}
      />
    </SwitchGroup>
    <div className="grid gap-5 sm:grid-cols-2">
      {draft.cache && (
        <NumberField
          label={fieldLabels.cache_stale_if_error_s}
          name="cache-stale"
          required
          unit="s"
          max={2_592_000}
          step={1}
          error={errorOf('cache_stale_if_error_s')}
          hint="So long after it was fresh; 0 only as the app allows"
          value={draft.cache_stale_if_error_s}
          onChange={(seconds) => change({ cache_stale_if_error_s: seconds ?? 0 })}
        />
      )}
      <NumberField
        label={fieldLabels.max_body}
        name="max-body"
        required
        unit="MB"
        times={1_000_000}
        error={errorOf('max_body')}
        hint="0 is no limit"
        value={draft.max_body}
        onChange={(max_body) => change({ max_body: max_body ?? 0 })}
      />
      <RecipeField draft={draft} change={change} error={errorOf('recipe')} />
    </div>
  </div>
);

const HealthFields = ({ draft: { health }, change }: Omit<PartProps, 'errorOf'>) => {
  const set = (part: Partial<RouteDraft['health']>) => change({ health: { ...health, ...part } });
  return (
    <div className="flex flex-col gap-5">
      <SwitchGroup>
        <Switch
          label="Check the targets"
          hint="Without checks, only failing requests tell that one is down."
          checked={!health.skip}
          onChange={(on) => set({ skip: !on })}
        />
      </SwitchGroup>
      {!health.skip && (
        <div className="grid gap-5 sm:grid-cols-2">
          <FormField label="Path asked for">
            <Input
              name="health-path"
              required
              className="font-mono text-13"
              value={health.path}
              onChange={(event) => set({ path: event.target.value })}
            />
          </FormField>
          <NumberField
            label="Every"
            unit="s"
            times={1000}
            min={1}
            max={3600}
            required
            value={health.interval_ms}
            onChange={(interval_ms) => set({ interval_ms: interval_ms ?? 10_000 })}
          />
          <NumberField
            label="Patience"
            unit="s"
            times={1000}
            min={0.1}
            max={60}
            required
            value={health.timeout_ms}
            onChange={(timeout_ms) => set({ timeout_ms: timeout_ms ?? 5000 })}
          />
          <NumberField
            label="Down after"
            unit="failures"
            min={1}
            max={100}
            step={1}
            required
            className="pr-20"
            value={health.unhealthy_after}
            onChange={(unhealthy_after) => set({ unhealthy_after: unhealthy_after ?? 2 })}
          />
          <FormField
            label="Further good codes"
            required={false}
            hint="Beside 200 to 399, 401 and 403"
            className="sm:col-span-2"
          >
            <CodesInput value={health.healthy_codes} onChange={(healthy_codes) => set({ healthy_codes })} />
          </FormField>
        </div>
      )}
    </div>
  );
};

const codesOf = (text: string): number[] =>
  text
    .split(/[\s,]+/)
    .filter((code) => /^\d{3}$/.test(code))
    .map(Number);

const CodesInput = ({ value, onChange }: { value: readonly number[]; onChange: (codes: number[]) => void }) => {
  const [text, setText] = useState(value.join(', '));
  if (codesOf(text).join() !== value.join()) setText(value.join(', '));
  return (
    <Input
      name="healthy-codes"
      inputMode="numeric"
      className="tabular"
      placeholder="418, 503"
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        onChange(codesOf(event.target.value));
      }}
    />
  );
};

const clocks = [
  ['connect', 'Connecting', '5; 10 for a WebSocket', 'Until the target takes the connection'],
  ['head', 'First answer', '120', 'From the end of the request to the head of the answer'],
  ['body_idle', 'Silence of the target', '75', 'Without a byte of the answer; never counts for event streams'],
  ['client_idle', 'Silence of the client', '75 sending, 120 taking', 'Without the client sending or taking a byte'],
] as const;

const TimeoutFields = ({ draft: { timeouts }, change }: Omit<PartProps, 'errorOf'>) => (
  <div className="grid gap-5 sm:grid-cols-2">
    {clocks.map(([key, label, usual, hint]) => (
      <NumberField
        key={key}
        label={label}
        name={`timeout-${key}`}
        unit="s"
        times={1000}
        max={86_400}
        placeholder={usual}
        hint={hint}
        value={timeouts[key]}
        onChange={(value) => {
          const { [key]: _former, ...rest } = timeouts;
          change({ timeouts: value === undefined ? rest : { ...rest, [key]: value } });
        }}
      />
    ))}
  </div>
);

const UpstreamFields = ({ draft, change, errorOf }: PartProps) => {
  const { upstream_auth: auth, upstream_tls: tls } = draft;
  const setTls = (part: Partial<RouteDraft['upstream_tls']>) => change({ upstream_tls: { ...tls, ...part } });
  return (
    <div className="flex flex-col gap-5">
      <FormField label={fieldLabels.upstream_auth} group error={errorOf('upstream_auth')}>
        <RadioGroup
          label={fieldLabels.upstream_auth}
          value={auth.kind}
          onChange={(kind) =>
            change({
              upstream_auth: kind === 'basic' ? { kind, user: '' } : { kind: kind as 'strip' | 'pass' | 'bearer' },
            })
          }
          options={authOptions}
        />
      </FormField>
      {auth.kind === 'basic' && (
        <div className="grid gap-5 sm:grid-cols-2">
          <FormField label="Name at the target">
            <Input
              name="upstream-user"
              required
              autoComplete="off"
              value={auth.user}
              onChange={(event) => change({ upstream_auth: { ...auth, user: event.target.value } })}
            />
          </FormField>
          <FormField label="Password at the target" hint="Left empty, the one that is kept stays.">
            <PasswordInput
              name="upstream-password"
              autoComplete="new-password"
              value={auth.password ?? ''}
              onChange={({ target: { value } }) =>
                change({ upstream_auth: { kind: 'basic', user: auth.user, ...(value ? { password: value } : {}) } })
              }
            />
          </FormField>
        </div>
      )}
      {auth.kind === 'bearer' && (
        <FormField label="Token" hint="Left empty, the one that is kept stays.">
          <PasswordInput
            name="upstream-token"
            autoComplete="off"
            value={auth.token ?? ''}
            onChange={({ target: { value } }) =>
              change({ upstream_auth: { kind: 'bearer', ...(value ? { token: value } : {}) } })
            }
          />
        </FormField>
      )}
      <SwitchGroup>
        <Switch
          label={fieldLabels.preserve_host}
          hint="The target sees the name that was opened; off, its own."
          checked={draft.preserve_host}
          onChange={(preserve_host) => change({ preserve_host })}
        />
        <Switch
          label="Verify the certificate"
          hint="Off only for what cannot have a good one; this page goes on saying so."
          checked={tls.verify}
          onChange={(verify) => setTls({ verify })}
        />
      </SwitchGroup>
      {draft.targets.some(({ url }) => url.startsWith('https:')) && (
        <>
          <FormField
            label="Name in the certificate"
            required={false}
            error={errorOf('upstream_tls.server_name')}
            hint="When it differs from the address of the target"
          >
            <Input
              name="server-name"
              maxLength={253}
              spellCheck={false}
              className="font-mono text-13"
              value={tls.server_name ?? ''}
              onChange={(event) => setTls({ server_name: event.target.value || null })}
            />
          </FormField>
          <FormField
            label="Own authority"
            required={false}
            error={errorOf('upstream_tls.ca')}
            hint="PEM of the certificate that signed the target's"
          >
            <Textarea
              name="upstream-ca"
              rows={2}
              maxRows={8}
              spellCheck={false}
              className="font-mono text-12"
              placeholder="-----BEGIN CERTIFICATE-----"
              value={tls.ca ?? ''}
              onChange={(event) => setTls({ ca: event.target.value || null })}
            />
          </FormField>
        </>
      )}
    </div>
  );
};
