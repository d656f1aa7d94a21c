/** The path of a request as it is matched and sent on. */
export interface RequestPath {
  /** Escapes of characters that need none are undone, once; everything else is as the client sent it. */
  path: string;
  /** With its `?`, or ''. */
  query: string;
}

const unreserved = /%(?:2[de]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])/gi;
/** A slash of either kind, plain or escaped, dot segments, NUL, and what no path holds: a fragment, spaces, controls. `%2%65` has become `%2e` by then. */
const bad = /\\|%5c|%00|[#\p{Cc} ]|(?:^|\/|%2f)(?:\.|%2e){1,2}(?:$|\/|%2f|;)/iu;

/** Nearly all paths: nothing of what `bad` looks for can be in them, and this is found out in a third of the time. */
const harmless = /^[\w!$&'()*+,:;=@~/-]*$/;

/**
 * Null for a path that another program might read as another one: dot segments, plain or escaped, backslashes, NUL.
 * Nothing is decoded twice: `%252e` stays what it is.
 */
export const readRequestPath = (url: string): RequestPath | null => {
  const mark = url.indexOf('?');
  const query = mark === -1 ? '' : url.slice(mark);
  let path = mark === -1 ? url : url.slice(0, mark);
  if (query.includes('#')) return null;
  if (path.includes('%')) path = path.replace(unreserved, (code) => String.fromCharCode(parseInt(code.slice(1), 16)));
  return !harmless.test(path) && bad.test(path) ? null : { path, query };
};

/** The form that bases are compared with; what is sent keeps its slashes. */
export const comparablePath = (path: string): string => (path.includes('//') ? path.replace(/\/{2,}/g, '/') : path);

/** What is left of a path that lies below a base, beginning with a slash. */
export const pathBelow = (path: string, base: string): string => {
  const end = base.endsWith('/') ? base.length - 1 : base.length;
  let [at, seen] = [0, 0];
  // Slashes that stand together count as one, as they did when the base was found.
  while (seen < end) {
    if (path.charCodeAt(at) === 47) while (path.charCodeAt(at + 1) === 47) at += 1;
    at += 1;
    seen += 1;
  }
  const rest = path.slice(at);
  return rest.startsWith('/') ? rest : `/${rest}`;
};
