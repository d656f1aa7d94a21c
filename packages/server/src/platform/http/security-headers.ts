/** Headers of every answer. Few, because each costs time on every request; a page adds its own with `pageHeaders`. */
export const securityHeaders = (publicUrl: string): Record<string, string> => ({
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': apiPolicy,
  ...(publicUrl.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
});

/** Answers that are no page: nothing may be loaded, framed or submitted from them. */
const apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Files of other people: even opened directly they run nothing. */
export const filePolicy = `${apiPolicy}; sandbox`;

/**
 * Pages of our own. No inline script; inline style only with the nonce of this answer, for libraries that must insert a
 * style element. The socket's origin is named because older browsers do not count ws: as 'self'.
 */
const pagePolicy = (publicUrl: string, nonce?: string): string => {
  const socket = new URL(publicUrl).origin.replace(/^http/, 'ws');
  return [
    "default-src 'self'",
    "script-src 'self'",
    nonce === undefined ? "style-src 'self'" : `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src 'self' ${socket}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "media-src 'self' blob:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "object-src 'none'",
  ].join('; ');
};

/** What only documents obey: features, isolation from other windows, framing by old browsers. */
export const pageHeaders = (publicUrl: string, nonce?: string): Record<string, string> => ({
  'content-security-policy': pagePolicy(publicUrl, nonce),
  'permissions-policy':
    'accelerometer=(), camera=(self), display-capture=(), geolocation=(), gyroscope=(), microphone=(self), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
});

/**
 * Pages that work without script and load a stylesheet at most. Browsers hold redirects after a form against
 * `form-action`, so such a page names where its answer may end; `frames` are the origins that it may frame.
 */
export const plainPageHeaders = (
  publicUrl: string,
  formTargets: readonly string[] = [],
  frames: readonly string[] = [],
): Record<string, string> => ({
  ...pageHeaders(publicUrl),
  'content-security-policy': [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ["form-action 'self'", ...formTargets].join(' '),
    ...(frames.length === 0 ? [] : [`frame-src ${[...new Set(frames)].join(' ')}`]),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
});
