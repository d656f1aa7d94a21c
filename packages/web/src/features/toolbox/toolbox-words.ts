import type { ToolboxDeployment } from '@atrium/protocol';
import type { Tone } from '../../ui/badge.tsx';

type State = ToolboxDeployment['state'];
type Step = NonNullable<ToolboxDeployment['step']>;

export const stateWords: Record<State, { label: string; tone: Tone }> = {
  pending: { label: 'Getting ready', tone: 'info' },
  pulling: { label: 'Pulling images', tone: 'info' },
  creating: { label: 'Creating', tone: 'info' },
  starting: { label: 'Starting', tone: 'info' },
  waiting: { label: 'Waiting until it is well', tone: 'info' },
  routing: { label: 'Making its app', tone: 'info' },
  running: { label: 'Running', tone: 'success' },
  stopping: { label: 'Stopping', tone: 'info' },
  stopped: { label: 'Stopped', tone: 'neutral' },
  cancelling: { label: 'Clearing away', tone: 'warning' },
  cancelled: { label: 'Cancelled', tone: 'neutral' },
  removing: { label: 'Removing', tone: 'warning' },
  error: { label: 'Failed', tone: 'danger' },
};

export const steps: readonly { step: Step; label: string }[] = [
  { step: 'validate', label: 'Look the template over' },
  { step: 'networks', label: 'Make networks' },
  { step: 'pull', label: 'Pull images' },
  { step: 'volumes', label: 'Make volumes' },
  { step: 'create', label: 'Create containers' },
  { step: 'start', label: 'Start them in order' },
  { step: 'wait', label: 'Wait until all are well' },
  { step: 'route', label: 'Make the app' },
];

const underWay: readonly State[] = ['pending', 'pulling', 'creating', 'starting', 'waiting', 'routing'];
export const isUnderWay = (state: State): boolean => underWay.includes(state);
/** Something happens to it that nobody needs to wait at. */
export const isBusy = (state: State): boolean =>
  isUnderWay(state) || state === 'stopping' || state === 'cancelling' || state === 'removing';

/** What an event about a deployment makes stale. */
export const deploymentReads = ['toolbox.list_deployments', 'toolbox.get_deployment', 'toolbox.list_templates'];

/** 24 random bytes in letters that no file and no shell reads as anything else. */
export const madeUpPassword = (): string => {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
  return Array.from(crypto.getRandomValues(new Uint32Array(24)), (n) => letters[n % letters.length]).join('');
};
