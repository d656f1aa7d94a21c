import { type ToolboxTemplate, toolboxDeploy, toolboxTemplatesGet, toolboxValidate } from '@atrium/protocol';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { ArrowUpRight, ChevronRight } from 'lucide-react';
import { type FormEvent, useDeferredValue, useEffect, useId, useRef, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { call } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { Skeleton, SkeletonDetail } from '../../ui/skeleton.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { AppIcon } from '../gateway/app-icon.tsx';
import { Dangers, PlanPanel } from './plan-panel.tsx';
import { EngineNotice, ToolboxClosed } from './toolbox-tabs.tsx';
import { deploymentReads } from './toolbox-words.ts';
import { MakeAllUp, VariableField } from './variable-field.tsx';

/** One application: what it needs to know, what it makes, and the button. */
export const TemplatePage = () => (useCan('toolbox.deploy') ? <Loaded /> : <ToolboxClosed />);

const Loaded = () => {
  const { template } = useParams({ from: '/frame/toolbox/templates/$template' });
  const navigate = useNavigate();
  const found = useOperation(toolboxTemplatesGet, { template });
  const back = { label: 'the catalogue', onBack: () => void navigate({ to: '/toolbox' }) };
  if (found.data) return <Install key={found.data.digest} template={found.data} back={back} />;
  return (
    <>
      <PageHeader title="Install" back={back} />
      {found.error ? <LoadError error={found.error} retry={found.refetch} /> : <SkeletonDetail />}
    </>
  );
};

/** Typing settles before the server is asked what it would come to. */
const useSettled = <T,>(value: T, ms: number): T => {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
};

const given = (values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));

