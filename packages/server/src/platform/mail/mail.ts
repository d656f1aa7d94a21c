/** One letter to one address. `text` says everything; `html` says the same for who reads mail in colour. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

export interface MailTransport {
  /** `smtp` reaches people; `files` leaves letters in a folder, for servers without SMTP. */
  kind: 'smtp' | 'files';
  /** Resolves once the next hop took the letter, rejects otherwise: the caller tries again. */
  send(mail: Mail): Promise<void>;
  close(): void;
}

export interface SmtpOptions {
  host: string;
  port: number;
  /** `tls` from the first byte, `starttls` demanded, or `none` for a relay on the same machine. */
  security: 'tls' | 'starttls' | 'none';
  user: string | null;
  password: string | null;
}
