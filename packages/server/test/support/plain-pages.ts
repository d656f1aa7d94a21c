import type { Page } from 'playwright-core';
import { pkce } from './oauth-world.ts';

/** Who goes through the pages that the server draws itself, and which clients send them there. */
export interface PlainJourney {
  origin: string;
  person: { email: string; password: string; code: () => string };
  /** Asks in a browser and nobody vouches for it. Something must listen at its address: browsers show no page otherwise. */
  app: { client_id: string; redirect_uri: string; scope: string };
  /** One that an operator registered. */
  known: { client_id: string; redirect_uri: string; scope: string };
  device: { client_id: string; scope: string };
}

export interface JourneyEnd {
  /** Where the client was answered. */
  allowed: URL;
  device_code: string;
}

export const authorizeAddress = (
  origin: string,
  client: { client_id: string; redirect_uri: string; scope: string },
  challenge = pkce().challenge,
): string =>
  `${origin}/oauth/authorize?${new URLSearchParams({
    ...client,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'state-1',
  })}`;

const deviceAgent = 'warehouse-scanner/4.1 (Zebra TC58; Android 14)';

/** Whoever asks for a device code does so from a terminal or a thing, never from the person's browser. */
export const askForDeviceCode = async (
  origin: string,
  device: PlainJourney['device'],
): Promise<{ device_code: string; user_code: string }> => {
  const answer = await fetch(`${origin}/oauth/device_authorization`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': deviceAgent },
    body: new URLSearchParams(device),
  });
  const body = (await answer.json()) as { device_code: string; user_code: string };
  if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(body)}`);
  return body;
};

/**
 * One person through every page that needs no script: sign-in, second factor, two consents, a device, sign-out and what
 * is shown of requests that cannot be taken. `seen` is called on each of them.
 */
export const visitPlainPages = async (
  page: Page,
  journey: PlainJourney,
  seen: (name: string, page: Page) => Promise<void>,
): Promise<JourneyEnd> => {
  const { origin, person, app, known, device } = journey;
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor();

  await page.goto(authorizeAddress(origin, app));
  await heading('Sign in');
  await seen('plain-sign-in', page);
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByLabel('Password').fill(`${person.password}?`);
  await press('Sign in');
  await page.getByRole('alert').waitFor();
  await seen('plain-sign-in-refused', page);
  await page.getByLabel('Password').fill(person.password);
  await press('Sign in');
  await heading('Enter your code');
  await seen('plain-second-factor', page);
  await page.getByLabel('Code', { exact: true }).fill(person.code());
  await press('Go on');
  await heading(/asks for access/);
  await seen('consent', page);
  await page.getByRole('checkbox').last().uncheck();
  await press('Allow');
  await page.waitForURL(`${new URL(app.redirect_uri).origin}/**`);
  const allowed = new URL(page.url());

  // Asked again, although it may have been allowed before.
  await page.goto(`${authorizeAddress(origin, known)}&prompt=consent`);
  await heading(/asks for access/);
  await seen('consent-of-a-known-client', page);

  const { device_code, user_code } = await askForDeviceCode(origin, device);
  await page.goto(`${origin}/device`);
  await heading('Connect a device');
  await seen('device', page);
  await page.getByLabel('Code').fill('BBBB-BBBBB');
  await press('Continue');
  await page.getByRole('alert').waitFor();
  await seen('device-refused', page);
  await page.getByLabel('Code').fill(user_code.toLowerCase().replace('-', ' '));
  await press('Continue');
  await heading('Is this your device?');
  await seen('device-confirm', page);
  await press('Continue');
  await heading(/asks for access/);
  await seen('device-consent', page);
  await press('Allow');
  await heading('The device is connected');
  await seen('device-done', page);

  await page.goto(`${origin}/pair`);
  await heading('Pair this device');
  await seen('pair', page);
  await page.getByLabel('Code', { exact: true }).fill('BBBBB-BBBBB');
  await press('Join');
  await page.getByText('This code is wrong').waitFor();
  await seen('pair-refused', page);

  await page.goto(`${origin}/oauth/logout`);
  await heading('Sign out of Atrium?');
  await seen('sign-out', page);
  await press('Sign out');
  await heading('You are signed out');
  await seen('signed-out', page);

  await page.goto(authorizeAddress(origin, { ...app, redirect_uri: 'https://elsewhere.example/callback' }));
  await heading('This did not work');
  await seen('request-refused', page);
  await page.goto(`${origin}/oauth/interaction/none`);
  await heading('This request has ended');
  await seen('request-ended', page);
  return { allowed, device_code };
};
