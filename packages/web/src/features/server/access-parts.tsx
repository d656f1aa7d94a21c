import type { ReactNode } from 'react';
import { Badge } from '../../ui/badge.tsx';
import { ToggleChip } from '../../ui/filter-chips.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { isPowerful, scopeWord } from './server-words.ts';

/* Pieces that the pages about who may do what have in common. */

interface Party {
  /** Null for the server itself. */
  id: string | null;
  name: string;
  type?: 'user' | 'agent' | 'device' | 'service' | 'system' | 'client';
}
interface PartyNameProps {
  party: Party;
  size?: number;
  /** In the column that names the row. */
  first?: boolean;
  /** Badges behind the name. */
  children?: ReactNode;
}

/** Somebody or something by mark and name, in one line. A client has the mark of a machine. */
export const PartyName = ({ party, size = 20, first, children }: PartyNameProps) => (
  <span className="flex min-w-0 items-center gap-2">
    <PrincipalMark
      type={party.type === undefined || party.type === 'client' ? 'agent' : party.type}
      id={party.id ?? party.name}
      name={party.name}
      size={size}
    />
    <span dir="auto" className={first ? 'truncate font-medium text-text' : 'truncate'}>
      {party.name}
    </span>
    {children}
  </span>
);

/** Scopes in one line: how many, and whether one of them is powerful. */
export const ScopeLine = ({ scopes }: { scopes: readonly string[] }) => (
  <span className="flex min-w-0 items-center gap-1.5 text-text-2">
    {scopes.some(isPowerful) && <Badge tone="warning">Powerful</Badge>}
    <span className="truncate">{scopes.join(' ') || 'none'}</span>
  </span>
);

export const ScopesField = ({ scopes, none }: { scopes: readonly string[]; none: string }) => (
  <FormField label="May" group>
    <ul className="flex flex-col gap-1.5 text-13">
      {scopes.length === 0 && <li className="text-text-3">{none}</li>}
      {scopes.map((scope) => (
        <li key={scope} className="flex flex-wrap items-center gap-x-2">
          {scopeWord(scope) !== scope && <span className="text-text">{scopeWord(scope)}</span>}
          <code className="text-12 text-text-3">{scope}</code>
          {isPowerful(scope) && <Badge tone="warning">Powerful</Badge>}
        </li>
      ))}
    </ul>
  </FormField>
);

export const AudiencesField = ({ audiences, none }: { audiences: readonly string[]; none: string }) => (
  <FormField label="Good at" group>
    <ul className="flex flex-col gap-1 text-13 text-text-2">
      {audiences.length === 0 && <li>{none}</li>}
      {audiences.map((audience) => (
        <li key={audience}>
          <code className="break-all">{audience}</code>
        </li>
      ))}
    </ul>
  </FormField>
);

/** Who acts for the subject, the one in front first. */
export const ActorsField = ({ actors, subject }: { actors: readonly Party[]; subject: string }) => (
  <FormField label={`Acts for ${subject}`} group>
    <ul className="flex flex-col gap-1.5 text-13">
      {actors.map((actor, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an actor is its place in the chain, and may stand in it twice.
        <li key={index} className="flex min-w-0 flex-wrap items-center gap-x-2">
          <PartyName party={actor} />
          {index > 0 && <span className="text-text-3">on whose behalf the one above acts</span>}
        </li>
      ))}
    </ul>
  </FormField>
);

/** Ways from a record to what belongs to it. */
export const WaysOn = ({ children }: { children: ReactNode }) => (
  <p className="flex flex-wrap gap-x-4 gap-y-1 text-13">{children}</p>
);

interface Chosen {
  client?: string | undefined;
  subject?: string | undefined;
}

/** The client and the person that a list is narrowed to by its address; a press takes one off. */
export const ChosenChips = ({
  chosen,
  names,
  subjectLabel,
  onChange,
}: {
  chosen: Chosen;
  names: Chosen;
  subjectLabel: string;
  onChange: (chosen: Chosen) => void;
}) => (
  <>
    {chosen.client && (
      <ToggleChip label={`Client: ${names.client}`} on onChange={() => onChange({ subject: chosen.subject })} />
    )}
    {chosen.subject && (
      <ToggleChip label={`${subjectLabel}: ${names.subject}`} on onChange={() => onChange({ client: chosen.client })} />
    )}
  </>
);

/** Names of what a list is narrowed to, as soon as a row tells them. */
export const namesOfChosen = (
  { client, subject }: Chosen,
  first: { client: Party; subject: Party } | undefined,
): Chosen => ({
  client: first !== undefined && first.client.id === client ? first.client.name : client,
  subject: first !== undefined && first.subject.id === subject ? first.subject.name : subject,
});
