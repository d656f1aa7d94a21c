import { type Logger, type LoggerOptions, pino, stdSerializers } from 'pino';
import type { Config } from '../config/config.ts';
import { redactFields, redactText } from './redaction.ts';
import { terminalStream } from './terminal-stream.ts';

export type { Logger };

interface LogOutput {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** pg hangs the whole connection on its errors, cancel key included. */
function describeError(error: Error): Record<string, unknown> {
  const { client: _, ...fields } = stdSerializers.err(error) as unknown as Record<string, unknown>;
  return redactFields(fields);
}

/** The only maker of loggers. JSON lines, or a readable form when `output` is a terminal; credentials are masked. */
export function createLogger(level: Config['log']['level'], output: LogOutput = process.stdout): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    serializers: {
      err: describeError,
      req: (request: { method?: string; url?: string; ip?: string; id?: unknown }) => ({
        method: request.method,
        url: redactText(request.url ?? ''),
        ip: request.ip,
      }),
      res: (response: { statusCode?: number }) => ({ status: response.statusCode }),
    },
    formatters: { log: (fields: object) => redactFields(fields) },
  };
  return redactingChildren(create(options, output));
}

function create(options: LoggerOptions, output: LogOutput): Logger {
  if (output.isTTY === true) return pino(options, terminalStream(output, true));
  // The default destination writes to file descriptor 1 itself and copes with a pipe that is full.
  return output === process.stdout
    ? pino(options)
    : pino(options, { write: (line: string) => void output.write(line) });
}

/** Pino formats the fields of a record, but not those bound to a child. Children inherit the replaced method. */
function redactingChildren(logger: Logger): Logger {
  const child = logger.child;
  logger.child = function (this: Logger, bindings: object, ...rest: []) {
    return child.call(this, redactFields(bindings), ...rest);
  } as Logger['child'];
  return logger;
}
