const systems: [RegExp, string][] = [
  [/android/i, 'Android'],
  [/iphone/i, 'iPhone'],
  [/ipad/i, 'iPad'],
  [/windows/i, 'Windows'],
  [/mac os|macintosh/i, 'Mac'],
  [/cros/i, 'ChromeOS'],
  [/linux/i, 'Linux'],
];
const browsers: [RegExp, string][] = [
  [/edg\//i, 'Edge'],
  [/firefox|fxios/i, 'Firefox'],
  [/chrome|crios/i, 'Chrome'],
  [/safari/i, 'Safari'],
];

/** "Chrome on Android" from a user agent; another client by its own first word; null when nothing is known. */
export const deviceName = (agent: string | null): string | null => {
  if (!agent) return null;
  const system = systems.find(([expression]) => expression.test(agent))?.[1];
  const browser = browsers.find(([expression]) => expression.test(agent))?.[1];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? agent.split(/[\s/(]/)[0] ?? null;
};
