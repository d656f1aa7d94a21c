import { describe, expect, it } from 'vitest';
import { diariesCreate, diariesImport, diariesListEntries } from './diaries.ts';
import { toRequest } from './request.ts';

describe('where the members of an input go', () => {
  it('into the path and the body', () => {
    expect(toRequest(diariesCreate, { name: 'Notes' })).toEqual({
      method: 'POST',
      path: '/api/v1/diaries',
      body: '{"name":"Notes"}',
    });
  });

  it('into the query where nothing is sent', () => {
    expect(toRequest(diariesListEntries, { diary_ref: 'a b', limit: 2, tags: ['x', 'y'] })).toEqual({
      method: 'GET',
      path: '/api/v1/diaries/a%20b/entries?limit=2&tags=x&tags=y',
      body: undefined,
    });
  });

  it('into the query where a file is sent', () => {
    expect(toRequest(diariesImport, { diary_ref: 'Notes', policy: 'replace' })).toEqual({
      method: 'POST',
      path: '/api/v1/diaries/import?diary_ref=Notes&policy=replace',
      body: undefined,
    });
  });
});
