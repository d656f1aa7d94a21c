import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildWeb } from './support/build-web.ts';

/** Each script of the build: its size as sent, and what it imports at once. */
const readScripts = async (outDir: string) => {
  const folder = join(outDir, 'assets');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  const scripts = new Map<string, { bytes: number; imports: string[] }>();
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8');
    const imports = [...text.matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g)].map((match) => match[1]!);
    scripts.set(name, { bytes: gzipSync(text).length, imports });
  }
  return scripts;
};

test('strangers load less than 250 KB of gzipped script, the frame is below 300 KB, and no page is a crowd of files', async () => {
  const outDir = await mkdtemp(join(tmpdir(), 'atrium-web-'));
  try {
    await buildWeb(outDir, 'production');
    const html = await readFile(join(outDir, 'index.html'), 'utf8');
    const scripts = await readScripts(outDir);
    const called = (name: string) => [...scripts.keys()].filter((one) => one.startsWith(`${name}-`));
    const loadedBy = (names: readonly string[]): string[] => {
      const found = new Set<string>();
      const add = (name: string): void => {
        if (found.has(name)) return;
        found.add(name);
        for (const one of scripts.get(name)!.imports) add(one);
      };
      for (const name of names) add(name);
      return [...found];
    };
    const kilobytes = (names: readonly string[]) =>
      names.reduce((sum, name) => sum + scripts.get(name)!.bytes, 0) / 1024;
    const first = [...html.matchAll(/(?:src|href)="\/assets\/([^"]+\.js)"/g)].map((match) => match[1]!);
    const [door, frame, inbox] = [called('door'), called('frame'), called('inbox-page')];
    expect(first.length).toBeGreaterThan(0);
    expect([door.length, frame.length, inbox.length]).toEqual([1, 1, 1]);
    expect(kilobytes(loadedBy([...first, ...door]))).toBeLessThan(250);
    expect(kilobytes(loadedBy([...first, ...frame]))).toBeLessThan(300);
    // A browser asks for six at a time.
    const pages = [...scripts.keys()].filter((name) => name.includes('-page-'));
    const counts = pages.map((name) => [name, loadedBy([...first, ...frame, name]).length] as const);
    expect(counts.length).toBeGreaterThan(50);
    expect(counts.filter(([, count]) => count > 36)).toEqual([]);
    expect([...scripts.keys()].filter((name) => name.includes('kitchen'))).toEqual([]);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|<style/);
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}, 120_000);
