import {
  createPatterns,
  type FieldError,
  PatternTooCostly,
  type ScriptParameter,
  type ScriptValues,
  scriptLimits,
} from '@atrium/protocol';
import { RE2JS } from 're2js';
import { AppError } from '../../../platform/errors/app-error.ts';
import { mask } from './masker.ts';

const patterns = createPatterns((pattern) => {
  const compiled = RE2JS.compile(pattern);
  return { size: compiled.programSize(), matches: (text) => compiled.testExact(text) };
});

/** Variables by which a value would change what runs, or that the server sets itself. */
const reserved =
  /^(?:PATH|HOME|LANG|LC_.*|DRY_RUN|IFS|ENV|BASH_ENV|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|CDPATH|GLOBIGNORE|LD_.*|DYLD_.*|GCONV_PATH|PYTHON.*|PERL5.*|PERLLIB|RUBYOPT|RUBYLIB|NODE_.*|GIT_.*|TMPDIR|SHELL|USER|LOGNAME)$/i;

export const isReserved = (name: string): boolean => reserved.test(name);

type Problem = string | null;

const numberProblem = (parameter: ScriptParameter, value: number): Problem => {
  if (!Number.isFinite(value)) return 'must be a number';
  if (parameter.min !== null && value < parameter.min) return `must be at least ${parameter.min}`;
  if (parameter.max !== null && value > parameter.max) return `must be at most ${parameter.max}`;
  return null;
};

const textProblem = (
  parameter: ScriptParameter,
  value: string,
  matches: (p: string, t: string) => boolean,
): Problem => {
  if (value.includes('\0')) return 'must not hold U+0000';
  if (Buffer.byteLength(value) > scriptLimits.value_bytes) return 'must not be longer than 64 KiB';
  const length = [...value].length;
  if (parameter.min !== null && length < parameter.min) return `must have at least ${parameter.min} characters`;
  if (parameter.max !== null && length > parameter.max) return `must have at most ${parameter.max} characters`;
  if (parameter.pattern === null) return null;
  try {
    return matches(parameter.pattern, value) ? null : `must match ${parameter.pattern}`;
  } catch (error) {
    if (error instanceof PatternTooCostly) return error.message;
    throw error;
  }
};

const valueProblem = (
  parameter: ScriptParameter,
  value: string | number | boolean,
  matches: (pattern: string, text: string) => boolean,
): Problem => {
  switch (parameter.type) {
    case 'number':
      return typeof value === 'number' ? numberProblem(parameter, value) : 'must be a number';
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false';
    case 'select':
      return parameter.options.some((option) => option.value === value)
        ? null
        : `must be one of ${parameter.options.map((option) => option.value).join(', ')}`;
    case 'text':
    case 'password':
      return typeof value === 'string' ? textProblem(parameter, value, matches) : 'must be a text';
  }
};

/** What is wrong with definitions that an operator wrote. */
export const definitionProblems = (parameters: readonly ScriptParameter[]): FieldError[] => {
  const problems: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, parameter] of parameters.entries()) {
    const say = (field: string, message: string) => problems.push({ path: `parameters.${index}.${field}`, message });
    if (names.has(parameter.name)) say('name', 'is the name of another parameter too');
    names.add(parameter.name);
    if (isReserved(parameter.name)) say('name', 'is a variable that decides how programs run; take another name');
    if (parameter.min !== null && parameter.max !== null && parameter.min > parameter.max)
      say('min', 'must not be above max');
    const patternProblem = parameter.pattern === null ? null : patterns.problem(parameter.pattern);
    if (patternProblem !== null) say('pattern', patternProblem);
    if (parameter.type === 'select' && parameter.options.length === 0) say('options', 'must name at least one');
    if (parameter.default === null) continue;
    if (parameter.type === 'password') say('default', 'cannot be kept for a password');
    else if (patternProblem === null) {
      const problem = valueProblem(parameter, parameter.default, patterns.matcher());
      if (problem !== null) say('default', problem);
    }
  }
  return problems;
};

export interface GivenValues {
  /** As they are shown and kept: passwords are masked. */
  shown: ScriptValues;
  secrets: Record<string, string>;
}

/**
 * Values as a script will get them, with defaults filled in. `kept` are passwords that stand in for those left out.
 * Throws `validation_failed` naming each field below `path`.
 */
export const givenValues = (
  parameters: readonly ScriptParameter[],
  given: ScriptValues,
  { kept = {}, path = 'parameters' }: { kept?: Record<string, string>; path?: string } = {},
): GivenValues => {
  const errors: FieldError[] = [];
  const known = new Set(parameters.map(({ name }) => name));
  for (const name of Object.keys(given))
    if (!known.has(name)) errors.push({ path: `${path}.${name}`, message: 'is no parameter of the script' });
  const shown: ScriptValues = {};
  const secrets: Record<string, string> = {};
  const matches = patterns.matcher();
  let bytes = 0;
  for (const parameter of parameters) {
    const { name, type } = parameter;
    const written = Object.hasOwn(given, name) ? given[name] : undefined;
    const isKept = type === 'password' && (written === undefined || written === mask);
    const value = (isKept ? kept[name] : written) ?? parameter.default ?? undefined;
    if (value === undefined || (parameter.required && value === '')) {
      if (parameter.required) errors.push({ path: `${path}.${name}`, message: 'is needed' });
      continue;
    }
    const problem = valueProblem(parameter, value, matches);
    if (problem !== null) errors.push({ path: `${path}.${name}`, message: problem });
    bytes += Buffer.byteLength(String(value));
    if (type === 'password') secrets[name] = String(value);
    shown[name] = type === 'password' ? mask : value;
  }
  if (bytes > scriptLimits.values_bytes) errors.push({ path, message: 'must not be longer than 256 KiB together' });
  if (errors.length > 0)
    throw new AppError(
      'validation_failed',
      `The script cannot run with these values: ${errors[0]!.path} ${errors[0]!.message}.`,
      {
        errors,
      },
    );
  return { shown, secrets };
};

/** The variables that a script gets of its values. */
export const variablesOf = (shown: ScriptValues, secrets: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, secrets[name] ?? String(value)]));
