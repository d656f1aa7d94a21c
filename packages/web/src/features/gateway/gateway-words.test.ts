import type { AppView } from '@atrium/protocol';
import { expect, test } from 'vitest';
import { placeOf } from './gateway-words.ts';

const route = { id: '', slug: 'x', mode: 'path', access: 'signed_in', status: 'healthy' } as const;
const app = (...routes: Pick<AppView['routes'][number], 'address' | 'listens' | 'shares_origin'>[]) =>
  ({ routes: routes.map((one) => ({ ...route, ...one })) }) as unknown as AppView;
const page = { address: 'https://notes.example.org/', listens: null, shares_origin: false };
const port = { address: null, listens: 'tcp://atrium.example.org:5432', shares_origin: false };

test('an app is found at its page, else at the port that it listens at', () => {
  expect(placeOf(app(port, page))).toBe('notes.example.org');
  expect(placeOf(app({ ...page, address: 'https://atrium.example.org/apps/notes/', shares_origin: true }))).toBe(
    '/apps/notes',
  );
  expect(placeOf(app(port))).toBe('tcp://atrium.example.org:5432');
  expect(placeOf(app())).toBe('Has no address yet');
});
