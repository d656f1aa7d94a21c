/** One ridge of the drawing: a broken ring. */
export interface Ridge {
  radius: number;
  width: number;
  /** Where it begins and how far it goes, in degrees. */
  from: number;
  sweep: number;
}

export interface FingerprintShape {
  hue: number;
  /** Second tone, at least sixty degrees away. */
  otherHue: number;
  ridges: readonly (Ridge & { other: boolean })[];
}

/** The eight bytes of a fingerprint; null for anything that is none. */
export const fingerprintBytes = (fingerprint: string): number[] | null =>
  /^(?:[0-9a-f]{4}-){3}[0-9a-f]{4}$/i.test(fingerprint)
    ? Array.from({ length: 8 }, (_, index) =>
        Number.parseInt(fingerprint.replaceAll('-', '').slice(index * 2, index * 2 + 2), 16),
      )
    : null;

/**
 * Rings around a core, one for each byte: its high half turns the ring, its low half says how far it is closed. Equal
 * fingerprints draw alike, and one other digit turns or closes a ring, so two that differ look different side by side.
 */
export const fingerprintShape = (fingerprint: string): FingerprintShape | null => {
  const bytes = fingerprintBytes(fingerprint);
  if (bytes === null) return null;
  const hue = Math.round(((bytes[0]! * 256 + bytes[1]!) / 65_536) * 360);
  return {
    hue,
    otherHue: (hue + 60 + Math.round((bytes[7]! / 255) * 240)) % 360,
    ridges: bytes.map((byte, index) => ({
      radius: 7 + index * 5.25,
      width: 3,
      from: (byte >> 4) * 22.5,
      sweep: 110 + (byte & 15) * 14,
      other: (bytes[(index + 3) % 8]! & 1) === 1,
    })),
  };
};

/** A ridge as the path of an SVG arc around the middle of a 100 by 100 field. */
export const ridgePath = ({ radius, from, sweep }: Ridge): string => {
  const at = (degrees: number): string => {
    const angle = (degrees * Math.PI) / 180;
    return `${(50 + radius * Math.cos(angle)).toFixed(2)} ${(50 + radius * Math.sin(angle)).toFixed(2)}`;
  };
  return `M${at(from)}A${radius} ${radius} 0 ${sweep > 180 ? 1 : 0} 1 ${at(from + sweep)}`;
};
