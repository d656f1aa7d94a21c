// Runs before the first paint and before any module, as a file because the content security policy allows no inline
// script. The keys are those of src/ui/theme.ts.
(() => {
  // zod probes `new Function` unless told not to; under the policy each probe would be reported as a violation.
  globalThis.__zod_globalConfig = { jitless: true };
  // The dialogs' scroll lock inserts a style element; under this name it looks for the nonce that allows it.
  globalThis.__webpack_nonce__ = document.querySelector('meta[property="csp-nonce"]')?.nonce;
  const root = document.documentElement;
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const chosen = read('atrium.theme') ?? 'system';
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = chosen === 'system' ? (dark ? 'night' : 'daylight') : chosen;
  root.dataset.density = read('atrium.density') ?? 'comfortable';
  root.dataset.fontSize = read('atrium.font-size') ?? 'medium';
  root.dataset.scanLines = read('atrium.scan-lines') ?? 'off';
  root.dataset.rail = read('atrium.rail') === 'folded' ? 'folded' : 'open';
})();
