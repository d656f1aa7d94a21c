import { agentsList, membersList } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { Check } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useOperation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { openInvite } from '../members/invite-store.ts';
import { AgentConnectCard } from './agent-light.tsx';
import { CreateAgentForm, type MadeAgent } from './create-agent-form.tsx';
import { MadeAgentPanel } from './made-agent.tsx';
import { TestQuestion } from './test-question.tsx';

/** The first quarter of an hour: an agent, a question, a colleague. */
export const WelcomePage = () => {
  const { org, user } = useMe();
  const mayManage = useCan('agents.manage');
  const mayInvite = useCan('users.invite');
  const agents = useOperation(agentsList, { limit: 1 });
  const members = useOperation(membersList, { limit: 2 }, { enabled: mayInvite });
  const [made, setMade] = useState<MadeAgent | null>(null);
  const [asked, setAsked] = useState(false);
  const first = user?.name.split(/\s+/)[0];
  const known = agents.data?.items[0];
  const connected = !!known?.first_seen_at;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <PageHeader
        title="Welcome"
        action={
          <Button asChild size="small" tone="ghost">
            <Link to="/inbox">Go to the inbox</Link>
          </Button>
        }
      />
      <div className="mx-auto w-full max-w-[760px] px-4 pt-8 pb-16 md:px-6 md:pt-12">
        <h2 className="text-28 font-semibold text-balance">{first ? `${first}, this is ${org.name}` : org.name}</h2>
        <p className="mt-2 max-w-[60ch] text-14 text-pretty text-text-2">
          Agents ask here and people answer. Three steps and the house is lived in.
        </p>
        <ol className="mt-10">
          <Step
            number={1}
            title="Connect an agent"
            lead="It gets a name and a key of its own. Paste one line into its client."
            done={connected}
          >
            {made ? (
              <MadeAgentPanel made={made} />
            ) : known ? (
              <AgentConnectCard agent={known} />
            ) : mayManage ? (
              agents.isPending ? null : (
                <CreateAgentForm onMade={setMade} />
              )
            ) : (
              <p className="text-13 text-text-2">Your role may not create agents. An Owner or Admin can.</p>
            )}
            {!made && known && (
              <p className="mt-2 text-13 text-text-3">
                The key was shown when {known.name} was created.{' '}
                <Link
                  to="/agents/$id"
                  params={{ id: known.id }}
                  className="rounded-control font-medium text-text-2 underline decoration-line-strong underline-offset-4 hover:text-text"
                >
                  Give it a new one
                </Link>
              </p>
            )}
          </Step>
          <Step
            number={2}
            title="Answer a question"
            lead="See what arrives when an agent needs you. It slides into the inbox without a reload."
            done={asked}
          >
            <TestQuestion primary={connected} onSent={() => setAsked(true)} />
          </Step>
          <Step
            number={3}
            title="Invite somebody"
            lead="A link or an address, with a role and a team. They see only what that opens to them."
            done={(members.data?.items.length ?? 0) > 1}
            last
          >
            {mayInvite ? (
              <Button onClick={openInvite}>Invite a colleague</Button>
            ) : (
              <p className="text-13 text-text-2">Your role may not invite people. An Owner or Admin can.</p>
            )}
          </Step>
        </ol>
      </div>
    </div>
  );
};

const Step = ({
  number,
  title,
  lead,
  done,
  last,
  children,
}: {
  number: number;
  title: string;
  lead: string;
  done: boolean;
  last?: boolean;
  children: ReactNode;
}) => (
  <li className="relative flex gap-4 md:gap-5">
    {!last && <span aria-hidden className="absolute top-8 bottom-0 left-[13.5px] w-px bg-line-strong" />}
    <span
      className={cx(
        'tabular relative flex size-7 shrink-0 items-center justify-center rounded-full border text-13 font-semibold transition-colors',
        done ? 'border-success-line bg-success-soft text-success-text' : 'border-line-strong bg-surface text-text-2',
      )}
    >
      {done ? <Check aria-label="Done" className="size-4" /> : number}
    </span>
    <div className={cx('min-w-0 flex-1', !last && 'pb-10')}>
      <h3 className="text-16 leading-7 font-semibold">{title}</h3>
      <p className="mb-4 text-14 text-pretty text-text-2">{lead}</p>
      {children}
    </div>
  </li>
);
