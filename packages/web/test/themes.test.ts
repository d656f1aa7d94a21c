import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { preferences } from '@atrium/protocol';
import { describe, expect, test } from 'vitest';
import { allThemes } from './support/axe.ts';
import { contrast, readColour } from './support/contrast.ts';

const folder = resolve(import.meta.dirname, '../src/ui');
const read = (path: string): string => readFileSync(resolve(folder, path), 'utf8');

/** The declarations of the rules whose selector list fits. */
const declarations = (css: string, fits: (selector: string) => boolean): [string, string][] =>
  [...css.replace(/\/\*[\s\S]*?\*\//g, '').matchAll(/([^{}]+)\{([^{}]*)\}/g)]
    .filter(([, selectors]) => selectors!.split(',').some((one) => fits(one.trim())))
    .flatMap(([, , body]) =>
      [...body!.matchAll(/(--[a-z0-9-]+):\s*([^;]+);/g)].map((found): [string, string] => [
        found[1]!,
        found[2]!.replace(/\s+/g, ' ').trim(),
      ]),
    );

const base = declarations(read('themes/base.css'), (selector) => selector === '[data-theme]');
const tokensOf = (theme: string): Map<string, string> =>
  new Map([
    ...base,
    ...declarations(read(`themes/${theme}.css`), (selector) => selector === `[data-theme="${theme}"]`),
  ]);

/** Planes on which text stands, each also under the pointer and chosen. */
const planes = ['bg', 'surface', 'raised', 'sunken'].flatMap((plane) => [[plane], [plane, 'hover'], [plane, 'active']]);
const softs = ['info-soft', 'success-soft', 'warning-soft', 'danger-soft', 'accent-soft'].map((soft) => [soft]);
const tones = ['info', 'success', 'warning', 'danger', 'accent'];
const open = ['bg', 'surface', 'raised'].map((plane) => [plane]);

/** Every pair of tokens of which the first is read on the second; what marks without words needs less. */
const pairs: { token: string; on: string[]; least: number }[] = [
  ...[...planes, ...softs].flatMap((on) => ['text', 'text-2'].map((token) => ({ token, on, least: 4.5 }))),
  ...planes.map((on) => ({ token: 'text-3', on, least: 4.5 })),
  ...tones.flatMap((tone) => [...open, [`${tone}-soft`]].map((on) => ({ token: `${tone}-text`, on, least: 4.5 }))),
  ...['accent', 'accent-hover'].map((on) => ({ token: 'on-accent', on: [on], least: 4.5 })),
  { token: 'on-danger', on: ['danger-fill'], least: 4.5 },
  ...open.flatMap((on) => ['focus', 'control'].map((token) => ({ token, on, least: 3 }))),
];

test('the palette, the account and the style sheet know the same themes', () => {
  const chosen = preferences.shape.theme.unwrap().options.filter((theme) => theme !== 'system');
  expect(new Set(chosen)).toEqual(new Set(allThemes));
  const imported = [...read('styles.css').matchAll(/themes\/([a-z-]+)\.css" layer\(themes\)/g)].map(([, name]) => name);
  expect(imported).toEqual(allThemes);
  expect(read('styles.css')).toContain('@layer theme, base, tokens, themes, app, utilities;');
});

describe('G63: every pair of tokens that carries text is told apart', () => {
  test.each(allThemes)('in %s', (theme) => {
    const tokens = tokensOf(theme);
    const colour = (name: string) => readColour(`var(--${name})`, tokens);
    const faint = pairs.flatMap(({ token, on, least }) => {
      const found = contrast(colour(token), on.map(colour));
      return found < least ? [`${token} on ${on.join(' under ')}: ${found.toFixed(2)} of ${least}`] : [];
    });
    expect(faint).toEqual([]);
  });
});
