import type { Page } from 'playwright-core';

interface Focused {
  name: string;
  seen: boolean;
}

/** What has the focus, by the name that assistive technology reads, and whether one sees that it has it. */
const focused = (page: Page): Promise<Focused> =>
  page.evaluate(async () => {
    // Lists move the focus with the next frame.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const element = document.activeElement as HTMLInputElement | null;
    if (!element || element === document.body) return { name: '', seen: false };
    const textOf = (one: Element | null | undefined): string => {
      const copy = one?.cloneNode(true) as Element | undefined;
      for (const silent of copy?.querySelectorAll('[aria-hidden="true"]') ?? []) silent.remove();
      return copy?.textContent ?? '';
    };
    const labelled = (element.getAttribute('aria-labelledby') ?? '')
      .split(' ')
      .map((id) => textOf(document.getElementById(id)))
      .join(' ');
    const name =
      element.getAttribute('aria-label') || labelled.trim() || textOf(element.labels?.[0]) || textOf(element);
    // A control may leave the ring to what stands for it: the box beside a hidden input, the card around a choice.
    const drawn = (one: Element): boolean =>
      [undefined, '::before', '::after'].some((pseudo) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one, pseudo);
        return (outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
      });
    const around: Element[] = [element, ...(element.parentElement?.children ?? [])];
    for (let one: Element | null = element.parentElement; one && around.length < 40; one = one.parentElement) {
      around.push(one);
      if (one.matches('li, label, form, dialog, [role=dialog], main')) break;
    }
    return { name: name.replace(/\s+/g, ' ').trim(), seen: around.some(drawn) };
  });

/** One key as a hand presses it: choices follow an arrow only while it is held down. */
export const strike = (page: Page, key: string): Promise<void> =>
  page.keyboard.press(key, key.startsWith('Arrow') ? { delay: 40 } : {});

/** Presses a key until the named thing has the focus, the ring around it to be seen. Fails where keys do not lead. */
export const keyTo = async (page: Page, wanted: string | RegExp, key = 'Tab', most = 80): Promise<void> => {
  const passed: string[] = [];
  for (let press = 0; press <= most; press += 1) {
    const { name, seen } = await focused(page);
    if (typeof wanted === 'string' ? name === wanted : wanted.test(name)) {
      if (!seen) throw new Error(`one does not see that "${name}" has the focus`);
      return;
    }
    passed.push(name);
    await strike(page, key);
  }
  throw new Error(`${key} does not lead to ${wanted}; it passed ${passed.join(' | ')}`);
};

/** Opens a menu or a list that has the focus and chooses from it by arrow keys. */
export const choose = async (page: Page, wanted: string | RegExp): Promise<void> => {
  await page.keyboard.press('Enter');
  await page.locator('[role=menu], [role=listbox]').first().waitFor();
  await keyTo(page, wanted, 'ArrowDown', 20);
  await page.keyboard.press('Enter');
};
