import { type ClientView, clientsCreate, type InputOf } from '@atrium/protocol';
import type { FormErrors } from '../../data/form-errors.ts';
import { FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { methodWord } from './server-words.ts';

/* How a client proves that it is the one that was registered: a secret, keys, or a certificate. */

type Settings = InputOf<typeof clientsCreate>;
/** Public clients prove nothing. */
export type AuthMethod = Exclude<NonNullable<Settings['auth_method']>, 'none'>;
type CertificateName = NonNullable<ClientView['certificate_name']>;

/** What is typed into the fields of every way, so that choosing another one loses nothing. */
export interface Proof {
  method: AuthMethod;
  keysBy: 'address' | 'text';
  address: string;
  keys: string;
  name: CertificateName;
}

export const emptyProof = (method: AuthMethod): Proof => ({
  method,
  keysBy: method === 'self_signed_tls_client_auth' ? 'text' : 'address',
  address: '',
  keys: '',
  name: { kind: 'subject_dn', value: '' },
});

const withKeys: readonly string[] = ['private_key_jwt', 'self_signed_tls_client_auth'];
export const provesByKeys = (method: string): boolean => withKeys.includes(method);
export const provesByName = (method: string): boolean => method === 'tls_client_auth';
export const provesByCertificate = (method: string): boolean =>
  method === 'tls_client_auth' || method === 'self_signed_tls_client_auth';

/** Members of the operations that the fields below stand for. */
export const proofPaths = ['auth_method', 'jwks', 'jwks_uri', 'certificate_name'] as const;

const isKey = (value: unknown): boolean => typeof value === 'object' && value !== null && 'kty' in value;

/** A JWK set out of what was pasted; one key alone will do. A private key is refused here, before it travels. */
const readKeys = (text: string): { keys: NonNullable<Settings['jwks']> } | { wrong: string } => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {
      wrong: text.trim().startsWith('-----BEGIN')
        ? 'This is PEM. Give the public key as a JWK, with the certificate in its member x5c.'
        : 'This is not JSON. Paste a JWK set: {"keys": […]}.',
    };
  }
  const parsed = clientsCreate.input.shape.jwks.safeParse(isKey(value) ? { keys: [value] } : value);
  if (parsed.success && parsed.data !== null) return { keys: parsed.data };
  const issue = parsed.error?.issues[0];
  const where = issue?.path.filter((part) => typeof part === 'number')[0];
  return {
    wrong: `${where === undefined ? 'A JWK set is {"keys": […]}' : `Key ${Number(where) + 1}`}: ${issue?.message ?? 'there is none'}.`,
  };
};

/** What of the proof the operations take, or what is wrong with the keys. */
export const proofSettings = (
  proof: Proof,
): { settings: Pick<Settings, 'jwks' | 'jwks_uri' | 'certificate_name'> } | { wrong: string } => {
  if (provesByName(proof.method))
    return { settings: { certificate_name: { ...proof.name, value: proof.name.value.trim() } } };
  if (!provesByKeys(proof.method)) return { settings: {} };
  if (proof.keysBy === 'address') return { settings: { jwks: null, jwks_uri: proof.address.trim() } };
  const read = readKeys(proof.keys);
  return 'wrong' in read ? read : { settings: { jwks: read.keys, jwks_uri: null } };
};

/** Whether every field that the way needs has something in it. */
export const isComplete = ({ method, keysBy, address, keys, name }: Proof): boolean =>
  provesByName(method)
    ? name.value.trim() !== ''
    : !provesByKeys(method) || (keysBy === 'address' ? address : keys).trim() !== '';

const names: Record<CertificateName['kind'], { label: string; example: string }> = {
  subject_dn: { label: 'Subject', example: 'CN=billing,O=Northwind Trading,C=SE' },
  san_dns: { label: 'DNS name', example: 'billing.northwind.example' },
  san_uri: { label: 'URI', example: 'spiffe://northwind.example/billing' },
  san_ip: { label: 'IP address', example: '192.0.2.17' },
  san_email: { label: 'E-mail address', example: 'billing@northwind.example' },
};
export const certificateNameWord = (kind: CertificateName['kind']): string => names[kind].label;

const methodHints: Record<AuthMethod, string> = {
  client_secret_basic: 'What most libraries do; a key or a certificate of its own is safer',
  client_secret_post: 'For libraries that cannot send the header',
  client_secret_jwt: 'The secret itself never travels',
  private_key_jwt: 'Recommended: it signs with a key that only it has',
  tls_client_auth: 'Recommended: it connects with a certificate that your authority issued',
  self_signed_tls_client_auth: 'Recommended: it connects with a certificate that it made itself',
};

