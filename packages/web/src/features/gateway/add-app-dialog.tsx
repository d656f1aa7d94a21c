import { appsCreate, gatewayInfo, type InputOf } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { type FormEvent, useId, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { addingApp } from './add-app-store.ts';
import { type Access, accessWords, modeWords, type RouteMode, shortAddress } from './gateway-words.ts';
import { slugOf } from './route-draft.ts';

/** Three fields are an app; what they leave open has a good answer, and stands folded below. */
export const AddAppDialog = () => {
  const open = useExternalStore(addingApp);
  return <AddApp key={String(open)} open={open} />;
};

const offered = ['signed_in', 'share', 'public'] as const satisfies readonly Access[];
const accessOptions = offered.map((value) => ({
  value,
  label: accessWords[value].label,
  hint: accessWords[value].hint,
}));
const modes = (['path', 'host', 'both'] as const).map((value) => ({ value, label: modeWords[value].label }));

/** "192.168.1.7:8096" as people copy it means plain HTTP. */
const asUrl = (text: string): string => {
  const trimmed = text.trim();
  return trimmed === '' || /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
};

const paths = [
  'name',
  'slug',
  'route.targets',
  'route.slug',
  'route.access',
  'route.mode',
  'route.hosts',
  'group',
  'icon',
  'tags',
];

const AddApp = ({ open }: { open: boolean }) => {
  const navigate = useNavigate();
  const maySee = useCan('gateway.view');
  const info = useOperation(gatewayInfo, {}, { enabled: open && maySee }).data;
  const [name, setName] = useState('');
  const [target, setTarget] = useState('');
  const [access, setAccess] = useState<(typeof offered)[number]>('signed_in');
  const [slug, setSlug] = useState<string | null>(null);
  const [mode, setMode] = useState<RouteMode | null>(null);
  const [host, setHost] = useState('');
  const [group, setGroup] = useState('');
  const [icon, setIcon] = useState('');
  const [tags, setTags] = useState('');
  const create = useOperationMutation(appsCreate, {
    quiet: true,
    invalidates: ['apps.list', 'routes.list'],
    done: (app) => `${app.name} is added`,
    onSuccess: (app) => {
      addingApp.set(false);
      const route = app.routes[0];
      void (route ? navigate({ to: '/routes/$id', params: { id: route.id } }) : navigate({ to: '/services' }));
    },
  });
  const errors = formErrors(create.error, paths);
  const form = useId();
  const fields = useRef<HTMLFormElement>(null);
  useFocusInvalid(fields, create.error);
  const chosenSlug = slug ?? slugOf(name);
  const chosenMode = mode ?? info?.default_mode ?? 'path';
  const hostName = host.trim() || (info?.base_domain && chosenSlug ? `${chosenSlug}.${info.base_domain}` : '');
  const address = [
    ...(chosenMode === 'host' ? [] : [`${shortAddress(location.origin)}/apps/${chosenSlug || '…'}/`]),
    ...(chosenMode === 'path' ? [] : [hostName || 'a host name']),
  ].join(' and ');
  const folded = ['slug', 'route.slug', 'route.mode', 'route.hosts', 'group', 'icon', 'tags'].some((path) =>
    errors.of(path),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const input: InputOf<typeof appsCreate> = {
      slug: chosenSlug,
      name: name.trim(),
      ...(icon.trim() ? { icon: icon.trim() } : {}),
      ...(group.trim() ? { group: group.trim() } : {}),
      ...(tags.trim()
        ? {
            tags: tags
              .split(',')
              .map((tag) => tag.trim())
              .filter(Boolean),
          }
        : {}),
      route: {
        targets: [{ url: asUrl(target) }],
        access,
        ...(mode === null ? {} : { mode }),
        ...(host.trim() ? { hosts: [host.trim()] } : {}),
      },
    };
    create.mutate(input);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={addingApp.set}
      title="Add an app"
      description="Something that already runs and answers HTTP. People open it here, under their sign-in."
      footer={
        <>
          <Button onClick={() => addingApp.set(false)}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={create.isPending}
            disabled={name.trim() === '' || target.trim() === '' || chosenSlug === ''}
          >
            Add app
          </Button>
        </>
      }
    >
      <form ref={fields} id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" error={errors.of('name')} hint={chosenSlug ? `Opens at ${address}` : undefined}>
          <Input
            dir="auto"
            name="app-name"
            required
            autoFocus
            maxLength={100}
            autoComplete="off"
            placeholder="Home media"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormField
          label="Where it runs"
          error={errors.of('route.targets')}
          hint="As this server reaches it. An address on the home network needs an operator."
        >
          <Input
            name="app-target"
            required
            inputMode="url"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            className="font-mono text-13"
            placeholder="http://192.168.1.7:8096"
            value={target}
            onChange={(event) => setTarget(event.target.value)}
          />
        </FormField>
        <FormField label="Who may open it" group error={errors.of('route.access')}>
          <RadioGroup
            label="Who may open it"
            value={access}
            onChange={(value) => setAccess(value as (typeof offered)[number])}
            options={accessOptions}
          />
        </FormField>
        <details className="group/fold" open={folded || undefined}>
          <summary className="inline-flex cursor-pointer list-none items-center gap-1 rounded-control text-13 font-medium text-text-2 hover:text-text touch:min-h-11">
            <ChevronRight aria-hidden className="size-4 transition-transform group-open/fold:rotate-90" />
            Address, group, icon and tags
          </summary>
          <div className="mt-4 flex flex-col gap-5">
            <FormField
              label="Short name"
              error={errors.of('slug') ?? errors.of('route.slug')}
              hint="Letters, digits, hyphens. One on the whole server."
            >
              <Input
                name="app-slug"
                maxLength={64}
                pattern="[A-Za-z0-9_\-]{1,64}"
                spellCheck={false}
                autoCapitalize="off"
                className="font-mono text-13"
                value={chosenSlug}
                onChange={(event) => setSlug(event.target.value)}
              />
            </FormField>
            <FormField label="Reached by" group error={errors.of('route.mode')} hint={modeWords[chosenMode].hint}>
              <div>
                <Segmented label="Reached by" value={chosenMode} onChange={setMode} options={modes} />
              </div>
            </FormField>
            {chosenMode !== 'path' && (
              <FormField
                label="Host name"
                required={false}
                error={errors.of('route.hosts')}
                hint="It must point to this server. Left empty it is made of the short name and the base domain."
              >
                <Input
                  name="app-host"
                  spellCheck={false}
                  autoCapitalize="off"
                  className="font-mono text-13"
                  placeholder={hostName || 'media.example.org'}
                  value={host}
                  onChange={(event) => setHost(event.target.value)}
                />
              </FormField>
            )}
            <div className="grid gap-5 sm:grid-cols-2">
              <FormField label="Group" required={false} error={errors.of('group')}>
                <Input
                  dir="auto"
                  name="app-group"
                  maxLength={100}
                  value={group}
                  onChange={(event) => setGroup(event.target.value)}
                />
              </FormField>
              <FormField
                label="Icon"
                required={false}
                error={errors.of('icon')}
                hint="An emoji, or a name such as film"
              >
                <Input name="app-icon" maxLength={500} value={icon} onChange={(event) => setIcon(event.target.value)} />
              </FormField>
            </div>
            <FormField label="Tags" required={false} error={errors.of('tags')} hint="With commas between">
              <Input dir="auto" name="app-tags" value={tags} onChange={(event) => setTags(event.target.value)} />
            </FormField>
          </div>
        </details>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
