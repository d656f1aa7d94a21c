const names: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
const colours: Record<number, string> = { 10: '90', 20: '36', 30: '32', 40: '33', 50: '31', 60: '41;97' };
const ordinary = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'err']);

/** One log record as a person reads it: time, level, message, remaining fields, then the stack of an error. */
function formatRecord(line: string, colour: boolean): string {
  const record = JSON.parse(line) as Record<string, unknown> & { level: number; time: number };
  const paint = (code: string, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const level = paint(colours[record.level] ?? '0', (names[record.level] ?? String(record.level)).padEnd(5));
  const fields = Object.entries(record).filter(([name]) => !ordinary.has(name));
  const details = fields.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const head = [paint('90', new Date(record.time).toTimeString().slice(0, 8)), level, record['msg'] ?? ''].join(' ');
  const tail = details.length === 0 ? '' : ` ${paint('90', details.join(' '))}`;
  const err = record['err'] as { stack?: string; message?: string } | undefined;
  return `${head}${tail}${err === undefined ? '' : `\n${err.stack ?? err.message}`}\n`;
}

/** Written by this thread at once: a transport worker would cost some 15 MB and lose the last lines of a crash. */
export const terminalStream = (output: { write(text: string): unknown }, colour: boolean) => ({
  write: (line: string) => void output.write(formatRecord(line, colour)),
});
