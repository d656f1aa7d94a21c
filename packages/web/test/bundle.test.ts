import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildWeb } from './support/build-web.ts';

test('the first page needs less than 250 KB of gzipped script, and the kitchen is not shipped', async () => {
  const outDir = await mkdtemp(join(tmpdir(), 'atrium-web-'));
  try {
    await buildWeb(outDir, 'production');
    const html = await readFile(join(outDir, 'index.html'), 'utf8');
    const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((match) => match[1]!);
    const names = await readdir(join(outDir, 'assets'));
    // The frame is lazy for strangers; for everybody else it is part of the first page.
    const frame = names.filter((name) => /^frame-.*\.js$/.test(name)).map((name) => `assets/${name}`);
    const sizes = await Promise.all(
      [...first, ...frame].map(async (path) => gzipSync(await readFile(join(outDir, path))).length),
    );
    expect(first.length).toBeGreaterThan(0);
    expect(frame).toHaveLength(1);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(250 * 1024);
    expect(names.filter((name) => name.includes('kitchen'))).toEqual([]);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|<style/);
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}, 120_000);