export const AuthMethodField = ({
  method,
  onChange,
  error,
}: {
  method: AuthMethod;
  onChange: (method: AuthMethod) => void;
  error: string | undefined;
}) => (
  <FormField label="How it proves itself" error={error} hint={`${methodHints[method]}.`}>
    <Select
      value={method}
      onChange={(value) => onChange(value as AuthMethod)}
      options={Object.entries(methodHints).map(([value, hint]) => ({ value, label: methodWord(value), hint }))}
    />
  </FormField>
);

/** The fields that the chosen way needs; nothing for one that needs none. */
export const ProofFields = ({
  proof,
  onChange,
  errors,
  wrong,
}: {
  proof: Proof;
  onChange: (proof: Proof) => void;
  errors: FormErrors;
  /** What was found to be wrong with the keys before they were sent. */
  wrong: string | undefined;
}) => {
  if (provesByName(proof.method))
    return (
      <div className="grid gap-5 sm:grid-cols-[200px_minmax(0,1fr)]">
        <FormField label="Name in the certificate">
          <Select
            value={proof.name.kind}
            onChange={(kind) => onChange({ ...proof, name: { ...proof.name, kind: kind as CertificateName['kind'] } })}
            options={Object.entries(names).map(([value, { label }]) => ({ value, label }))}
          />
        </FormField>
        <FormField
          label={names[proof.name.kind].label}
          error={errors.of('certificate_name')}
          hint={
            proof.name.kind === 'subject_dn'
              ? 'As RFC 4514 writes it, the most specific part first. Compared whole.'
              : 'Compared whole, without wildcards.'
          }
        >
          <Input
            name="certificate-name"
            required
            maxLength={500}
            spellCheck={false}
            autoComplete="off"
            className="font-mono text-13"
            placeholder={names[proof.name.kind].example}
            value={proof.name.value}
            onChange={(event) => onChange({ ...proof, name: { ...proof.name, value: event.target.value } })}
          />
        </FormField>
      </div>
    );
  if (!provesByKeys(proof.method)) return null;
  const certificates = proof.method === 'self_signed_tls_client_auth';
  return (
    <FormField label="Its public keys" group>
      <div className="flex flex-col gap-3">
        <div className="flex">
          <Segmented
            label="Where its public keys are"
            value={proof.keysBy}
            onChange={(keysBy) => onChange({ ...proof, keysBy })}
            options={[
              { value: 'address', label: 'At an address' },
              { value: 'text', label: 'Pasted here' },
            ]}
          />
        </div>
        {proof.keysBy === 'address' ? (
          <FormField
            label="Address of its JWK set"
            error={errors.of('jwks_uri') ?? errors.of('jwks')}
            hint="https. It is read again when a key is new, so the client changes its keys by itself."
          >
            <Input
              type="url"
              name="jwks-uri"
              required
              spellCheck={false}
              autoComplete="off"
              className="font-mono text-13"
              placeholder="https://billing.northwind.example/jwks.json"
              value={proof.address}
              onChange={(event) => onChange({ ...proof, address: event.target.value })}
            />
          </FormField>
        ) : (
          <FormField
            label="JWK set"
            error={wrong ?? errors.of('jwks') ?? errors.of('jwks_uri')}
            hint={
              certificates
                ? 'Public keys, each with its certificate as x5c, or the thumbprint of it as x5t#S256.'
                : 'Public keys only. The private key stays with the client.'
            }
          >
            <Textarea
              name="jwks"
              required
              rows={5}
              spellCheck={false}
              className="font-mono text-13"
              placeholder={
                certificates
                  ? '{"keys": [{"kty": "EC", "crv": "P-256", "x": "…", "y": "…", "x5c": ["MIIB…"]}]}'
                  : '{"keys": [{"kty": "EC", "crv": "P-256", "x": "…", "y": "…", "kid": "2026-11"}]}'
              }
              value={proof.keys}
              onChange={(event) => onChange({ ...proof, keys: event.target.value })}
            />
          </FormField>
        )}
      </div>
    </FormField>
  );
};

/** What a client without a secret needs to know of how it proves itself. */
export const proofSentence = (method: string): string => {
  switch (method) {
    case 'private_key_jwt':
      return 'It has no secret: it signs an assertion with its own key for each request.';
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return 'It has no secret: it connects with its certificate to the token endpoint.';
    default:
      return 'It has no secret: it proves each request by PKCE instead.';
  }
};
