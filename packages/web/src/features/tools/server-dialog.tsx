import { type ToolServer, toolPolicies, toolServerAuths, toolServersAdd, toolServersUpdate } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useId, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { RadioGroup, Switch } from '../../ui/toggles.tsx';
import { usePeople } from '../inbox/people.ts';
import { authWords, policyHints, policyWords, toolReads } from './tool-words.ts';

const paths = [
  'name',
  'slug',
  'url',
  'command',
  'args',
  'env',
  'headers',
  'auth',
  'default_policy',
  'approver_id',
  'timeout_s',
  'max_result_bytes',
  'idle_s',
  'description',
];

/** `NAME=value`, one a line. */
const pairsOf = (text: string, sign: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const at = line.indexOf(sign);
        return at === -1 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      }),
  );
const linesIn = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const kibOf = (bytes: number): string => String(Math.ceil(bytes / 1024));
const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 24)
    .replaceAll(/^-+|-+$/g, '');

/** Registers an MCP server, or changes one. */
export const ServerDialog = ({ server, onClose }: { server?: ToolServer; onClose: () => void }) => {
  const navigate = useNavigate();
  const operator = useMe().is_operator;
  const [transport, setTransport] = useState(server?.transport ?? 'http');
  const [name, setName] = useState(server?.name ?? '');
  const [slug, setSlug] = useState<string | null>(server?.slug ?? null);
  const [description, setDescription] = useState(server?.description ?? '');
  const [url, setUrl] = useState(server?.url ?? '');
  const [inside, setInside] = useState(server?.allow_private ?? false);
  const [command, setCommand] = useState(server?.command ?? '');
  const [args, setArgs] = useState((server?.args ?? []).join('\n'));
  const [env, setEnv] = useState<string | null>(server ? null : '');
  const [auth, setAuth] = useState(server?.auth ?? 'none');
  const [headers, setHeaders] = useState<string | null>(server ? null : '');
  const [policy, setPolicy] = useState(server?.default_policy ?? 'ask');
  const [timeout, setTimeout] = useState(String(server?.timeout_s ?? 60));
  const [approver, setApprover] = useState(server?.approver_id ?? null);
  const before = server?.max_result_bytes ?? 1_048_576;
  const [most, setMost] = useState(kibOf(before));
  const [idle, setIdle] = useState(String(server?.idle_s ?? 300));
  const people = usePeople();
  const [keep, setKeep] = useState(server?.keep_arguments ?? false);
  const [pass, setPass] = useState(server !== undefined && (server.pass_resources || server.pass_prompts));
  const options = {
    quiet: true,
    invalidates: toolReads,
    done: ({ name: made }: ToolServer) => (server === undefined ? `${made} is added` : `${made} is changed`),
    onSuccess: ({ id }: ToolServer) => {
      onClose();
      void navigate({ to: '/tools/servers/$id', params: { id } });
    },
  };
  const add = useOperationMutation(toolServersAdd, options);
  const update = useOperationMutation(toolServersUpdate, options);
  const error = add.error ?? update.error;
  const errors = formErrors(error, paths);
  const form = useId();
  const fields = useRef<HTMLFormElement>(null);
  useFocusInvalid(fields, error);
  const http = transport === 'http';
  const chosen = slug ?? slugOf(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const common = {
      name,
      description,
      default_policy: policy,
      approver_id: approver,
      timeout_s: Number(timeout),
      // A limit that is no whole number of KiB stays as it is.
      max_result_bytes: most === kibOf(before) ? before : Number(most) * 1024,
      idle_s: Number(idle),
      keep_arguments: keep,
      pass_resources: pass,
      pass_prompts: pass,
    };
    const secrets = auth === 'headers' && headers !== null ? { headers: pairsOf(headers, ':') } : {};
    const web = {
      url,
      auth,
      ...secrets,
      ...(operator && inside !== (server?.allow_private ?? false) ? { allow_private: inside } : {}),
    };
    const program = operator
      ? { command, args: linesIn(args), ...(env === null ? {} : { env: pairsOf(env, '=') }) }
      : {};
    const place = http ? web : program;
    if (server === undefined) add.mutate({ ...common, ...place, slug: chosen, transport });
    else update.mutate({ ...common, ...place, id: server.id, version: server.version });
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      width="large"
      title={server === undefined ? 'Add an MCP server' : `Edit ${server.name}`}
      description="It is asked for its tools at once. Each is held until you have approved what it says of itself."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={add.isPending || update.isPending}
            disabled={name.trim() === '' || chosen === '' || (http ? url : command).trim() === ''}
          >
            {server === undefined ? 'Add server' : 'Save server'}
          </Button>
        </>
      }
    >
      <form ref={fields} id={form} onSubmit={submit} className="flex flex-col gap-5">
        {server === undefined && operator && (
          <RadioGroup
            label="How it is reached"
            look="cards"
            value={transport}
            onChange={(next) => setTransport(next as typeof transport)}
            options={[
              { value: 'http', label: 'Over HTTP', hint: 'A server with an address' },
              {
                value: 'stdio',
                label: 'As a program',
                hint: 'Started on this machine, with the rights of this server',
              },
            ]}
          />
        )}
        <div className="grid gap-5 sm:grid-cols-2">
          <FormField label="Name" error={errors.of('name')}>
            <Input dir="auto" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
          </FormField>
          <FormField
            label="Name space"
            error={errors.of('slug')}
            hint={server === undefined ? `Tools are offered as ${chosen || 'name'}__tool. It stays.` : undefined}
          >
            <Input
              required
              maxLength={24}
              disabled={server !== undefined}
              value={chosen}
              onChange={(event) => setSlug(event.target.value)}
              className="font-mono"
            />
          </FormField>
        </div>
        {http ? (
          <>
            <FormField label="Address" error={errors.of('url')}>
              <Input
                type="url"
                required
                maxLength={2000}
                placeholder="https://mcp.example.com/mcp"
                value={url}
                onChange={(event) => setUrl(event.target.value)}
              />
            </FormField>
            {operator && (
              <Switch
                checked={inside}
                onChange={setInside}
                label="It is in a network of ours"
                hint="Lets it have an address that is not public. Only people who run this server can."
              />
            )}
            <FormField label="How we sign in there" error={errors.of('auth')}>
              <Select
                value={auth}
                onChange={(next) => setAuth(next as typeof auth)}
                options={toolServerAuths.map((value) => ({ value, label: authWords[value] }))}
              />
            </FormField>
            {auth === 'headers' && (
              <FormField
                label="Headers"
                error={errors.of('headers')}
                hint={
                  server === undefined
                    ? 'One a line. They are kept encrypted and never shown again.'
                    : `Now: ${server.header_names.join(', ') || 'none'}. Left empty they stay.`
                }
              >
                <Textarea
                  rows={2}
                  placeholder="Authorization: Bearer …"
                  value={headers ?? ''}
                  onChange={(event) => setHeaders(event.target.value || (server ? null : ''))}
                  className="font-mono"
                />
              </FormField>
            )}
          </>
        ) : (
          <>
            <FormField label="Program" error={errors.of('command')}>
              <Input
                required
                maxLength={1000}
                placeholder="npx"
                value={command}
                onChange={(event) => setCommand(event.target.value)}
                className="font-mono"
              />
            </FormField>
            <FormField
              label="Arguments"
              required={false}
              error={errors.of('args')}
              hint="One a line. No shell reads them."
            >
              <Textarea rows={3} value={args} onChange={(event) => setArgs(event.target.value)} className="font-mono" />
            </FormField>
            <FormField
              label="Environment"
              required={false}
              error={errors.of('env')}
              hint={
                server === undefined
                  ? 'NAME=value, one a line. The program gets nothing else beside PATH, HOME and LANG.'
                  : `Now: ${server.env_names.join(', ') || 'none'}. Left empty it stays.`
              }
            >
              <Textarea
                rows={2}
                placeholder="API_TOKEN=…"
                value={env ?? ''}
                onChange={(event) => setEnv(event.target.value || (server ? null : ''))}
                className="font-mono"
              />
            </FormField>
          </>
        )}
        <div className="grid gap-5 sm:grid-cols-2">
          <FormField label="Policy of its tools" hint={policyHints[policy]} error={errors.of('default_policy')}>
            <Select
              value={policy}
              onChange={(next) => setPolicy(next as typeof policy)}
              options={toolPolicies.map((value) => ({ value, label: policyWords[value], hint: policyHints[value] }))}
            />
          </FormField>
          <FormField label="Time limit in seconds" error={errors.of('timeout_s')}>
            <Input
              inputMode="numeric"
              className="tabular"
              value={timeout}
              onChange={(event) => setTimeout(event.target.value)}
            />
          </FormField>
        </div>
        <div className="grid gap-5 sm:grid-cols-3">
          <FormField label="Who is asked" error={errors.of('approver_id')}>
            <Select
              value={approver ?? ''}
              onChange={(next) => setApprover(next === '' ? null : next)}
              options={[
                { value: '', label: 'Whoever calls', hint: 'Or the owner of the agent that calls' },
                ...(approver === null || people.some(({ id }) => id === approver)
                  ? []
                  : [{ value: approver, label: 'Somebody else' }]),
                ...people.map(({ id, name: person }) => ({ value: id, label: person })),
              ]}
            />
          </FormField>
          <FormField label="Longest result in KiB" error={errors.of('max_result_bytes')}>
            <Input
              inputMode="numeric"
              className="tabular"
              value={most}
              onChange={(event) => setMost(event.target.value)}
            />
          </FormField>
          <FormField label="Session ends after seconds" hint="Without a call." error={errors.of('idle_s')}>
            <Input
              inputMode="numeric"
              className="tabular"
              value={idle}
              onChange={(event) => setIdle(event.target.value)}
            />
          </FormField>
        </div>
        <Switch
          checked={keep}
          onChange={setKeep}
          label="Keep the arguments of calls"
          hint="Otherwise the list of calls tells who called what and when, and not with what."
        />
        <Switch
          checked={pass}
          onChange={setPass}
          label="Pass on its resources and prompts"
          hint="They reach models as they come: nobody approves them as tools are approved."
        />
        <FormField label="What it is for" required={false} error={errors.of('description')}>
          <Textarea
            dir="auto"
            rows={2}
            maxLength={2000}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
