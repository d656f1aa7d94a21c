/** docs/performance.md is written by several benches: each replaces its own part and keeps those of the others. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const path = resolve(import.meta.dirname, '../docs/performance.md');

const sections = [
  'npm run bench:memory -- --write',
  'node bench/memory-scale.ts --write',
  'node bench/memory-scale.ts 1000000 --write',
  'npm run bench:gateway -- --write',
  'node bench/gateway-load.ts --write',
  'node bench/oauth-scale.ts --write',
] as const;
type Section = (typeof sections)[number];

const startOf = (section: Section): string => `<!-- ${section} -->`;
const endOf = (section: Section): string => `<!-- end of ${section} -->`;

/** What stands in the file, without the sections, and each of these. */
const parts = (): { report: string; kept: Map<Section, string> } => {
  let report = readFileSync(path, 'utf8');
  const kept = new Map<Section, string>();
  for (const section of sections) {
    const from = report.indexOf(startOf(section));
    const to = report.indexOf(endOf(section));
    if (from < 0 || to < from) continue;
    const end = to + endOf(section).length;
    kept.set(section, report.slice(from, end));
    report = report.slice(0, from) + report.slice(end);
  }
  return { report, kept };
};

const write = (report: string, kept: ReadonlyMap<Section, string>): void => {
  const texts = sections.flatMap((section) => kept.get(section) ?? []);
  writeFileSync(path, `${[report.trimEnd(), ...texts].join('\n\n')}\n`);
};

const writeSection = (section: Section, text: string): void => {
  const { report, kept } = parts();
  write(report, kept.set(section, `${startOf(section)}\n${text.trim()}\n${endOf(section)}`));
};

export const writeServerReport = (report: string): void => write(report, parts().kept);

export const writeMemorySection = (text: string): void => writeSection('npm run bench:memory -- --write', text);

/** Budgets are for 100,000 entries; more are reported beside them. */
export const writeScaleSection = (text: string, entries: number): void =>
  writeSection(
    entries > 100_000 ? 'node bench/memory-scale.ts 1000000 --write' : 'node bench/memory-scale.ts --write',
    text,
  );

export const writeGatewaySection = (text: string): void => writeSection('npm run bench:gateway -- --write', text);

export const writeGatewayLoadSection = (text: string): void => writeSection('node bench/gateway-load.ts --write', text);

export const writeOauthSection = (text: string): void => writeSection('node bench/oauth-scale.ts --write', text);
