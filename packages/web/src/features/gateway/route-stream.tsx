import { FormField } from '../../ui/form-field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { Switch } from '../../ui/toggles.tsx';
import type { RouteDraft, StreamDraft } from './route-draft.ts';
import { asStreamTarget } from './route-draft.ts';
import { LinesField, NumberField, SwitchGroup } from './route-fields.tsx';

const protocols = [
  { value: 'tcp', label: 'TCP' },
  { value: 'udp', label: 'UDP' },
] as const;

interface PartProps {
  stream: StreamDraft;
  draft: RouteDraft;
  change: (part: Partial<RouteDraft>) => void;
  errorOf: (path: string) => string | undefined;
}

/** The port that a stream listens at, in place of paths and host names. */
export const StreamAddress = ({ stream, draft, change, errorOf }: PartProps) => {
  const set = (part: Partial<StreamDraft>) => change({ stream: { ...stream, ...part } });
  const setProtocol = (protocol: StreamDraft['protocol']) =>
    change({
      stream: { ...stream, protocol, ...(protocol === 'udp' ? { names: [], proxy_protocol: false } : {}) },
      targets: draft.targets.map((target) => ({ ...target, url: asStreamTarget(target.url, protocol) })),
    });
  return (
    <>
      <div className="grid gap-5 sm:grid-cols-[auto_1fr]">
        <FormField label="Protocol" group>
          <div>
            <Segmented label="Protocol" value={stream.protocol} onChange={setProtocol} options={[...protocols]} />
          </div>
        </FormField>
        <NumberField
          label="Port of this server"
          name="stream-port"
          required
          min={1}
          max={65_535}
          step={1}
          className="font-mono text-13 sm:max-w-40"
          error={errorOf('stream.port')}
          value={stream.port}
          onChange={(port) => set({ port: port ?? stream.port })}
        />
      </div>
      {stream.protocol === 'tcp' && (
        <LinesField
          label="Names of TLS"
          name="stream-names"
          error={errorOf('stream.names')}
          hint="One a line, when several routes share the port: TLS is passed through unopened by the name that is asked for. None: whatever no other route takes."
          placeholder="vault.example.org"
          value={stream.names}
          onChange={(names) => set({ names })}
        />
      )}
    </>
  );
};

/** Who may connect, and how much of it at once. */
export const StreamLimits = ({ stream, change, errorOf }: Omit<PartProps, 'draft'>) => {
  const set = (part: Partial<StreamDraft>) => change({ stream: { ...stream, ...part } });
  const clients = stream.protocol === 'udp' ? 'clients' : 'connections';
  return (
    <div className="flex flex-col gap-5">
      <Notice tone="warning">
        A port asks nobody to sign in. Whoever reaches it is connected, as far as the filters below let them.
      </Notice>
      <div className="grid gap-5 sm:grid-cols-2">
        <NumberField
          label={`Most ${clients}`}
          name="stream-max"
          required
          min={1}
          max={100_000}
          step={1}
          hint="At once"
          error={errorOf('stream.max_connections')}
          value={stream.max_connections}
          onChange={(max) => set({ max_connections: max ?? stream.max_connections })}
        />
        <NumberField
          label="Of one address"
          name="stream-max-address"
          required
          min={0}
          max={100_000}
          step={1}
          hint="0 is no limit"
          error={errorOf('stream.max_per_address')}
          value={stream.max_per_address}
          onChange={(max) => set({ max_per_address: max ?? stream.max_per_address })}
        />
        <NumberField
          label="Silence"
          name="stream-idle"
          unit="s"
          times={1000}
          max={86_400}
          placeholder={stream.protocol === 'udp' ? '60' : '3600'}
          hint={
            stream.protocol === 'udp'
              ? 'After it, a client is a new one'
              : 'After it, both sides are cut off; 0 is none'
          }
          error={errorOf('stream.idle_ms')}
          value={stream.idle_ms}
          onChange={(idle_ms) => {
            const { idle_ms: _former, ...rest } = stream;
            change({ stream: idle_ms === undefined ? rest : { ...rest, idle_ms } });
          }}
        />
      </div>
      {stream.protocol === 'tcp' && (
        <SwitchGroup>
          <Switch
            label="Tell the target who the client is"
            hint="By the PROXY protocol, version 2, which the target has to expect."
            checked={stream.proxy_protocol}
            onChange={(proxy_protocol) => set({ proxy_protocol })}
          />
        </SwitchGroup>
      )}
    </div>
  );
};
