import { describe } from 'vitest';
import { laneTests } from './lane.testsuite.ts';

describe.each(['fast', 'slow'] as const)('the %s lane', laneTests);
