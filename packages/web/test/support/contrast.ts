/* Colours as style sheets write them, and how far two of them stand apart by WCAG 2. */

/** OKLab with an opacity. */
interface Colour {
  lab: readonly [number, number, number];
  alpha: number;
}
type Three = readonly [number, number, number];

const toLinear = ([l, a, b]: Three): Three => {
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const channels: Three = [
    4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
  ];
  // A screen shows no more than its gamut.
  return channels.map((one) => Math.min(1, Math.max(0, one))) as unknown as Three;
};
const encode = (value: number): number => (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
const decode = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** The channels of a colour on an opaque ground, as a screen adds them up. */
const onGround = (top: Colour, ground: Colour): Three => {
  const [below, above] = [toLinear(ground.lab), toLinear(top.lab)];
  return above.map((one, index) =>
    decode(encode(one) * top.alpha + encode(below[index]!) * (1 - top.alpha)),
  ) as unknown as Three;
};
const luminance = ([red, green, blue]: Three): number => 0.2126 * red + 0.7152 * green + 0.0722 * blue;

export const contrast = (text: Colour, layers: readonly Colour[]): number => {
  const [ground, ...above] = layers;
  // Where layers lie above each other only the last may let through; that is all that the tokens do.
  const opaque = above.length === 0 ? toLinear(ground!.lab) : onGround(above[0]!, ground!);
  const [light, dark] = [luminance(toLinear(text.lab)), luminance(opaque)].toSorted((a, b) => b - a) as [
    number,
    number,
  ];
  return (light + 0.05) / (dark + 0.05);
};

const splitTop = (text: string): string[] => {
  const parts = [''];
  let depth = 0;
  for (const sign of text) {
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (sign === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim());
};

/** Reads `oklch()`, `color-mix(in oklab, …)` with two parts, `var()` with a fallback, and `transparent`. */
export const readColour = (text: string, tokens: ReadonlyMap<string, string>): Colour => {
  const value = resolve(text, tokens);
  if (value === 'transparent') return { lab: [0, 0, 0], alpha: 0 };
  const oklch = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)(?: \/ ([\d.]+))?\)$/.exec(value);
  if (oklch) {
    const [lightness, chroma, hue] = [Number(oklch[1]), Number(oklch[2]), (Number(oklch[3]) * Math.PI) / 180];
    return { lab: [lightness, chroma * Math.cos(hue), chroma * Math.sin(hue)], alpha: Number(oklch[4] ?? 1) };
  }
  const mix = /^color-mix\(in oklab, (.*)\)$/.exec(value);
  if (!mix) throw new Error(`what colour is ${value}?`);
  const [first, second] = splitTop(mix[1]!);
  const [, colour, percent] = /^(.*) ([\d.]+)%$/.exec(first!)!;
  const [share, one, other] = [Number(percent) / 100, readColour(colour!, tokens), readColour(second!, tokens)];
  if (other.alpha === 0) return { lab: one.lab, alpha: share };
  return {
    lab: one.lab.map((part, index) => part * share + other.lab[index]! * (1 - share)) as unknown as Three,
    alpha: 1,
  };
};

const resolve = (text: string, tokens: ReadonlyMap<string, string>): string => {
  const found = /var\((--[a-z0-9-]+)(?:, ([^()]+))?\)/.exec(text);
  if (!found) return text;
  const value = tokens.get(found[1]!) ?? found[2];
  if (value === undefined) throw new Error(`nothing says what ${found[1]} is`);
  return resolve(text.replace(found[0], value), tokens);
};
