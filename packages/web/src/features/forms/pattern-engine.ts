import { createPatterns } from '@atrium/protocol';
import { RE2JS } from 're2js';

/** The engine of the server, so that both sides refuse the same answers. Loaded only for forms that have a pattern. */
export const formPatterns = createPatterns((pattern) => {
  const compiled = RE2JS.compile(pattern);
  return { size: compiled.programSize(), matches: (text) => compiled.testExact(text) };
});