const Install = ({ template, back }: { template: ToolboxTemplate; back: { label: string; onBack: () => void } }) => {
  const navigate = useNavigate();
  const operator = useMe().is_operator;
  const [name, setName] = useState(template.id);
  const [values, setValues] = useState<Record<string, string>>({});
  const [ticked, setTicked] = useState<string[]>([]);
  const [app, setApp] = useState(true);
  const [registry, setRegistry] = useState({ server: '', username: '', password: '' });
  const form = useId();
  const fields = useRef<HTMLFormElement>(null);
  const variables = given(values);
  const asked = useSettled(JSON.stringify({ template: template.id, name: name.trim() || template.id, variables }), 300);
  const trial = useQuery({
    queryKey: [toolboxValidate.name, asked],
    queryFn: ({ signal }) => call(toolboxValidate, JSON.parse(asked), { signal }),
    enabled: template.problem === null,
    placeholderData: (before) => before,
  });
  const plan = useDeferredValue(trial.data);
  const deploy = useOperationMutation(toolboxDeploy, {
    quiet: true,
    invalidates: deploymentReads,
    onSuccess: ({ id }) => void navigate({ to: '/toolbox/installed/$id', params: { id } }),
  });
  const errors = formErrors(deploy.error, [
    'name',
    'registry',
    ...template.variables.map((variable) => `variables.${variable.name}`),
  ]);
  useFocusInvalid(fields, deploy.error);
  const dangers = plan?.dangers ?? template.dangers;
  const ordinary = template.variables.filter(({ required }) => !required);
  const needed = template.variables.filter(({ required }) => required);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    deploy.mutate({
      ...{ template: template.id, name: name.trim(), variables, route: app },
      accept: ticked.filter((id) => dangers.some((danger) => danger.id === id)),
      ...(registry.server.trim() && registry.username && registry.password
        ? { registry: { ...registry, server: registry.server.trim() } }
        : {}),
    });
  };
  const fieldOf = (variable: ToolboxTemplate['variables'][number]) => (
    <VariableField
      key={variable.name}
      variable={variable}
      value={values[variable.name]}
      onChange={(value) => setValues({ ...values, [variable.name]: value })}
      error={errors.of(`variables.${variable.name}`)}
    />
  );
  const ready = dangers.every(({ id }) => ticked.includes(id)) && needed.every((one) => variables[one.name]);
  const sections = 'flex flex-col gap-5';
  return (
    <>
      <PageHeader
        title={template.name}
        back={back}
        action={
          <Button
            tone="primary"
            size="small"
            type="submit"
            form={form}
            busy={deploy.isPending}
            disabled={!operator || !ready || template.problem !== null}
          >
            Install
          </Button>
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="grid min-h-full lg:grid-cols-[minmax(0,1fr)_340px]">
          <div className="min-w-0 px-4 py-6 md:px-6 lg:border-r lg:border-line">
            <div className="flex max-w-[640px] flex-col gap-6">
              <header className="flex items-start gap-4">
                <AppIcon icon={template.icon} name={template.name} size={48} />
                <div className="min-w-0">
                  <p dir="auto" className="text-16 text-pretty text-text">
                    {template.description}
                  </p>
                  <p className="mt-1 flex flex-wrap gap-x-3 gap-y-1 text-13 text-text-3">
                    <span>{tagsOf(template).join(' · ')}</span>
                    {template.documentation && <Outside href={template.documentation}>Its manual</Outside>}
                    {template.repository && <Outside href={template.repository}>Its source</Outside>}
                  </p>
                </div>
              </header>
              <div className="empty:hidden">
                <EngineNotice />
              </div>
              {template.problem && <Notice tone="danger">This template cannot be installed: {template.problem}</Notice>}
              {!operator && (
                <Notice>
                  Installing is for people who run this server. If you are one, sign in again with your password.
                </Notice>
              )}
              <form ref={fields} id={form} onSubmit={submit} className="flex flex-col gap-7">
                <div className={sections}>
                  <FormField
                    label="Name"
                    error={errors.of('name')}
                    hint={
                      plan && plan.name !== name
                        ? `It will be called ${plan.name}`
                        : 'Containers and volumes begin with it'
                    }
                  >
                    <Input
                      name="deployment-name"
                      required
                      maxLength={100}
                      autoComplete="off"
                      spellCheck={false}
                      value={name}
                      onChange={(event) => setName(event.target.value)}
                    />
                  </FormField>
                  {needed.map(fieldOf)}
                  <div className="empty:hidden">
                    <MakeAllUp variables={template.variables} values={values} onChange={setValues} />
                  </div>
                </div>
                {dangers.length > 0 && (
                  <Dangers dangers={dangers} ticked={ticked} onChange={setTicked} operator={operator} />
                )}
                <Switch
                  label="Make it an app"
                  hint="People who are signed in find it among their services"
                  checked={app}
                  onChange={setApp}
                />
                {ordinary.length > 0 && (
                  <Fold title={ordinary.length === 1 ? 'One more setting' : `${ordinary.length} more settings`}>
                    {ordinary.map(fieldOf)}
                  </Fold>
                )}
                <Fold title="Credentials of a registry">
                  <p className="text-13 text-text-2">For images that are not public. They are kept sealed.</p>
                  <FormField label="Registry" error={errors.of('registry')}>
                    <Input
                      name="registry-server"
                      placeholder="ghcr.io"
                      autoComplete="off"
                      spellCheck={false}
                      value={registry.server}
                      onChange={(event) => setRegistry({ ...registry, server: event.target.value })}
                    />
                  </FormField>
                  <div className="grid gap-5 sm:grid-cols-2">
                    <FormField label="Name there">
                      <Input
                        name="registry-username"
                        autoComplete="off"
                        value={registry.username}
                        onChange={(event) => setRegistry({ ...registry, username: event.target.value })}
                      />
                    </FormField>
                    <FormField label="Password or token">
                      <PasswordInput
                        name="registry-password"
                        autoComplete="new-password"
                        value={registry.password}
                        onChange={(event) => setRegistry({ ...registry, password: event.target.value })}
                      />
                    </FormField>
                  </div>
                </Fold>
                <Fold title="The template itself">
                  <CodeBlock code={template.compose} caption={`${template.id}/compose.yaml`} />
                </Fold>
                <FormError>{errors.rest}</FormError>
              </form>
            </div>
          </div>
          <aside aria-labelledby="plan" className="px-4 py-6 max-lg:border-t max-lg:border-line md:px-6">
            <h2 id="plan" className="mb-4 text-13 font-medium">
              What will be made
            </h2>
            {plan ? (
              <PlanPanel plan={plan} app={app} />
            ) : trial.error ? (
              <p className="text-13 text-text-3">{trial.error.message}</p>
            ) : (
              template.problem === null && (
                <div className="space-y-2">
                  <Skeleton className="h-3 w-3/5" />
                  <Skeleton className="h-3 w-4/5" />
                  <Skeleton className="h-3 w-2/5" />
                </div>
              )
            )}
            {plan && plan.problems.length > 0 && plan.missing.length === 0 && (
              <div className="mt-4">
                <Notice tone="danger">
                  {plan.problems.map(({ path, message }) => `${path} ${message}`).join('; ')}
                </Notice>
              </div>
            )}
          </aside>
        </div>
      </div>
    </>
  );
};

/** The category is often a tag as well. */
const tagsOf = ({ category, tags }: ToolboxTemplate): string[] => [
  category,
  ...tags.filter((tag) => tag.toLowerCase() !== category.toLowerCase()),
];

const Outside = ({ href, children }: { href: string; children: string }) => (
  <a href={href} target="_blank" rel="noopener noreferrer" className="quiet-link inline-flex items-center gap-0.5">
    {children}
    <ArrowUpRight aria-hidden className="size-3" />
    <span className="sr-only">, opens in a new tab</span>
  </a>
);

const Fold = ({ title, children }: { title: string; children: React.ReactNode }) => (
  <details className="group/fold">
    <summary className="inline-flex cursor-pointer list-none items-center gap-1 rounded-control text-13 font-medium text-text-2 hover:text-text touch:min-h-11">
      <ChevronRight aria-hidden className="size-4 transition-transform group-open/fold:rotate-90" />
      {title}
    </summary>
    <div className="mt-4 flex flex-col gap-5">{children}</div>
  </details>
);
