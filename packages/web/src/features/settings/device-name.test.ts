import { expect, test } from 'vitest';
import { deviceName, isHandheld } from './device-name.ts';

const agents = {
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  safari:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
  chrome:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  edge: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
};

test('browsers are named by product and system', () => {
  expect(Object.values(agents).map(deviceName)).toEqual([
    'Firefox on Linux',
    'Safari on iPhone',
    'Chrome on Windows',
    'Edge on macOS',
  ]);
});

test('programs keep their name, and silence is said', () => {
  expect(['curl/8.15.0', 'claude-code/2.1 (cli)', null, ''].map(deviceName)).toEqual([
    'curl/8.15.0',
    'claude-code/2.1',
    'Unknown device',
    'Unknown device',
  ]);
});

test('phones and tablets are told from desks', () => {
  expect([isHandheld(agents.safari), isHandheld(agents.chrome), isHandheld(null)]).toEqual([true, false, false]);
});
