import {
  type CertificateView,
  certificatesAuthority,
  certificatesCreate,
  certificatesDelete,
  certificatesList,
  certificatesRenew,
  certificatesReplace,
  certificatesSuggest,
} from '@atrium/protocol';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { operationQuery, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { type Fact, Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Textarea } from '../../ui/input.tsx';
import { TtlBar } from '../../ui/lifetime.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { linesOf } from './client-form.tsx';
import { RegistryPage } from './registry.tsx';

const stale = ['certificates.list', 'certificates.get', 'certificates.suggest', 'certificates.authority'];

const issuerWords: Record<CertificateView['issuer'], string> = {
  internal: 'This server',
  acme: 'ACME authority',
  uploaded: 'Uploaded',
};

export const CertificatesPage = () => {
  const [q, setQ] = useState('');
  return (
    <RegistryPage<CertificateView>
      id="certificates"
      title="Certificates"
      noun="certificate"
      verb="New certificate"
      q={q}
      onSearch={setQ}
      list={useOperationList(certificatesList, q ? { search: q } : {}, { keepPrevious: true })}
      columns={columns}
      card={(certificate) => ({
        title: namesIn(certificate),
        detail: issuerWords[certificate.issuer],
        trailing: <CertificateState certificate={certificate} />,
      })}
      intro={<ModeNotice />}
      empty={{
        title: 'Nothing is encrypted yet',
        verb: 'Upload a certificate',
        children:
          'Start the server with ATRIUM_TLS_MODE=internal, and it makes an authority of its own and a certificate for every name it answers to. With acme it orders them.',
      }}
      dialog={(certificate, open, onClose) =>
        certificate === null ? (
          <NewCertificate open={open} onClose={onClose} />
        ) : (
          <CertificateDialog certificate={certificate} open={open} onClose={onClose} />
        )
      }
    />
  );
};

const namesIn = ({ names }: CertificateView): string =>
  names.length === 1 ? names[0]! : `${names[0]} and ${names.length - 1} more`;

const CertificateState = ({ certificate }: { certificate: CertificateView }) => {
  const { state, failures, not_after } = certificate;
  if (state === 'pending') return <Badge tone="info">Ordered</Badge>;
  if (state === 'failed') return <Badge tone="danger">Failed</Badge>;
  if (not_after !== null && Date.parse(not_after) < Date.now()) return <Badge tone="danger">Ended</Badge>;
  return failures > 0 ? <Badge tone="warning">Not renewed</Badge> : <Badge tone="success">Served</Badge>;
};

const columns: Column<CertificateView>[] = [
  {
    id: 'names',
    header: 'Names',
    width: 'minmax(200px, 1.6fr)',
    cell: (certificate) => <span className="truncate font-medium text-text">{namesIn(certificate)}</span>,
    value: (certificate) => certificate.names[0]!,
  },
  {
    id: 'state',
    header: 'State',
    width: '120px',
    cell: (certificate) => <CertificateState certificate={certificate} />,
    value: (certificate) => certificate.state,
  },
  {
    id: 'issuer',
    header: 'From',
    width: 'minmax(120px, 0.8fr)',
    cell: (certificate) => <span className="truncate text-text-2">{issuerWords[certificate.issuer]}</span>,
    value: (certificate) => certificate.issuer,
  },
  {
    id: 'ends',
    header: 'Ends',
    width: 'minmax(170px, 0.9fr)',
    cell: ({ not_before, not_after }) =>
      not_before === null || not_after === null ? (
        <span className="text-text-3">–</span>
      ) : (
        <TtlBar from={not_before} until={not_after} ended="ended" />
      ),
    value: ({ not_after }) => (not_after === null ? 0 : Date.parse(not_after)),
  },
  {
    id: 'renews',
    header: 'Renews',
    width: 'minmax(120px, 0.7fr)',
    wide: true,
    cell: ({ renew_at, issuer }) =>
      renew_at === null ? (
        <span className="text-text-3">{issuer === 'uploaded' ? 'by hand' : '–'}</span>
      ) : (
        <RelativeTime time={renew_at} className="text-text-2" />
      ),
    value: ({ renew_at }) => (renew_at === null ? 0 : Date.parse(renew_at)),
  },
];

/** What the port of the server does about all this. */
const ModeNotice = () => {
  const { data } = useOperation(certificatesSuggest, {});
  if (data === undefined || data.mode === 'internal' || data.mode === 'acme') return null;
  return (
    <div className="px-4 pt-4 md:px-6">
      <Notice tone={data.mode === 'off' ? 'warning' : 'info'}>
        {data.mode === 'off' ? (
          <span className="flex flex-col gap-2">
            TLS is off, so nothing of this is served: passwords pass in clear unless a proxy is in front.
            <CopyLine text="ATRIUM_TLS_MODE=internal npm start" />
          </span>
        ) : (
          'The certificate of your files is served first; those here serve names that it does not have.'
        )}
      </Notice>
    </div>
  );
};

type Kind = 'internal' | 'acme' | 'upload';

const NewCertificate = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const form = useId();
  const { data } = useQuery({ ...operationQuery(certificatesSuggest, {}), enabled: open });
  const [kind, setKind] = useState<Kind>('internal');
  const [names, setNames] = useState('');
  const [chain, setChain] = useState('');
  const [key, setKey] = useState('');
  const create = useOperationMutation(certificatesCreate, {
    quiet: true,
    invalidates: stale,
    done: (made) => (made.state === 'pending' ? `${made.names[0]} is ordered` : `${made.names[0]} has a certificate`),
    onSuccess: onClose,
  });
  const errors = formErrors(create.error, ['names', 'chain', 'key']);
  const open_names = (data?.names ?? []).filter((one) => !one.covered && (kind !== 'acme' || one.public));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(kind === 'upload' ? { kind, chain, key } : { kind, names: linesOf(names) });
  };
  const ready = kind === 'upload' ? chain.trim() !== '' && key.trim() !== '' : linesOf(names).length > 0;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="New certificate"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={create.isPending} disabled={!ready}>
            {kind === 'upload' ? 'Upload certificate' : kind === 'acme' ? 'Order certificate' : 'Make certificate'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Where it comes from" group>
          <RadioGroup
            label="Where it comes from"
            value={kind}
            onChange={(value) => setKind(value as Kind)}
            options={[
              { value: 'internal', label: 'This server', hint: 'Trusted by devices that have its root' },
              { value: 'acme', label: 'An ACME authority', hint: "Let's Encrypt or your own; trusted everywhere" },
              { value: 'upload', label: 'Upload', hint: 'A chain and its key that you have' },
            ]}
          />
        </FormField>
        {kind === 'upload' ? (
          <>
            <PemField
              label="Chain"
              hint="PEM, its own certificate first."
              error={errors.of('chain')}
              value={chain}
              onChange={setChain}
              begins="CERTIFICATE"
            />
            <PemField
              label="Key"
              hint="PEM without a password. Kept encrypted, and shown to nobody again."
              error={errors.of('key')}
              value={key}
              onChange={setKey}
              begins="PRIVATE KEY"
            />
          </>
        ) : (
          <FormField label="Names" hint="One a line." error={errors.of('names')}>
            <Textarea
              rows={3}
              spellCheck={false}
              autoComplete="off"
              className="font-mono text-13"
              placeholder="notes.example.org"
              value={names}
              onChange={(event) => setNames(event.target.value)}
            />
          </FormField>
        )}
        {kind !== 'upload' && open_names.length > 0 && (
          <p className="flex flex-wrap items-center gap-1.5 text-12 text-text-3">
            Without one yet:
            {open_names.slice(0, 6).map(({ name }) => (
              <Button
                key={name}
                size="small"
                onClick={() => setNames([...new Set([...linesOf(names), name])].join('\n'))}
              >
                {name}
              </Button>
            ))}
          </p>
        )}
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};

