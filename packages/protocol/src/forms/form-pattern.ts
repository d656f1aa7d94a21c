/**
 * Regular expressions of forms. The dialect is RE2: linear time, hence no lookaround and no backreferences. As in HTML's
 * `pattern` attribute the WHOLE value must match. The engine is injected, so that this package depends on zod alone and
 * server and browser use the same one.
 */

/** True when the whole text matches. May throw `PatternTooCostly`; the validator then reports the field. */
export type MatchPattern = (pattern: string, text: string) => boolean;

export interface CompiledPattern {
  /** Whole-text match. */
  matches(text: string): boolean;
  /** Number of instructions; matching costs at most size times length steps. */
  size: number;
}

export interface Patterns {
  /** Why a pattern is refused, or null. */
  problem(pattern: string): string | null;
  /** A matcher with a fresh budget: make one for each answer, never one for the whole process. */
  matcher(): MatchPattern;
}

export const patternLimits = {
  length: 500,
  size: 5000,
  /** Steps for all patterns of one answer together: under 50 ms with the worst patterns found. */
  steps: 750_000,
  /** Beyond this many instructions an automaton may have more states than it can keep; a step then counts three times. */
  small: 12,
  cached: 500,
} as const;

export class PatternTooCostly extends Error {
  constructor() {
    super('is too long to be checked against its pattern');
    this.name = 'PatternTooCostly';
  }
}

const unsupported: readonly [RegExp, string][] = [
  [/\(\?[=!]/, 'a lookahead'],
  [/\(\?<[=!]/, 'a lookbehind'],
  [/\\[1-9]|\\k</, 'a backreference'],
  [/\(\?>|[*+?}]\+/, 'an atomic group or possessive quantifier'],
];

/** Wraps a linear-time engine: caches what it compiled, refuses what it cannot run and bounds the work per answer. */
export const createPatterns = (compile: (pattern: string) => CompiledPattern): Patterns => {
  const cache = new Map<string, CompiledPattern>();
  const compiled = (pattern: string): CompiledPattern => {
    let entry = cache.get(pattern);
    if (entry === undefined) entry = compile(pattern);
    cache.delete(pattern);
    cache.set(pattern, entry);
    if (cache.size > patternLimits.cached) cache.delete(cache.keys().next().value as string);
    return entry;
  };
  return {
    problem: (pattern) => {
      if (pattern.length > patternLimits.length) return `is longer than ${patternLimits.length} characters`;
      try {
        return compiled(pattern).size > patternLimits.size ? 'is too large once its repetitions are expanded' : null;
      } catch (error) {
        return compileProblem(pattern, error);
      }
    },
    matcher: () => {
      let left: number = patternLimits.steps;
      return (pattern, text) => {
        const entry = compiled(pattern);
        left -= entry.size * (text.length + 1) * (entry.size > patternLimits.small ? 3 : 1);
        if (left < 0) throw new PatternTooCostly();
        return entry.matches(text);
      };
    },
  };
};

const compileProblem = (pattern: string, error: unknown): string => {
  // Escaped characters and classes would look like the constructs searched for below.
  const bare = pattern.replace(/\\[^1-9k]/g, '').replace(/\[[^\]]*\]/g, '');
  const construct = unsupported.find(([expression]) => expression.test(bare))?.[1];
  if (construct !== undefined) return `uses ${construct}, which the linear-time engine (RE2 syntax) cannot run`;
  return `does not compile: ${error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'unknown reason'}`;
};
