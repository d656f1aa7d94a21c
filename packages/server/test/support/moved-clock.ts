import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface MovedClock {
  /** For the server that is to live by this clock. */
  env: Record<string, string>;
  /** From now on so many milliseconds beside the true time. */
  move(offset_ms: number): void;
  /** Time stands still at that moment until it is moved again. */
  freeze(at: Date): void;
  /** What a name resolves to in that server. */
  name(host: string, address: string): void;
}

/** The clock, and the names, of a started server in the hands of a test. */
export const createMovedClock = (): MovedClock => {
  const folder = mkdtempSync(join(tmpdir(), 'atrium-test-'));
  const file = join(folder, 'surroundings.json');
  const setting = { offset_ms: 0, at: null as number | null, names: {} as Record<string, string> };
  // Renamed into place: the server may read at any moment.
  const write = () => {
    writeFileSync(`${file}.new`, JSON.stringify(setting));
    renameSync(`${file}.new`, file);
  };
  write();
  const preload = pathToFileURL(resolve(import.meta.dirname, 'preloaded-clock.ts')).href;
  return {
    env: { TEST_SURROUNDINGS: file, NODE_OPTIONS: `--import ${preload}` },
    move: (offset_ms) => {
      Object.assign(setting, { offset_ms, at: null });
      write();
    },
    freeze: (at) => {
      setting.at = at.getTime();
      write();
    },
    name: (host, address) => {
      setting.names[host] = address;
      write();
    },
  };
};
