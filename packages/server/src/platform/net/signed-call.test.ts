import { expect, it } from 'vitest';
import { signatureHeaders } from './signed-call.ts';

const call = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: new Date(1614265330_500), body: '{"test": 2432232314}' };

it('signs as Standard Webhooks publishes it', () => {
  expect(signatureHeaders('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', call)).toEqual({
    'webhook-id': call.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

it('takes any other text as the key that it is', () => {
  const decoded = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  const text = decoded.toString('latin1');
  const bySecret = (secret: string) => signatureHeaders(secret, call)['webhook-signature'];
  expect(bySecret('plain secret of an operator')).not.toBe(bySecret('plain secret of another'));
  expect(bySecret(text)).not.toBe(bySecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'));
});
