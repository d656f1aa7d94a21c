import { examine } from './app/doctor.ts';
import { loadConfig } from './platform/config/load-config.ts';

/** Findings as JSON on standard output, for `atrium doctor`. */
if (import.meta.main) process.stdout.write(`${JSON.stringify(await examine(await loadConfig()))}\n`);
