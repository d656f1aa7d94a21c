import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDefaults, validateAnswer, validatePage } from './form-answer.ts';
import { type Form, fieldTypes, pagesOf } from './form-fields.ts';
import { everyType } from './form-samples.ts';
import { formDocument } from './form-schema.ts';
import { isLinear, stepOf, visitedPages } from './form-walk.ts';

const matchPattern = () => true;
const answer = (form: Form, values: unknown) => validateAnswer(form, values, { matchPattern });

const options = [{ value: 'a' }, { value: 'b', label: 'B' }];
/** A field of each type that has a default, with one that is valid. */
const withDefault = fc.oneof(
  fc
    .string()
    .filter((text) => text.isWellFormed() && !text.includes('\0'))
    .map((value) => ({ type: 'text', default: value })),
  fc.integer({ min: 0, max: 9 }).map((value) => ({ type: 'number', min: 0, max: 9, default: value })),
  fc.constantFrom('a', 'b').map((value) => ({ type: 'select', options, default: value })),
  fc.subarray(['a', 'b']).map((value) => ({ type: 'multiselect', options, default: value })),
  fc.boolean().map((value) => ({ type: 'toggle', default: value })),
  fc.integer({ min: 1, max: 5 }).map((value) => ({ type: 'rating', default: value })),
  fc.integer({ min: 0, max: 10 }).map((value) => ({ type: 'slider', min: 0, max: 1, step: 0.1, default: value / 10 })),
  fc.constant({ type: 'date', default: '2026-01-31' }),
  fc.constant({ type: 'diffapproval', diff: '', default: { decision: 'reject' } }),
  fc.jsonValue({ maxDepth: 2 }).map((value) => ({ type: 'json', default: value })),
  fc.constant({ type: 'group', fields: [{ id: 'inner', type: 'text' }], default: [{ inner: 'x' }] }),
  fc.constant({ type: 'file' }),
);
/** Pages p0…pn; each goes on by itself, to a fixed later page, or by the answer to its own yes/no field. */
const forms = fc
  .array(
    fc.tuple(
      fc.array(withDefault, { maxLength: 4 }),
      fc.constantFrom('none', 'end', 'fixed', 'conditional'),
      fc.nat(5),
      fc.boolean(),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((pages): unknown => ({
    pages: pages.map(([fields, kind, jump, hidden], i) => {
      const target = Math.min(pages.length - 1, i + 1 + jump);
      const go = { id: `p${i}_go`, type: 'yesno', default: jump % 2 === 0 };
      const children = fields.map((field, j) => ({
        id: `p${i}_f${j}`,
        ...(field.type === 'group'
          ? { ...field, fields: [{ id: `p${i}_f${j}_c`, type: 'text' }], default: [{ [`p${i}_f${j}_c`]: 'x' }] }
          : field),
        ...(hidden ? { visible_if: { field: `p${i}_go`, equals: true } } : {}),
      }));
      const last = i === pages.length - 1;
      const next =
        kind === 'end' || (last && kind === 'fixed')
          ? { kind: 'end' }
          : kind === 'fixed'
            ? { kind, page_id: `p${target}` }
            : kind === 'conditional'
              ? { kind, field_id: go.id, branches: [{ value: true, page_id: `p${target}` }] }
              : undefined;
      return {
        id: `p${i}`,
        fields: [go, ...children],
        ...(next === undefined || (last && kind === 'conditional') ? {} : { next }),
      };
    }),
  }))
  .map((form) => ({ form, parsed: formDocument.safeParse(form) }))
  .filter(({ parsed }) => parsed.success)
  .map(({ parsed }) => parsed.data!);

describe('every form', () => {
  it('without required fields accepts its own defaults', () => {
    fc.assert(
      fc.property(forms, (form) => {
        const result = answer(form, applyDefaults(form));
        expect(result.ok ? [] : result.errors).toEqual([]);
      }),
    );
  });

  it('forgets the values of pages that were not visited', () => {
    fc.assert(
      fc.property(forms, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (form, ways) => {
        const values = Object.fromEntries(
          pagesOf(form).flatMap((page, i) =>
            page.fields.map((field) => [field.id, field.type === 'yesno' ? ways[i] : 'junk']),
          ),
        );
        const kept = answer(
          form,
          Object.fromEntries(Object.entries(values).filter(([, value]) => typeof value === 'boolean')),
        );
        const visited = new Set(visitedPages(form, values));
        const allowed = new Set(
          pagesOf(form)
            .filter((page) => visited.has(page.id))
            .flatMap((page) => page.fields.map((field) => field.id)),
        );
        expect(kept.ok).toBe(true);
        for (const id of Object.keys(kept.ok ? kept.values : {})) expect(allowed).toContain(id);
        const junk = answer(form, values);
        for (const error of junk.ok ? [] : junk.errors) expect(allowed).toContain(error.path.split('.')[0]);
      }),
    );
  });

  it('accepts what it returned once more, unchanged', () => {
    fc.assert(
      fc.property(forms, (form) => {
        const first = answer(form, applyDefaults(form));
        expect(first.ok && answer(form, first.values)).toEqual(first);
      }),
    );
  });

  it('says "Step n of m" only when linear', () => {
    fc.assert(
      fc.property(forms, (form) => {
        for (const page of visitedPages(form, {})) expect(stepOf(form, page) === null).toBe(!isLinear(form));
      }),
    );
  });
});

describe('no input', () => {
  const ids = pagesOf(everyType).flatMap((page) => page.fields.map((field) => field.id));
  const anything = fc.oneof(fc.jsonValue(), fc.anything(), fc.constantFrom('long', 'short', '', null, true, 1));

  it('makes the validator throw, or answers a field twice', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.dictionary(fc.constantFrom(...ids, '__proto__', 'x'), anything), fc.anything()),
        (values) => {
          const result = answer(everyType, values);
          const paths = result.ok ? [] : result.errors.map((error) => error.path);
          expect(new Set(paths).size).toBe(paths.length);
          for (const page of ['basics', 'detail', 'last', 'none'])
            expect(typeof validatePage(everyType, page, values, { matchPattern }).ok).toBe('boolean');
        },
      ),
    );
  });

  it('makes the check of a form throw', () => {
    const field = fc.dictionary(
      fc.constantFrom('id', 'type', 'default', 'options', 'fields', 'min', 'max', 'visible_if', 'schema'),
      fc.oneof(fc.constantFrom(...fieldTypes, 'a', 'b'), fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.record({ fields: fc.array(field), pages: fc.anything() }, { requiredKeys: [] }), (form) => {
        expect(typeof formDocument.safeParse(form).success).toBe('boolean');
      }),
    );
  });
});
