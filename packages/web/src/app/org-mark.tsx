import { identityHue, initials } from '../ui/identity-hash.ts';

/** An organisation: one letter on a square plane. */
export const OrgMark = ({ id, name, size = 24 }: { id: string; name: string; size?: number }) => (
  <span
    aria-hidden
    className="inline-flex shrink-0 items-center justify-center rounded-[6px] font-semibold text-[oklch(0.99_0_0)]"
    style={{ width: size, height: size, fontSize: size * 0.48, background: `oklch(0.47 0.075 ${identityHue(id)})` }}
  >
    {initials(name)[0]}
  </span>
);
