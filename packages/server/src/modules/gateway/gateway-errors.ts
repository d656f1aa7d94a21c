import { AppError, notFound } from '../../platform/errors/app-error.ts';
import type { Claim } from './routes-rows.ts';

export const noApp = (): AppError => notFound('The app');
export const noRoute = (): AppError => notFound('The route');

/** Says nothing of whose the other route is: it may be a foreign organisation's. */
const addressTaken = (address: string, detail: string): AppError =>
  new AppError('gateway_route_conflict', detail, { extensions: { address } });

export const claimTaken = ({ host, path }: Claim): AppError => {
  const port = /^(tcp|udp):(\d+)$/.exec(host);
  if (port === null) return addressTaken(host + path, `Another route has ${host}${path}.`);
  const place = `${port[1]!.toUpperCase()} port ${port[2]}`;
  return addressTaken(host, `Another route has ${path === '' ? place : `the name ${path} on ${place}`}.`);
};

/** By the server itself, or by another program of this machine. */
export const portTaken = (protocol: string, port: number, problem: string): AppError =>
  addressTaken(`${protocol}:${port}`, `${protocol.toUpperCase()} port ${port} ${problem}.`);

export const stale = (what: string, version: number): AppError =>
  new AppError('gateway_route_stale', `The ${what} was changed meanwhile; read it again.`, { extensions: { version } });

export const keptElsewhere = (place: string): AppError =>
  new AppError('gateway_route_locked', `It is kept in ${place}; change it there.`, { extensions: { locked: place } });

export const slugTaken = (slug: string): AppError => new AppError('name_taken', `The slug "${slug}" is taken.`);

export const streamNeedsOperator = (): AppError =>
  new AppError('operator_required', 'Only operators make and change routes that listen on a port.');

export const tooManyRoutes = (max: number): AppError =>
  new AppError('plan_limit_exceeded', `An organisation has at most ${max} routes.`, {
    extensions: { limit: 'routes', max },
  });

export const targetRefused = (target: string, reason: string): AppError =>
  new AppError('gateway_target_refused', `${target} ${reason}.`, { extensions: { target } });
