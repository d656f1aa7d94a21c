import { spawn } from 'node:child_process';

type Environment = Readonly<Record<string, string | undefined>>;

/** Program and arguments that open a page, or null where there is no screen to show it on. */
const opener = (environment: Environment): string[] | null => {
  if (environment['BROWSER']) return [environment['BROWSER']];
  if (process.platform === 'darwin') return ['open'];
  // Not `start`: a shell would read the & of the address.
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return environment['DISPLAY'] || environment['WAYLAND_DISPLAY'] ? ['xdg-open'] : null;
};

/** Opens the page in the person's browser. `false` when there is none to be had; the address should be shown then. */
export const openBrowser = (url: URL, environment: Environment): Promise<boolean> => {
  const [program, ...args] = opener(environment) ?? [];
  if (program === undefined || !/^https?:$/.test(url.protocol)) return Promise.resolve(false);
  return new Promise((done) => {
    const child = spawn(program, [...args, url.href], {
      stdio: 'ignore',
      detached: true,
      env: { ...environment } as NodeJS.ProcessEnv,
    });
    child.once('error', () => done(false));
    child.once('spawn', () => {
      child.unref();
      done(true);
    });
  });
};
