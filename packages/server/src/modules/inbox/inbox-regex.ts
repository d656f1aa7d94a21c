import { createPatterns, type Patterns } from '@atrium/protocol';
import { RE2JS } from 're2js';

/**
 * The regular expressions of forms run on RE2, whose time is linear in the text whatever the pattern: an agent's pattern
 * and a person's answer are both strangers' input. The web app wraps the same engine in the same way.
 */
export const formPatterns: Patterns = createPatterns((pattern) => {
  const compiled = RE2JS.compile(pattern);
  return { size: compiled.programSize(), matches: (text) => compiled.testExact(text) };
});
