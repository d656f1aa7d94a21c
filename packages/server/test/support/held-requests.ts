import { connect, type Socket } from 'node:net';

/** Requests whose bodies never come: the server works on them until their connections end. */
export const holdRequests = (url: string, path: string, count: number): Socket[] => {
  const { hostname, port } = new URL(url);
  const type = path.startsWith('/oauth') ? 'application/x-www-form-urlencoded' : 'application/json';
  return Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: ${type}\r\nContent-Length: 10\r\n\r\n`,
    );
    return socket;
  });
};

/** The value of a metric, its label sets added up. Null when the family is not there. */
export const metricOf = (text: string, name: string, labels: Record<string, string> = {}): number | null => {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const fitting = lines.filter((line) =>
    Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)),
  );
  return fitting.length === 0 ? null : fitting.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

export const scrape = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text();
