/* Makes this browser a device: a key of its own that no script can read out, kept with its tokens in IndexedDB. */

const part = (id) => document.getElementById(id);
const bytesOf = (text) => new TextEncoder().encode(text);
const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const sha256 = (bytes) => crypto.subtle.digest('SHA-256', bytes);

// What is kept.

const store = async (mode, act) => {
  const opening = indexedDB.open('atrium-device', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('device');
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await done(opening);
  try {
    return await done(act(database.transaction('device', mode).objectStore('device')));
  } finally {
    database.close();
  }
};
const keptDevice = () => store('readonly', (shelf) => shelf.get('this'));
const keep = (device) => store('readwrite', (shelf) => shelf.put(device, 'this'));
const forget = () => store('readwrite', (shelf) => shelf.delete('this'));

// What is proven.

/** Milliseconds by which the server's clock is ahead: a proof is good for a minute. */
let ahead = 0;

const prove = async ({ key, jwk }, method, url, token) => {
  const claims = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: url,
    iat: Math.floor((Date.now() + ahead) / 1000),
    ...(token === undefined ? {} : { ath: base64url(await sha256(bytesOf(token))) }),
  };
  const encode = (value) => base64url(bytesOf(JSON.stringify(value)));
  const content = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${encode(claims)}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, bytesOf(content));
  return `${content}.${base64url(signature)}`;
};

/** The same as `pairingCheck` of the protocol: each field with its length in front. */
const checkOf = async ({ base_url, server_id, pairing_token, spki_pins }, code) => {
  const fields = ['atrium:pairing:v1', code, base_url, server_id, pairing_token, ...spki_pins].map(bytesOf);
  const whole = new Uint8Array(fields.reduce((sum, field) => sum + 4 + field.length, 0));
  let at = 0;
  for (const field of fields) {
    new DataView(whole.buffer).setUint32(at, field.length);
    whole.set(field, at + 4);
    at += 4 + field.length;
  }
  return base64url(new Uint8Array(await sha256(whole)).subarray(0, 16));
};

// What is asked of the server.

class Refused extends Error {}

const sentences = {
  pairing_invalid: 'This code is wrong, was used, or has expired. Ask for a new one.',
  rate_limited: 'There were too many wrong codes from your address. Wait five minutes, then try again.',
};

const post = async (path, body, headers) => {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    credentials: 'omit',
  });
  const date = Date.parse(response.headers.get('date') ?? '');
  if (!Number.isNaN(date)) ahead = Math.abs(date - Date.now()) > 5000 ? date - Date.now() : 0;
  const answer = await response.json();
  if (!response.ok) throw new Refused(sentences[answer.code] ?? answer.detail ?? 'The server refused.');
  return answer;
};

const tokensOf = ({ access_token, refresh_token, expires_in }) => ({
  access_token,
  refresh_token,
  expires_at: Date.now() + expires_in * 1000,
});

const join = async (code, check, name) => {
  const answer = await post('/auth/pair', { code }, { 'x-pairing-request': 'true' });
  if (check !== null && (await checkOf(answer, code)) !== check)
    throw new Refused('What the server answered does not belong to this picture. Do not go on in this network.');
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const jwk = { kty, crv, x, y };
  const token = answer.pairing_token;
  const url = `${answer.base_url}/auth/pair/complete`;
  const proof = await prove({ key: pair.privateKey, jwk }, 'POST', url, token);
  const device = { name, platform: 'web', public_key: jwk };
  const joined = await post('/auth/pair/complete', { device, proof }, { authorization: `Bearer ${token}` });
  const { base_url, name: server_name } = answer;
  const made = { id: joined.device_id, name, base_url, server_name, key: pair.privateKey, jwk };
  await keep({ ...made, tokens: tokensOf(joined) });
};

/** One tab at a time: a refresh token that is sent twice ends all tokens of the device. Null: the device was shut out. */
const renew = () =>
  navigator.locks.request('atrium-device', async () => {
    const device = await keptDevice();
    if (device === undefined) return null;
    if (device.tokens.expires_at - Date.now() > 60_000) return device;
    const response = await fetch('/oauth/token', {
      method: 'POST',
      headers: { dpop: await prove(device, 'POST', `${device.base_url}/oauth/token`) },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: device.tokens.refresh_token }),
      credentials: 'omit',
    });
    const answer = await response.json();
    if (answer.error === 'invalid_grant') return null;
    if (!response.ok) throw new Refused(answer.error_description ?? 'The server refused.');
    const renewed = { ...device, tokens: tokensOf(answer) };
    await keep(renewed);
    return renewed;
  });

