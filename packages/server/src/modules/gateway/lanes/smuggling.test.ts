import { describe } from 'vitest';
import { smugglingTests } from './smuggling.testsuite.ts';

describe.each(['fast', 'slow'] as const)('the %s lane', smugglingTests);
