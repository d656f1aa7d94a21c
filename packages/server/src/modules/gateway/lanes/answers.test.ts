import { describe } from 'vitest';
import { answersTests } from './answers.testsuite.ts';

describe.each(['fast', 'slow'] as const)('answers in the %s lane', answersTests);
