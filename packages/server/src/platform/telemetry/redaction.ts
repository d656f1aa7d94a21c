const secretNames =
  /(authorization|cookie|password|passphrase|token|secret|apikey|privatekey|masterkey|accesskey|credential|vouchercode|recoverycode)$/;
const secretParameters =
  /([?&#](?:[a-z_]*token|code|api_?key|key|[a-z_]*secret|password|sig|signature|state)=)[^&\s#"']+/gi;
const passwordInUrl = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#]*:)[^\s@/]+@/gi;
const mask = '[redacted]';
const deepest = 8;

/** Field names that carry credentials, in any spelling: `api_key`, `X-Api-Key`, `clientSecret`. Counts (`tokens`) do not. */
const isSecretName = (name: string): boolean => secretNames.test(name.replace(/[-_]/g, '').toLowerCase());

/** Hides credentials in the query and the authority of URLs inside a text. */
export const redactText = (text: string): string =>
  text.includes('=') || text.includes('@')
    ? text.replace(secretParameters, `$1${mask}`).replace(passwordInUrl, `$1${mask}@`)
    : text;

/** A copy with secret fields masked at any depth. Instances of classes pass as they are: serializers deal with them. */
function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > deepest) return '[deep]';
  if (Array.isArray(value)) return value.map((entry) => redact(entry, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return redactFields(value as Record<string, unknown>, depth);
}

/** As `redact`, for an object whose prototype does not matter. */
export function redactFields(fields: object, depth = 0): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(fields)) {
    copy[name] = isSecretName(name) && entry !== null && entry !== undefined ? mask : redact(entry, depth + 1);
  }
  return copy;
}
