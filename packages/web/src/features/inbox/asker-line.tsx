import { type ItemView, scopes } from '@atrium/protocol';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { TrustLine } from '../../ui/trust-line.tsx';
import { markId } from './item-words.ts';
import { useAsker } from './people.ts';

const scopeWords = (held: readonly string[]): string => {
  const inbox = held.filter((scope) => scope.startsWith('inbox:'));
  if (inbox.length === held.length && inbox.length > 0)
    return inbox.includes('inbox:write') ? 'ask, notify and read items' : 'read items';
  const titles = held.flatMap((scope) =>
    scope in scopes
      ? [scopes[scope as keyof typeof scopes].title.toLowerCase()]
      : scope === '*'
        ? ['do everything']
        : [],
  );
  return titles.length > 2 ? `${titles.slice(0, 2).join('; ')} and ${titles.length - 2} more` : titles.join('; ');
};

const proofWords = { session: 'sign-in', api_key: 'API key', access_token: 'OAuth' } as const;
/** Where no proof is on record. Whoever has a publish address needs none, and the line says so. */
const unproven: Partial<Record<string, string>> = { system: 'this server', user: 'their account' };

/** Who asks, verified how, for whom, allowed what; and where and when. */
export const AskerLine = ({ item }: { item: ItemView }) => {
  const { created_by } = item;
  const agent = useAsker(created_by);
  const verified = item.asked_with ? proofWords[item.asked_with] : unproven[created_by.type];
  return (
    <div className="flex flex-col gap-1">
      <TrustLine
        who={{ type: created_by.type, id: markId(created_by), name: created_by.name }}
        {...(verified ? { verified } : {})}
        {...(agent ? { actingFor: agent.owner.name, may: scopeWords(agent.scopes) } : {})}
      />
      <p className="text-13 text-text-3">
        {item.channel ? `in #${item.channel.name}` : 'to everybody in the organisation'},{' '}
        <RelativeTime time={item.created_at} />
      </p>
    </div>
  );
};
