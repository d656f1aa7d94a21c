import { type Form, validateAnswer } from '@atrium/protocol';
import { describe, expect, test } from 'vitest';
import { fileSize } from './file-size.ts';
import { matcherFor } from './form-matcher.ts';
import { isTouched } from './form-session.ts';
import { labelOf, openingValues } from './form-values.ts';
import { quickForm } from './quick-choice.ts';
import { fromZonedInput, toZonedInput } from './zoned-time.ts';

describe('a form that needs no form', () => {
  const choice = (count: number): Form => ({
    fields: [
      { id: 'why', type: 'markdown', content: 'Read this' },
      { id: 'to', type: 'radio', options: Array.from({ length: count }, (_, index) => ({ value: `${index}` })) },
    ],
  });

  test('has one question with two to four answers', () => {
    expect(quickForm(choice(4))?.choices.map(({ values }) => values)).toEqual([
      { to: '0' },
      { to: '1' },
      { to: '2' },
      { to: '3' },
    ]);
    expect(quickForm(choice(5))).toBeNull();
    expect(quickForm(choice(1))).toBeNull();
    expect(quickForm({ fields: [...choice(2).fields!, { id: 'note', type: 'text' }] })).toBeNull();
    expect(quickForm(null)).toBeNull();
  });

  test('answers a yes-no and a diff with values that the validator accepts', () => {
    for (const type of ['yesno', 'diffapproval'] as const) {
      const form: Form = {
        fields: [{ id: 'go', type, required: true, ...(type === 'yesno' ? {} : { diff: '+a' }) } as never],
      };
      for (const { values } of quickForm(form)!.choices) {
        expect(validateAnswer(form, values, { matchPattern: () => false })).toEqual({ ok: true, values });
      }
    }
  });
});

describe('values', () => {
  const form: Form = {
    fields: [
      { id: 'on', type: 'toggle' },
      { id: 'share', type: 'slider', min: 10, max: 20 },
      { id: 'hosts', type: 'group', min_rows: 1, fields: [{ id: 'port', type: 'number', default: 80 }] },
      { id: 'note', type: 'text', default: 'hello' },
    ],
  };

  test('begin with what each control shows', () => {
    expect(openingValues(form, null)).toEqual({ on: false, share: 10, hosts: [{ port: 80 }], note: 'hello' });
  });

  test('take over a draft, without the names that the form no longer has', () => {
    expect(openingValues(form, { note: 'mine', gone: 1 })).toMatchObject({ note: 'mine' });
    expect(openingValues(form, { gone: 1 })).not.toHaveProperty('gone');
  });

  test('count as touched only when they differ from the beginning', () => {
    expect(isTouched(form, openingValues(form, null))).toBe(false);
    expect(isTouched(form, { ...openingValues(form, null), note: 'other' })).toBe(true);
  });

  test('are labelled by their id when nothing better is given', () => {
    expect(labelOf({ id: 'retention_days', type: 'number' })).toBe('Retention days');
  });
});

describe('patterns', () => {
  test('run on the engine of the server', async () => {
    const form: Form = { fields: [{ id: 'a', type: 'text', pattern: '[a-z]+' }] };
    const matchPattern = await matcherFor(form);
    expect(validateAnswer(form, { a: 'abc' }, { matchPattern }).ok).toBe(true);
    expect(validateAnswer(form, { a: 'abc1' }, { matchPattern }).ok).toBe(false);
  });
});

describe('moments', () => {
  test('are entered in the chosen zone, summer and winter', () => {
    expect(fromZonedInput('2026-07-01T12:00', 'Europe/Berlin')).toBe('2026-07-01T10:00:00.000Z');
    expect(fromZonedInput('2026-12-01T12:00', 'Europe/Berlin')).toBe('2026-12-01T11:00:00.000Z');
    expect(fromZonedInput('2026-12-01T12:00', 'Asia/Kathmandu')).toBe('2026-12-01T06:15:00.000Z');
    expect(fromZonedInput('', 'Europe/Berlin')).toBeNull();
  });

  test('survive the way to the control and back on every day around the changes of the clock', () => {
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC']) {
      for (let day = 0; day < 370; day += 1) {
        const time = new Date(Date.UTC(2026, 0, 1 + day, 12)).toISOString();
        expect(fromZonedInput(toZonedInput(time, zone), zone)).toBe(time);
      }
    }
  });

  test('that the clock skips move forward', () => {
    expect(fromZonedInput('2026-03-29T02:30', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
    expect(fromZonedInput('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
  });
});

test('file sizes read in three digits', () => {
  expect([0, 999, 1200, 12_345, 3_400_000, 25_000_000].map(fileSize)).toEqual([
    '0 B',
    '999 B',
    '1.2 KB',
    '12 KB',
    '3.4 MB',
    '25 MB',
  ]);
});
