import type { MailTransport, SmtpOptions } from './mail.ts';

const minuteMs = 60_000;

/** Letters over SMTP. Connections are kept for a few letters, and nothing waits for ever. */
export const createSmtpTransport = (options: SmtpOptions & { from: () => string }): MailTransport => {
  const { host, port, security, user, password, from } = options;
  const connect = async () => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      pool: true,
      maxConnections: 2,
      host,
      port,
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(user === null ? {} : { auth: { user, pass: password ?? '' } }),
      connectionTimeout: minuteMs / 4,
      greetingTimeout: minuteMs / 4,
      socketTimeout: minuteMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  };
  let transport: ReturnType<typeof connect> | null = null;
  return {
    kind: 'smtp',
    send: async ({ to, subject, text, html }) => {
      // As an object: a text would be parsed, and a comma in it would address a second person.
      transport ??= connect();
      await (await transport).sendMail({ from: from(), to: { name: '', address: to }, subject, text, html });
    },
    close: () => void transport?.then((made) => made.close()),
  };
};
