#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { cacheDirectory, processIo } from './io.ts';

// Halves the start, which counts for a hook that runs before every tool call. Everything else is imported after it.
enableCompileCache(cacheDirectory(processIo()));
const { runCli } = await import('./program.ts');

const stopping = new AbortController();
process.on('SIGINT', () => {
  // The second Ctrl-C does not wait for anything.
  if (stopping.signal.aborted) process.exit(130);
  stopping.abort();
});
// A reader that closes early, such as head, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 8));

process.exitCode = await runCli(process.argv.slice(2), processIo(), stopping.signal);
