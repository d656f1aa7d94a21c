import type { Reason } from './sighting.ts';

export interface Evidence {
  /** What any service of this source starts with. */
  base: Reason;
  /** It names its app. */
  app_id: boolean;
  /** It says that it wants to be here. */
  explicit: boolean;
  /** What else speaks for it. */
  more: readonly Reason[];
}

const named = 0.85;
const wanted = 0.95;
/** Nothing that was only guessed is as certain as what a person wrote. */
const guessedAtMost = 0.85;

const round = (value: number): number => Math.round(value * 100) / 100;

/** How certain it is that somebody wants this as an app, between 0 and 1, and what that is made of. */
export const rate = ({ base, app_id, explicit, more }: Evidence): { confidence: number; reasons: Reason[] } => {
  const reasons: Reason[] = [base];
  let sum = base.adds;
  const raise = (to: number, reason: string): void => {
    if (to <= sum) return;
    reasons.push({ reason, adds: round(to - sum) });
    sum = to;
  };
  if (app_id) raise(named, 'a label names the app');
  if (explicit) raise(wanted, 'a label says enable=true');
  for (const one of more) {
    reasons.push(one);
    sum += one.adds;
  }
  const most = explicit ? 1 : guessedAtMost;
  if (round(sum) > most) {
    reasons.push({ reason: explicit ? 'certain' : 'guessed: no label says enable=true', adds: round(most - sum) });
    sum = most;
  }
  return { confidence: round(sum), reasons };
};

const webPorts = new Set([80, 8080, 3000]);

/** The reason of a port that web pages mostly live on, if it is one. */
export const webPort = (port: number): Reason[] =>
  webPorts.has(port) ? [{ reason: `port ${port} is one of web pages`, adds: 0.1 }] : [];
