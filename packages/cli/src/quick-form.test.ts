import { formDocument } from '@atrium/protocol';
import { describe, expect, it } from 'vitest';
import { readDuration } from './duration.ts';
import { quickForm, readField } from './quick-form.ts';

describe('a quick form', () => {
  it.each([
    [{ yesno: true }, [{ type: 'yesno', id: 'answer', required: true }]],
    [{ text: true }, [{ type: 'textarea', id: 'answer', required: true }]],
    [{ number: true }, [{ type: 'number', id: 'answer', required: true }]],
    [{ choice: 'a, b' }, [{ type: 'radio', id: 'answer', required: true, options: [{ value: 'a' }, { value: 'b' }] }]],
    [{ choice: '1,2,3,4,5,6,7,8' }, [expect.objectContaining({ type: 'select' })]],
    [
      { field: ['a', 'b:int'] },
      [
        { type: 'text', id: 'a', required: true },
        { type: 'number', integer: true, id: 'b', required: true },
      ],
    ],
  ])('of %j is a form that the server takes', (given, fields) => {
    const form = quickForm(given);
    expect(form?.fields).toEqual(fields);
    expect(formDocument.safeParse(form).success).toBe(true);
  });

  it('is none when no flag was given, and refused when two were', () => {
    expect(quickForm({})).toBeNull();
    expect(() => quickForm({ yesno: true, text: true })).toThrow('Give one of');
  });

  it('reads labels with colons, optional fields and options', () => {
    expect(readField('when?:date:At: what day')).toEqual({
      type: 'date',
      id: 'when',
      required: false,
      label: 'At: what day',
    });
    expect(readField('env:select=test|live:Where')).toMatchObject({
      type: 'select',
      options: [{ value: 'test' }, { value: 'live' }],
    });
    for (const wrong of ['1x:text', 'a:unknown', 'a:radio']) expect(() => readField(wrong), wrong).toThrow('--field');
  });
});

it('durations are read in the units people write', () => {
  expect(readDuration('--timeout', '90')).toBe(90_000);
  expect(readDuration('--timeout', '1h30m')).toBe(5_400_000);
  expect(readDuration('--timeout', '250ms')).toBe(250);
  expect(readDuration('--timeout', '1.5d')).toBe(129_600_000);
  for (const wrong of ['', 'soon', '10 m', '-5s', '5m!'])
    expect(() => readDuration('--timeout', wrong), wrong).toThrow('not a duration');
});
