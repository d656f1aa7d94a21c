import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  exchange,
  makeRoute,
  makeTarget,
  startLane,
  startUpstream,
  type TestLane,
  type Upstream,
  useLane,
} from './lane.testkit.ts';
import { longExtension, smugglingCorpus } from './smuggling.testkit.ts';

/** For both lanes: what holds of one holds of the other. */
export const smugglingTests = (lane: 'fast' | 'slow'): void => {
  beforeAll(() => useLane(lane));

  let app: Upstream;
  let l: TestLane;

  beforeAll(async () => {
    app = await startUpstream((request, response) => {
      request
        .on('error', () => undefined)
        .resume()
        .on('end', () => response.end('answered'));
    });
    l = await startLane(
      [{ host: '', path: '/apps/notes/', route: makeRoute({ slug: 'notes', targets: [makeTarget(app.url)] }) }],
      {
        config: { max_connections_per_address: 0 },
      },
    );
  });
  afterAll(async () => {
    await l.close();
    await app.close();
  });

  const smuggled = (): boolean => app.seen.some(({ url }) => url.includes('smuggled'));
  /** One refusal and nothing after it. */
  const oneRefusal = (answer: string): boolean =>
    /^HTTP\/1\.1 (?:400|505|431|413) /.test(answer) && answer.split('HTTP/1.1 ').length === 2;

  describe('G23: a request of doubtful length gets 400 and the connection ends', () => {
    it.each(smugglingCorpus)('$name', async ({ bytes }) => {
      expect(await exchange(l.port, [bytes])).toSatisfy(oneRefusal);
      expect(smuggled()).toBe(false);
    });

    it('a chunk extension of 100 KiB', async () => {
      expect(await exchange(l.port, [longExtension.bytes])).toSatisfy(oneRefusal);
      expect(smuggled()).toBe(false);
    });

    it('wherever the packets end', { tags: ['long'], timeout: 120_000 }, async () => {
      const splits = smugglingCorpus.flatMap(({ name, bytes }) => {
        // What comes after the end of the head and a few bytes of the body is not read any more.
        const until = Math.min(bytes.length, bytes.indexOf('\n\r\n') + 24);
        return Array.from({ length: until - 1 }, (_none, at) => ({ name, at: at + 1, bytes }));
      });
      const wrong: string[] = [];
      const work = splits.values();
      const one = async (): Promise<void> => {
        for (const { name, at, bytes } of work) {
          const answer = await exchange(l.port, [bytes.slice(0, at), bytes.slice(at)]);
          if (!oneRefusal(answer)) wrong.push(`${name} at ${at}: ${answer.slice(0, 60)}`);
        }
      };
      await Promise.all(Array.from({ length: 16 }, one));
      expect(wrong).toEqual([]);
      expect(smuggled()).toBe(false);
    });

    it('while a well-formed pipeline is answered in its order, byte by byte', async () => {
      const good =
        'GET /apps/notes/a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /apps/notes/b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
      const answer = await exchange(l.port, good.split(''));
      expect(answer.split('HTTP/1.1 200 OK')).toHaveLength(3);
      expect(app.seen.slice(-2).map(({ url }) => url)).toEqual(['/a', '/b']);
    });
  });
};
