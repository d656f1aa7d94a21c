import { describe, expect, it } from 'vitest';
import { Coalescer } from './coalescer.ts';
import type { Sighting } from './sighting.ts';

const at = (port: number, parts: Partial<Sighting> = {}): Sighting => ({
  ...{ source: 'docker', fingerprint: 'container notes', name: 'notes', confidence: 0.5, reasons: [] },
  addresses: [{ port: 80, scheme: 'http', host: '127.0.0.1', dial_port: port }],
  app: { slug: 'notes', name: 'Notes', icon: '📦', tags: [], group: null, description: '' },
  ...{ route: {}, explicit: false, vouched: false, container_ref: null, bindings: [] },
  ...parts,
});

const written = (coalescer: Coalescer, now: number) => {
  const taken = coalescer.take(now, 100);
  coalescer.wrote(taken, now);
  return taken.map((change) => (change.kind === 'gone' ? 'gone' : change.sighting.name));
};

describe('what providers see', () => {
  it('is written at once when it is new', () => {
    const coalescer = new Coalescer();
    coalescer.sight(at(1), 1000);
    expect([coalescer.nextDue()! <= 1000, written(coalescer, 1000), coalescer.nextDue()]).toEqual([
      true,
      ['notes'],
      null,
    ]);
  });

  it('is written when it has been quiet for two seconds, as the newest of it', () => {
    const coalescer = new Coalescer();
    coalescer.sight(at(1), 0);
    written(coalescer, 0);
    coalescer.sight(at(1, { name: 'a' }), 10_000);
    coalescer.sight(at(1, { name: 'b' }), 11_000);
    expect([written(coalescer, 12_900), written(coalescer, 13_000)]).toEqual([[], ['b']]);
  });

  it('is as quiet when the same is seen again and again', () => {
    const coalescer = new Coalescer();
    coalescer.sight(at(1), 0);
    written(coalescer, 0);
    for (let now = 10_000; now < 12_000; now += 100) coalescer.sight(at(1, { name: 'a' }), now);
    expect(written(coalescer, 12_000)).toEqual(['a']);
  });

  it('is written after thirty seconds when it is never quiet', () => {
    const coalescer = new Coalescer();
    coalescer.sight(at(1), 0);
    written(coalescer, 0);
    let writes = 0;
    for (let now = 1000; now <= 70_000; now += 1000) {
      coalescer.sight(at(1, { name: `n${now}` }), now);
      writes += written(coalescer, now).length;
    }
    expect(writes).toBe(2);
  });

  it('is written at once when it moved, but not twice in two seconds', () => {
    const coalescer = new Coalescer();
    coalescer.sight(at(1), 0);
    written(coalescer, 0);
    coalescer.gone('docker', 'container notes', 60_000);
    coalescer.sight(at(2), 60_100);
    expect(written(coalescer, 60_100)).toEqual(['notes']);
    coalescer.sight(at(3), 60_200);
    expect([written(coalescer, 60_300), written(coalescer, 62_100)]).toEqual([[], ['notes']]);
  });

  it('that comes back as it was within the quiet is nothing to write', () => {
    const coalescer = new Coalescer();
    coalescer.sight(at(1), 0);
    written(coalescer, 0);
    coalescer.gone('docker', 'container notes', 5000);
    coalescer.sight(at(1), 5500);
    expect([coalescer.nextDue(), coalescer.takeSeen(), coalescer.takeSeen()]).toEqual([
      null,
      [['docker', 'container notes']],
      [],
    ]);
  });

  it('is forgotten when it is gone, and new when it comes again', () => {
    const coalescer = new Coalescer();
    coalescer.sight(at(1), 0);
    written(coalescer, 0);
    coalescer.gone('docker', 'container notes', 1000);
    expect([written(coalescer, 2000), written(coalescer, 3000)]).toEqual([[], ['gone']]);
    coalescer.sight(at(1), 4000);
    expect(written(coalescer, 4000)).toEqual(['notes']);
  });

  it('G8: is due again when it could not be written, and keeps what came meanwhile', () => {
    const coalescer = new Coalescer();
    for (let i = 0; i < 500; i++) coalescer.sight(at(1, { fingerprint: `container ${i}` }), 0);
    coalescer.failed(coalescer.take(0, 100));
    const first = coalescer.take(0, 100);
    coalescer.sight(at(1, { fingerprint: 'container 0', name: 'newer' }), 1);
    coalescer.wrote(first, 2);
    const all = new Map(first.map((change) => [change.fingerprint, change]));
    for (let taken = coalescer.take(5000, 100); taken.length > 0; taken = coalescer.take(5000, 100)) {
      for (const change of taken) all.set(change.fingerprint, change);
      coalescer.wrote(taken, 5000);
    }
    expect(all.size).toBe(500);
    const last = all.get('container 0')!;
    expect(last.kind === 'sight' && last.sighting.name).toBe('newer');
  });
});
