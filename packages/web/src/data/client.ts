import { type InputOf, type Operation, type OutputOf, type Problem, toRequest } from '@atrium/protocol';

/** An answer that the server refused to give, as its problem document (RFC 9457). */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ProblemError';
    this.problem = problem;
  }
  get code(): Problem['code'] {
    return this.problem.code;
  }
}

/** The server did not answer: offline, restarting, or something between that answers for it. */
export class UnreachableError extends Error {
  constructor(cause?: unknown) {
    super('Atrium does not answer. Check the connection and try again.', { cause });
    this.name = 'UnreachableError';
  }
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Makes a repeated POST answer with the first result. */
  idempotencyKey?: string;
  /** Lets the request outlive the page. */
  keepalive?: boolean;
  /** The body of an operation that takes a file as it is. */
  file?: Blob;
}

let signedOut: () => void = () => undefined;
/** What happens when the server no longer knows the session. */
export const onSignedOut = (listener: () => void): void => {
  signedOut = listener;
};

let proveAgain: ((problem: Problem) => Promise<boolean>) | null = null;
/** How to ask a person to prove again who they are. False when they would rather not. */
export const onProofNeeded = (ask: (problem: Problem) => Promise<boolean>): void => {
  proveAgain = ask;
};

/** Repeats a call once that was refused for want of a fresh proof. */
const withProof = async <T>(act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'identity_step_up_required' || proveAgain === null)
      throw error;
    if (!(await proveAgain(error.problem))) throw error;
    return act();
  }
};

/**
 * What only this document carries, and the cookie alone does not say: that the dashboard asks, and not an app at the same
 * origin. Kept in memory; web storage is open to every page of the origin.
 */
let proof = document.querySelector<HTMLMetaElement>('meta[name="atrium-csrf"]')?.content ?? '';

const send = async (path: string, init: RequestInit): Promise<Response> => {
  try {
    const headers = { ...(init.headers as Record<string, string> | undefined), 'x-atrium-csrf': proof };
    const response = await fetch(path, { credentials: 'same-origin', ...init, headers });
    // Signing in, or changing the organisation, begins another session.
    proof = response.headers.get('x-atrium-csrf') ?? proof;
    return response;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new UnreachableError(cause);
  }
};

const refuse = async (response: Response, access: Operation['access']): Promise<never> => {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json'))
    throw new UnreachableError(new Error(`HTTP ${response.status}`));
  const problem = (await response.json()) as Problem;
  // A wrong current password is a 401 as well, and no reason to leave.
  if (problem.code === 'unauthorized' && access === 'signed_in') signedOut();
  if (problem.code === 'csrf_rejected') reloadOnce();
  throw new ProblemError(problem);
};

const reloadedAt = 'atrium.reloaded-for-session';
/** Another tab began another session: the document of that one has its proof. Twice in a row would be a circle. */
const reloadOnce = (): void => {
  const before = Number(sessionStorage.getItem(reloadedAt) ?? 0);
  if (Date.now() - before < 30_000) return;
  sessionStorage.setItem(reloadedAt, String(Date.now()));
  location.reload();
};

/** Calls an operation with the session cookie; path, query and body follow from its definition. */
export const call = <O extends Operation>(
  operation: O,
  input: InputOf<O>,
  options: CallOptions = {},
): Promise<OutputOf<O>> => withProof(() => callOnce(operation, input, options));

const callOnce = async <O extends Operation>(
  operation: O,
  input: InputOf<O>,
  options: CallOptions,
): Promise<OutputOf<O>> => {
  const { method, path, body: json } = toRequest(operation, input as Record<string, unknown>);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (operation.header) headers[operation.header[0]] = operation.header[1];
  const body = json ?? options.file;
  if (json !== undefined) headers['content-type'] = 'application/json';
  else if (options.file) headers['content-type'] = options.file.type || 'application/octet-stream';
  if (options.idempotencyKey) headers['idempotency-key'] = options.idempotencyKey;
  const response = await send(path, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.keepalive ? { keepalive: true } : {}),
  });
  if (!response.ok) return refuse(response, operation.access);
  return (response.status === 204 ? null : await response.json()) as OutputOf<O>;
};

/** Address of an operation that answers a file or a stream, for what sends no headers of ours. Good in this session. */
export const fileUrl = <O extends Operation>(operation: O, input: InputOf<O>): string => {
  const { path } = toRequest(operation, input as Record<string, unknown>);
  return `${path}${path.includes('?') ? '&' : '?'}atrium_csrf=${encodeURIComponent(proof)}`;
};

/** Fetches an operation that answers a file, hands it to the browser to keep, and tells what it was. */
export const download = <O extends Operation>(operation: O, input: InputOf<O>, name: string): Promise<Blob> =>
  withProof(async () => {
    const { method, path, body } = toRequest(operation, input as Record<string, unknown>);
    const response = await send(path, {
      method,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) return refuse(response, operation.access);
    const file = await response.blob();
    saveFile(file, name);
    return file;
  });

/** Hands bytes to the browser to keep as a file. */
export const saveFile = (content: Blob, name: string): void => {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
};

/** What to tell a person about any failure. */
export const sayError = (error: unknown): string =>
  error instanceof Error ? error.message : 'Something nobody expected happened.';