const asDevice = async (device, method, path) => {
  const { access_token } = device.tokens;
  return await fetch(path, {
    method,
    headers: {
      authorization: `DPoP ${access_token}`,
      dpop: await prove(device, method, `${device.base_url}${path}`, access_token),
    },
    credentials: 'omit',
  });
};

// What the person sees.

const say = (text, tone) => {
  const state = part('state');
  state.textContent = text;
  state.className = tone ?? '';
};

const showForm = (text, tone) => {
  part('join').hidden = false;
  part('joined').hidden = true;
  say(text, tone);
};

const gone = async () => {
  await forget();
  showForm('This browser was shut out. It needs a new code to join again.', 'warning');
};

/** Whether the tokens still stand; null when the server does not answer. */
const stands = async () => {
  try {
    const device = await renew();
    return device !== null && (await asDevice(device, 'GET', '/api/v1/device')).status !== 401;
  } catch {
    return null;
  }
};

const listen = async () => {
  const device = await renew().catch(() => undefined);
  if (device === null) return gone();
  if (device === undefined) {
    setTimeout(listen, 5000);
    return;
  }
  const socket = new WebSocket(new URL('/ws', location.href.replace(/^http/, 'ws')));
  socket.onopen = async () => {
    const token = device.tokens.access_token;
    socket.send(
      JSON.stringify({ type: 'auth', token, proof: await prove(device, 'GET', `${device.base_url}/ws`, token) }),
    );
    socket.send(JSON.stringify({ type: 'subscribe' }));
  };
  const beat = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('{"type":"ping"}'), 25_000);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'ready') say('Connected.', 'good');
    else if (message.type === 'event' && message.kind === 'identity.device.updated')
      part('name').textContent = message.body.name;
  };
  socket.onclose = async () => {
    clearInterval(beat);
    if ((await keptDevice()) === undefined) return;
    if ((await stands()) === false) return gone();
    say('Reconnecting…');
    setTimeout(listen, 2000);
  };
};

const showJoined = (device) => {
  part('join').hidden = true;
  part('joined').hidden = false;
  part('name').textContent = device.name;
  part('server').textContent = device.server_name;
  say('');
  return listen();
};

const browserName = () => {
  const brands = [
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\//, 'Firefox'],
    [/Chrome\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ];
  const systems = [
    [/Android/, 'Android'],
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Windows/, 'Windows'],
    [/Mac OS/, 'Mac'],
    [/Linux/, 'Linux'],
  ];
  const find = (list) => list.find(([form]) => form.test(navigator.userAgent))?.[1];
  return [find(brands) ?? 'Browser', find(systems)].filter(Boolean).join(' on ');
};

const begin = async () => {
  if (globalThis.crypto?.subtle === undefined || globalThis.indexedDB === undefined) {
    say('A browser makes keys over HTTPS alone. Open this page by its https address, or pair by an app.', 'warning');
    return;
  }
  const given = new URLSearchParams(location.hash.slice(1));
  // The code is good once; the history of the browser need not know it.
  history.replaceState(null, '', location.pathname);
  const [code, check] = [given.get('c'), given.get('v')];
  const form = part('join');
  form.elements.code.value = code ?? '';
  form.elements.name.value = browserName();
  if (code !== null)
    part('lead').textContent =
      `The picture leads to ${location.host}. This browser becomes a device of whoever showed it.`;
  part('named').hidden = false;
  const device = await keptDevice();
  if (device !== undefined && code === null) return showJoined(device);

  form.onsubmit = async (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    say('');
    const typed = form.elements.code.value.replaceAll(/[\s-]/g, '').toUpperCase();
    try {
      await join(typed, typed === code ? check : null, form.elements.name.value.trim() || browserName());
      await showJoined(await keptDevice());
    } catch (error) {
      say(
        error instanceof Refused ? error.message : 'The server does not answer. Check the connection and try again.',
        'warning',
      );
    } finally {
      button.disabled = false;
    }
  };
  part('leave').onclick = async () => {
    const kept = await keptDevice();
    await forget();
    if (kept !== undefined) await asDevice(kept, 'DELETE', '/api/v1/device').catch(() => undefined);
    showForm('This browser has left.');
  };
};

await begin();