const PemField = (props: {
  label: string;
  hint: string;
  begins: string;
  error: ReactNode;
  value: string;
  onChange: (text: string) => void;
}) => (
  <FormField label={props.label} hint={props.hint} error={props.error}>
    <Textarea
      rows={4}
      spellCheck={false}
      autoComplete="off"
      className="font-mono text-12"
      placeholder={`-----BEGIN ${props.begins}-----`}
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
    />
  </FormField>
);

const CertificateDialog = ({
  certificate,
  open,
  onClose,
}: {
  certificate: CertificateView;
  open: boolean;
  onClose: () => void;
}) => {
  const form = useId();
  const [chain, setChain] = useState('');
  const [key, setKey] = useState('');
  const [deleting, setDeleting] = useState(false);
  const options = { quiet: true, invalidates: stale, onSuccess: onClose };
  const renew = useOperationMutation(certificatesRenew, { ...options, done: () => 'It is renewed, or ordered anew' });
  const replace = useOperationMutation(certificatesReplace, { ...options, done: () => 'The newer one is served' });
  const remove = useOperationMutation(certificatesDelete, { ...options, done: () => 'It is deleted' });
  const uploaded = certificate.issuer === 'uploaded';
  const errors = formErrors(replace.error ?? renew.error ?? remove.error, ['chain', 'key']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (uploaded) replace.mutate({ id: certificate.id, chain, key });
    else renew.mutate({ id: certificate.id });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title={certificate.names[0]!}
      footer={
        <>
          {!(certificate.managed && certificate.issuer === 'internal') && (
            <Button tone="ghost" className="mr-auto text-danger-text!" onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )}
          <Button onClick={onClose}>Close</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={renew.isPending || replace.isPending}
            disabled={uploaded && (chain.trim() === '' || key.trim() === '')}
          >
            {uploaded ? 'Replace' : 'Renew now'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        {certificate.last_error !== null && (
          <Notice tone="warning">
            {certificate.failures === 1 ? 'The last attempt failed' : `${certificate.failures} attempts failed`}:{' '}
            {certificate.last_error}
          </Notice>
        )}
        <ul aria-label="Names" className="flex flex-wrap gap-x-3 gap-y-1">
          {certificate.names.map((name) => (
            <li key={name} className="min-w-0">
              <code className="text-12 break-all text-text-2">{name}</code>
            </li>
          ))}
        </ul>
        <Facts facts={factsOf(certificate)} />
        {certificate.pin !== null && (
          <p className="text-12 text-text-3">
            Devices know it by <code className="break-all">{certificate.pin}</code>
          </p>
        )}
        {uploaded && (
          <>
            <PemField
              label="Newer chain"
              hint="PEM, its own certificate first."
              error={errors.of('chain')}
              value={chain}
              onChange={setChain}
              begins="CERTIFICATE"
            />
            <PemField
              label="Its key"
              hint="PEM without a password."
              error={errors.of('key')}
              value={key}
              onChange={setKey}
              begins="PRIVATE KEY"
            />
          </>
        )}
        {certificate.issuer === 'internal' && <Root />}
        <FormError>{errors.rest}</FormError>
      </form>
      <ConfirmDialog
        open={deleting}
        onOpenChange={setDeleting}
        title={`Delete the certificate for ${certificate.names[0]}`}
        verb="Delete certificate"
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: certificate.id })}
      >
        Its key is lost. Connections that were made with it live on; new ones get another certificate that names the
        host, or the one of the server.
      </ConfirmDialog>
    </Dialog>
  );
};

