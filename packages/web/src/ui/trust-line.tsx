import { ShieldAlert, ShieldCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import { PrincipalMark } from './identity-mark.tsx';

interface TrustLineProps {
  who: { type: 'user' | 'agent' | 'device' | 'service' | 'system'; id: string; name: string };
  /** "API key atk_7Qw2", "passkey", "signed request". Absent = not verified. */
  verified?: ReactNode;
  /** Whose rights it uses. */
  actingFor?: string;
  /** What it may do, in words: "read and answer items". */
  may?: string;
}

/** Who asks, verified how, acting for whom, with which rights. */
export const TrustLine = ({ who, verified, actingFor, may }: TrustLineProps) => (
  <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-13 text-text-2">
    <span className="inline-flex items-center gap-1.5 font-medium text-text">
      <PrincipalMark {...who} size={18} />
      {who.name}
    </span>
    {verified ? (
      <span className="inline-flex items-center gap-1">
        <ShieldCheck aria-hidden className="size-3.5 text-success-text" />
        verified by {verified}
      </span>
    ) : (
      <span className="inline-flex items-center gap-1 text-warning-text">
        <ShieldAlert aria-hidden className="size-3.5" />
        not verified
      </span>
    )}
    {actingFor && <span>acting for {actingFor}</span>}
    {may && <span>may {may}</span>}
  </p>
);
