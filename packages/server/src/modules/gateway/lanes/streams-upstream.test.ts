import { describe } from 'vitest';
import { streamsUpstreamTests } from './streams-upstream.testsuite.ts';

describe.each(['fast', 'slow'] as const)('the %s lane', streamsUpstreamTests);