const factsOf = (certificate: CertificateView): Fact[] => [
  { label: 'Issued by', value: certificate.issued_by ?? 'nobody yet' },
  {
    label: 'Ends',
    value: certificate.not_after === null ? '–' : <RelativeTime time={certificate.not_after} />,
  },
  {
    label: 'Renewed',
    value: certificate.renew_at === null ? 'by hand' : <RelativeTime time={certificate.renew_at} />,
  },
];

const systems = {
  windows: 'Windows',
  macos: 'macOS',
  ios: 'iPhone',
  android: 'Android',
  linux: 'Linux',
  firefox: 'Firefox',
} as const;
type System = keyof typeof systems;

const howTo: Record<System, string> = {
  windows:
    'Open the file, choose Install certificate, Local machine, and the store “Trusted root certification authorities”.',
  macos: 'Open the file in Keychain Access, choose the keychain System, then set it to Always trust.',
  ios: 'Send the file to the phone and open it. Install the profile under Settings, then switch it on under General, About, Certificate trust settings.',
  android: 'Settings, Security, Encryption and credentials, Install a certificate, CA certificate.',
  linux: 'Copy it to /usr/local/share/ca-certificates/atrium.crt and run update-ca-certificates as root.',
  firefox: 'Settings, Privacy and security, Certificates, View certificates, Authorities, Import.',
};

/** The root that devices must have once, with how it gets there. */
const Root = () => {
  const { data } = useOperation(certificatesAuthority, {});
  const [system, setSystem] = useState<System>('windows');
  if (data === undefined) return null;
  const download = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([data.pem], { type: 'application/x-x509-ca-cert' }));
    link.download = 'atrium-root.crt';
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <section aria-label="Root of this server" className="flex flex-col gap-3 border-t border-line pt-4">
      <div className="flex items-center justify-between gap-3">
        <h3 className="text-13 font-medium">Devices trust it once they have the root</h3>
        <Button size="small" onClick={download}>
          Download root
        </Button>
      </div>
      <code className="text-12 break-all text-text-3">{data.fingerprint}</code>
      <div className="-mx-1 overflow-x-auto px-1 py-1">
        <Segmented<System>
          label="System"
          value={system}
          onChange={setSystem}
          options={Object.entries(systems).map(([value, label]) => ({ value: value as System, label }))}
        />
      </div>
      <p className="text-13 text-pretty text-text-2">{howTo[system]}</p>
    </section>
  );
};
