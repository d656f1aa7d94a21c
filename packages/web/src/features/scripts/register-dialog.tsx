import { type Script, type ScriptParameter, scriptsAvailable, scriptsRegister, scriptsUpdate } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useId, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { ParametersEditor } from './parameters-editor.tsx';
import { kindWords, scriptReads } from './script-words.ts';

const paths = ['name', 'path', 'description', 'category', 'timeout_s', 'scopes', 'parameters', 'max_parallel'];
const nameOf = (path: string): string =>
  path
    .split('/')
    .at(-1)!
    .replace(/\.[a-z]+$/i, '')
    .replaceAll(/[-_]+/g, ' ')
    .replace(/^./, (first) => first.toUpperCase());

/** Makes a file runnable, or changes the terms of one that is. */
export const RegisterDialog = ({ script, onClose }: { script?: Script; onClose: () => void }) => {
  const navigate = useNavigate();
  const available = useOperation(scriptsAvailable, {});
  const [path, setPath] = useState(script?.path ?? '');
  const [name, setName] = useState<string | null>(script?.name ?? null);
  const [description, setDescription] = useState(script?.description ?? '');
  const [category, setCategory] = useState(script?.category ?? '');
  const [timeout, setTimeout] = useState(script === undefined ? '' : String(script.timeout_s));
  const [parameters, setParameters] = useState<ScriptParameter[]>(script?.parameters ?? []);
  const options = {
    quiet: true,
    invalidates: scriptReads,
    done: ({ name: made }: Script) => (script === undefined ? `${made} can be run` : `${made} is changed`),
    onSuccess: ({ id }: Script) => {
      onClose();
      void navigate({ to: '/scripts/$id', params: { id } });
    },
  };
  const register = useOperationMutation(scriptsRegister, options);
  const update = useOperationMutation(scriptsUpdate, options);
  const error = register.error ?? update.error;
  const errors = formErrors(error, paths);
  const form = useId();
  const fields = useRef<HTMLFormElement>(null);
  useFocusInvalid(fields, error);
  const chosenName = name ?? (path === '' ? '' : nameOf(path));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = {
      ...{ name: chosenName, path, description, category, parameters },
      ...(timeout.trim() === '' ? {} : { timeout_s: Number(timeout) }),
    };
    if (script === undefined) register.mutate(given);
    else update.mutate({ ...given, id: script.id, version: script.version });
  };
  const files = (available.data?.files ?? []).filter(({ refused }) => refused === null);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      width="large"
      title={script === undefined ? 'Register a script' : `Edit ${script.name}`}
      description={
        available.data && (
          <>
            A file of <code className="text-12">{available.data.directory}</code>. What it is now is what runs; when it
            changes, somebody has to confirm it.
          </>
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={register.isPending || update.isPending}
            disabled={path === '' || chosenName.trim() === ''}
          >
            {script === undefined ? 'Register script' : 'Save script'}
          </Button>
        </>
      }
    >
      <form ref={fields} id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField
          label="File"
          error={errors.of('path') ?? (available.error ? available.error.message : undefined)}
          hint={
            available.data && files.length === 0
              ? `There is no file in ${available.data.directory} that could run.`
              : undefined
          }
        >
          <Combobox
            label="File"
            value={path === '' ? [] : [path]}
            onChange={([next = '']) => setPath(next)}
            options={files.map((file) => ({
              value: file.path,
              label: file.path,
              hint: `${file.kind === null ? '' : kindWords[file.kind]}, ${file.size} bytes`,
            }))}
          />
        </FormField>
        <div className="grid gap-5 sm:grid-cols-2">
          <FormField label="Name" error={errors.of('name')}>
            <Input
              dir="auto"
              name="script-name"
              required
              maxLength={100}
              value={chosenName}
              onChange={(event) => setName(event.target.value)}
            />
          </FormField>
          <FormField label="Category" required={false} error={errors.of('category')}>
            <Input dir="auto" maxLength={50} value={category} onChange={(event) => setCategory(event.target.value)} />
          </FormField>
        </div>
        <FormField label="What it does" required={false} error={errors.of('description')}>
          <Textarea
            dir="auto"
            rows={2}
            maxLength={2000}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        </FormField>
        <FormField
          label="Time limit in seconds"
          required={false}
          error={errors.of('timeout_s')}
          hint={`Left empty ${available.data?.default_timeout_s ?? 300}. After it the script and all it started is killed.`}
        >
          <Input
            inputMode="numeric"
            className="tabular max-w-40"
            value={timeout}
            onChange={(event) => setTimeout(event.target.value)}
          />
        </FormField>
        <ParametersEditor parameters={parameters} onChange={setParameters} errors={errors} />
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
