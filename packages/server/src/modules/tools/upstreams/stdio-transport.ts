import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { type JSONRPCMessage, ReadBuffer, serializeMessage, type Transport } from '@modelcontextprotocol/client';

const largestMessage = 16 * 1024 * 1024;
const stderrKept = 4096;
/** After the end of its input, and again after SIGTERM. */
const patienceMs = 2000;

/** Waits for the end of its input, which comes when this process is gone however it went, and ends the group then. */
const watch = 'read _; kill -TERM "-$1"; sleep 2; kill -KILL "-$1"';

export interface StdioOptions {
  command: string;
  args: readonly string[];
  /** All that it is given beside what a program needs to be found. */
  env: Readonly<Record<string, string>>;
  cwd: string;
}

/**
 * A program as an MCP server. It differs from the client's own transport where this matters on a server: the environment
 * begins empty, the program leads a process group that is ended as a whole, and the end of what it wrote to stderr is kept.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport['onmessage']>;
  readonly #options: StdioOptions;
  readonly #buffer = new ReadBuffer({ maxBufferSize: largestMessage });
  #child: ChildProcessByStdio<Writable, Readable, Readable> | null = null;
  /** Ends the program when this process was killed: not every program ends with its input. */
  #watcher: ChildProcess | null = null;
  #stderr = '';
  #ended: Promise<void> = Promise.resolve();

  constructor(options: StdioOptions) {
    this.#options = options;
  }

  /** The end of what the program wrote beside its messages. Values of its environment are masked. */
  get stderr(): string {
    let text = this.#stderr;
    for (const value of Object.values(this.#options.env)) if (value.length > 3) text = text.replaceAll(value, '••••••');
    return text;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): Promise<void> {
    const { command, args, env, cwd } = this.#options;
    mkdirSync(cwd, { recursive: true, mode: 0o700 });
    return new Promise((resolve, reject) => {
      const child = spawn(command, [...args], {
        cwd,
        env: { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', HOME: cwd, LANG: 'C.UTF-8', ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
        shell: false,
      });
      this.#child = child;
      this.#ended = new Promise((done) => child.once('close', () => done()));
      child.once('spawn', () => {
        this.#watcher = spawn('sh', ['-c', watch, 'sh', String(child.pid)], {
          ...{
            env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
            stdio: ['pipe', 'ignore', 'ignore'],
            detached: true,
          },
        });
        // A machine without a shell has programs that end with their input, and no others.
        this.#watcher.on('error', () => {});
        this.#watcher.stdin?.on('error', () => {});
        this.#watcher.unref();
        resolve();
      });
      child.once('error', (error) => {
        reject(error);
        this.onerror?.(error);
      });
      child.once('close', () => {
        this.#kill('SIGKILL');
        this.#watcher?.kill('SIGKILL');
        this.#child = null;
        this.onclose?.();
      });
      child.stdin.on('error', (error) => this.onerror?.(error));
      child.stdout.on('data', (chunk: Buffer) => this.#read(chunk));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.#stderr = (this.#stderr + text).slice(-stderrKept);
      });
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    const child = this.#child;
    if (child === null) return Promise.reject(new Error('the program has ended'));
    return new Promise((resolve, reject) => {
      child.stdin.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Its input ends first, as the protocol asks for; what is left of its group is ended by force. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.stdin.end();
    if (await this.#endsWithin(patienceMs)) return;
    this.#kill('SIGTERM');
    if (await this.#endsWithin(patienceMs)) return;
    this.#kill('SIGKILL');
    await this.#endsWithin(patienceMs);
  }

  #read(chunk: Buffer): void {
    try {
      this.#buffer.append(chunk);
    } catch (error) {
      this.onerror?.(error as Error);
      this.#kill('SIGKILL');
      return;
    }
    for (;;) {
      try {
        const message = this.#buffer.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (error) {
        this.onerror?.(error as Error);
      }
    }
  }

  #endsWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#ended.then(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  #kill(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone already.
    }
  }
}
