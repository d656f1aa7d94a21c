import { describe } from 'vitest';
import { streamingTests } from './streaming.testsuite.ts';

describe.each(['fast', 'slow'] as const)('the %s lane', { tags: ['long'] }, streamingTests);
