/** The part of W3C Trace Context that Atrium continues. */
export interface TraceParent {
  trace_id: string;
  span_id: string;
  sampled: boolean;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads `traceparent`; null when absent or not valid (W3C Trace Context, section 3.2), in which case a new trace begins. */
export const readTraceParent = (header: string | string[] | undefined): TraceParent | null => {
  if (typeof header !== 'string') return null;
  const match = form.exec(header);
  if (match === null) return null;
  const [, version, trace, span, flags, rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (/^0+$/.test(trace!) || /^0+$/.test(span!)) return null;
  return { trace_id: trace!, span_id: span!, sampled: (Number.parseInt(flags!, 16) & 1) === 1 };
};
