/** The expression of the HTML standard for input type=email; linear, and capped before it runs. */
const emailExpression =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
export const isEmail = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 254 && emailExpression.test(value);

/** Absolute http or https address. The URL parser forgives blanks and control characters, so they are refused first. */
export const isWebAddress = (value: unknown): boolean => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (typeof value !== 'string' || value.length > 8192 || /[\u0000-\u0020\u007f\\]/.test(value)) return false;
  return /^https?:\/\/[^/?#]/i.test(value) && URL.canParse(value);
};

const dateExpression = /^(\d{4})-(\d{2})-(\d{2})$/;
const timeExpression = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?$/;
const zoneExpression = /(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

/** `2026-02-28`, and a day that exists. */
export const isDate = (value: unknown): boolean => {
  const match = typeof value === 'string' && value.length === 10 ? dateExpression.exec(value) : null;
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return day >= 1 && day <= (days[month - 1] ?? 0);
};

/** `14:30`, `14:30:05`, `14:30:05.25`: local time of day without a zone. */
export const isTime = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 18 && timeExpression.test(value);

/** RFC 3339 with seconds optional, as browsers leave them out; the zone is not, or the moment would be ambiguous. */
export const isDateTime = (value: unknown): boolean => {
  if (typeof value !== 'string' || value.length > 40 || !/^.{10}T/i.test(value)) return false;
  const zone = zoneExpression.exec(value);
  return zone !== null && isDate(value.slice(0, 10)) && isTime(value.slice(11, zone.index));
};
