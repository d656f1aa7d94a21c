import { type AxeResults, source as axeSource, type RunOptions } from 'axe-core';
import type { CDPSession, Page } from 'playwright-core';

/** Themes in which every piece of the kit is judged. Of all others the tokens are computed and one rich page is. */
export const kitThemes = [
  'daylight',
  'night',
  'terminal',
  'nord',
  'solarized-light',
  'solarized-dark',
  'dracula',
  'high-contrast',
];
export const allThemes = [
  ...kitThemes,
  'slate',
  'obsidian',
  'carbon',
  'classic-green',
  'cyan',
  'amber',
  'gruvbox-dark',
  'gruvbox-light',
  'tokyo-night',
  'storm',
  'catppuccin-mocha',
  'pipboy-amber',
  'pipboy-green',
  'retro',
];

const all: RunOptions['runOnly'] = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** The rules that another theme can break; elements and names are the same in all of them. */
const colours: RunOptions['runOnly'] = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/** Judging colours takes as long as everything else together. */
export type Judged = 'all' | 'colours' | 'all but colours';

const sessions = new WeakMap<Page, Promise<CDPSession>>();

/**
 * Evaluates what stands in the page as the same script each time: V8 compiles half a megabyte of axe for the first
 * document of a browser alone. Through `page.evaluate` it takes as long as the rules themselves, at every look.
 */
const evaluateScript = async <T>(page: Page, expression: string): Promise<T> => {
  let session = sessions.get(page);
  if (session === undefined) {
    session = page.context().newCDPSession(page);
    sessions.set(page, session);
  }
  const { result, exceptionDetails } = await (await session).send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value as T;
};

const loadAxe = `if (globalThis.axe === undefined) (() => {${axeSource}})(); true`;

/** Serious and critical violations of WCAG 2.2 A and AA. */
export const seriousViolations = async (page: Page, judged: Judged = 'all'): Promise<string[]> => {
  const options: RunOptions = {
    resultTypes: ['violations'],
    runOnly: judged === 'colours' ? colours : all,
    ...(judged === 'all but colours' && { rules: { 'color-contrast': { enabled: false } } }),
    // Half of the time: fetching style sheets again, and a selector for each element.
    preload: false,
    selectors: false,
  };
  await evaluateScript(page, loadAxe);
  // Colours on their way to another theme would be judged half-way. What inherits a colour that has arrived sets out then.
  await page.evaluate(async () => {
    for (let round = 0; round < 20; round += 1) {
      // One that never ends cannot be finished, and leads to no other colour.
      const running = document
        .getAnimations()
        .filter(({ playState, effect }) => playState === 'running' && effect?.getComputedTiming().endTime !== Infinity);
      if (running.length === 0) return;
      for (const animation of running) animation.finish();
      await new Promise((frame) => requestAnimationFrame(frame));
    }
  });
  // What lies under an open dialog cannot be reached, and is looked at without it.
  const place = `document.querySelector('[role=dialog], [role=alertdialog]') ?? document`;
  const results = await evaluateScript<AxeResults>(page, `axe.run(${place}, ${JSON.stringify(options)})`);
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${node.html.slice(0, 140)} ${node.any[0]?.message ?? ''}`));
};

/** The violations by theme, those of colour alone from the second theme on; empty where there are none. */
export const violationsByTheme = async (page: Page, themes: readonly string[]): Promise<Record<string, string[]>> => {
  const found: Record<string, string[]> = {};
  for (const [index, theme] of themes.entries()) {
    await page.evaluate((name) => {
      document.documentElement.dataset['theme'] = name;
    }, theme);
    const violations = await seriousViolations(page, index > 0 ? 'colours' : 'all');
    if (violations.length > 0) found[theme] = violations;
  }
  return found;
};
