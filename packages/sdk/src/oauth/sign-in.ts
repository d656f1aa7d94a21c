/** Waits for the answer of one sign-in. */
export interface RedirectListener {
  uri: string;
  /** Sends the person to `url`; resolves to the redirect that carries `state`. */
  ask(url: URL, state: string, signal?: AbortSignal): Promise<URL>;
  /** Tells the person how it ended, and stops listening. */
  close(outcome: 'done' | 'failed'): Promise<void>;
}

/** Where the browser comes back to. `preferred` is the address of the last time, which servers may insist on. */
export type Redirect = (preferred?: string) => Promise<RedirectListener>;

export interface DevicePrompt {
  userCode: string;
  verificationUri: string;
  /** The address with the code in it, for a QR code. */
  verificationUriComplete: string | null;
  expiresInSeconds: number;
}

export interface AssertionRequest {
  /** The audience of the assertion. */
  issuer: string;
  /** The resource that the token is for. */
  resource: string;
  scope: string | undefined;
  /** For asking the issuer of the assertion. */
  fetch: (url: string, init: object) => Promise<Response>;
}

/** How tokens are first obtained. */
export type SignIn =
  /** A person in a browser: authorization code with PKCE. */
  | { kind: 'browser'; redirect: Redirect }
  /** A person on another device, who types a code (RFC 8628). */
  | { kind: 'device'; show: (prompt: DevicePrompt) => void | Promise<void> }
  /** The program itself, by its secret or key. */
  | { kind: 'client_credentials' }
  /** A JWT of a trusted issuer, exchanged by RFC 7523: workload identity, enterprise-managed authorization. */
  | { kind: 'assertion'; assertion: (request: AssertionRequest) => string | Promise<string> };
