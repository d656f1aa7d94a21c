import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Catalogue, templateOf } from './catalogue.ts';
import { installationOf } from './installation.ts';
import { sampleValues } from './template-variables.ts';

const shipped = resolve(import.meta.dirname, '../../../../../../toolbox');
const all = await new Catalogue(shipped, () => null).all();
const context = {
  name: 'sample',
  data_dir: '/srv/toolbox',
  base_url: 'https://atrium.example/apps/sample',
};

it('there are at least 25 templates, each of its own name', () => {
  expect(all.length).toBeGreaterThanOrEqual(25);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

it.each(all.map((template) => [template.id, template] as const))(
  '%s is described and can be installed',
  (_, template) => {
    expect(template.problem).toBeNull();
    expect(template.description).not.toBe('');
    expect(template.category).not.toBe('Other');
    expect(template.tags.length).toBeGreaterThan(0);
    expect(template.documentation).toMatch(/^https:\/\//);
    const installation = installationOf(template.text, sampleValues(template.variables), context);
    expect(installation).toMatchObject({ problems: [], missing: [] });
    expect(installation.entrance).not.toBeNull();
    const { services } = installation.plan;
    for (const service of services) expect(service.image).toMatch(/:[^/]+$/);
    // Data of databases has a place that outlives the container.
    for (const { image, mounts } of services)
      if (/postgres|mariadb/.test(image)) expect(mounts.some(({ kind }) => kind === 'volume')).toBe(true);
    // Only what needs to look at the engine asks for a tick.
    if (template.id !== 'dozzle') expect(template.dangers).toEqual([]);
  },
);

it.each(all.map((template) => [template.id, template] as const))('%s has no secret of its own', (_, template) => {
  for (const variable of template.variables) {
    expect(variable.label, `${template.id} ${variable.name}`).not.toBe('');
    if (variable.type === 'password') expect(variable.default ?? '').toBe('');
  }
  const required = template.variables.filter((one) => one.required);
  const { missing } = installationOf(template.text, {}, context);
  expect(missing.map(({ name }) => name).toSorted()).toEqual(required.map(({ name }) => name).toSorted());
});

it('what a template asks for is told with its type, its default and whether it can be made up', () => {
  const { variables } = all.find(({ id }) => id === 'paperless-ngx')!;
  const by = Object.fromEntries(variables.map((one) => [one.name, one]));
  expect(by['DB_PASSWORD']).toMatchObject({
    ...{ type: 'password', required: true, generated: true, default: null, message: 'password of the database' },
  });
  expect(by['PORT']).toMatchObject({ type: 'number', required: false, default: '8010' });
  expect(by['TZ']).toMatchObject({ label: 'Time zone', default: 'Etc/UTC' });
  expect(by['BASE_URL']).toBeUndefined();
  const signups = all.find(({ id }) => id === 'vaultwarden')!.variables.find(({ name }) => name === 'SIGNUPS_ALLOWED');
  expect(signups).toMatchObject({ type: 'boolean', default: 'true' });
});

it('folders of the operator come beside ours, win over them, and are read again when they change', async () => {
  const own = mkdtempSync(join(tmpdir(), 'atrium-catalogue-'));
  const write = (id: string, text: string) => {
    mkdirSync(join(own, id), { recursive: true });
    writeFileSync(join(own, id, 'compose.yaml'), text);
  };
  const text = (name: string) =>
    `services:\n  app:\n    image: a:1\n    labels:\n      - nekzus.toolbox.name=${name}\n`;
  write('ours', text('Ours'));
  write('memos', text('Our Memos'));
  write('broken', 'services: [');
  write('Not An Id', text('Hidden'));
  const catalogue = new Catalogue(shipped, () => own);
  expect(await catalogue.get('ours')).toMatchObject({ name: 'Ours', source: 'operator', problem: null });
  expect(await catalogue.get('memos')).toMatchObject({ name: 'Our Memos', source: 'operator' });
  const listed = await catalogue.all();
  expect(listed.filter(({ id }) => id === 'memos')).toHaveLength(1);
  expect(listed.find(({ id }) => id === 'broken')?.problem).toContain('line');
  expect(listed.some(({ name }) => name === 'Hidden')).toBe(false);
  write('ours', text('Ours, longer now'));
  expect((await catalogue.get('ours'))?.name).toBe('Ours, longer now');
  expect(await catalogue.get('../../etc')).toBeNull();
  rmSync(own, { recursive: true });
});

it('a template that cannot be used is shown with the reason', () => {
  const withKey = templateOf('x', 'operator', 'services:\n  web:\n    image: a\n    build: .\n');
  expect(withKey.problem).toContain('services.web.build');
  expect(templateOf('x', 'operator', 'just text').problem).toContain('no services');
});
