import { execFile } from 'node:child_process';

const timeoutMs = 180_000;

/**
 * Runs the operator's program: `present` or `cleanup`, the name of the TXT record, its value. No shell is between, and none
 * of the server's environment reaches it. It returns when the record can be seen.
 */
export const runDnsCommand = (
  command: string,
  act: 'present' | 'cleanup',
  record: string,
  value: string,
): Promise<void> =>
  new Promise((done, fail) => {
    execFile(
      command,
      [act, record, value],
      {
        timeout: timeoutMs,
        maxBuffer: 64 * 1024,
        env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      },
      (error, _out, told) => {
        if (error === null) done();
        else {
          const why = error.killed === true ? `took longer than ${timeoutMs / 1000} s` : told.trim().slice(0, 300);
          fail(new Error(`tls.acme.dns_command (${act} ${record}) failed: ${why === '' ? error.message : why}`));
        }
      },
    );
  });
