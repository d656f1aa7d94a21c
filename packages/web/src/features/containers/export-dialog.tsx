import { type Container, containersExportMany, containersPreviewMany } from '@atrium/protocol';
import { useState } from 'react';
import { download, sayError } from '../../data/client.ts';
import { useOperation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { toast } from '../../ui/toast.tsx';
import { Switch } from '../../ui/toggles.tsx';

/** A compose file of one or many, seen before it is kept. */
export const ExportDialog = ({
  containers,
  onClose,
}: {
  containers: readonly Container[] | null;
  onClose: () => void;
}) => {
  const [volumes, setVolumes] = useState(true);
  const [networks, setNetworks] = useState(true);
  const [secrets, setSecrets] = useState(false);
  const [busy, setBusy] = useState(false);
  const maySecrets = useCan('containers.control');
  const ids = (containers ?? []).slice(0, 100).map(({ id }) => id);
  const preview = useOperation(
    containersPreviewMany,
    { ids, volumes, networks },
    { enabled: ids.length > 0, keepPrevious: true },
  );
  const name = containers?.length === 1 ? containers[0]!.name : 'containers';
  const keep = async (format: 'yaml' | 'zip') => {
    setBusy(true);
    try {
      const file = `${name}.${format === 'zip' ? 'zip' : 'compose.yaml'}`;
      await download(
        containersExportMany,
        { ids, volumes, networks, format, secrets: format === 'zip' && secrets },
        file,
      );
      onClose();
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open={containers !== null}
      onOpenChange={(open) => !open && onClose()}
      title={ids.length === 1 ? `Export ${name}` : `Export ${ids.length} containers`}
      description={`A compose file that makes ${ids.length === 1 ? 'it' : 'them'} anew on another machine.`}
      width="large"
      footer={
        <>
          <Button disabled={!preview.data} busy={busy} onClick={() => void keep('yaml')}>
            compose.yaml
          </Button>
          <Button tone="primary" disabled={!preview.data} busy={busy} onClick={() => void keep('zip')}>
            ZIP with .env
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <div className="grid gap-x-8 gap-y-1 sm:grid-cols-2">
          <Switch checked={volumes} onChange={setVolumes} label="Volumes and mounts" />
          <Switch checked={networks} onChange={setNetworks} label="Networks" />
          {maySecrets && (
            <Switch
              checked={secrets}
              onChange={setSecrets}
              label="Values of secrets"
              hint="In .env of the ZIP. Without them it has their names alone. The audit trail notes it."
            />
          )}
        </div>
        {preview.error && <Notice tone="danger">{preview.error.message}</Notice>}
        {!preview.data && !preview.error && <Skeleton className="h-64 w-full" />}
        {preview.data && preview.data.warnings.length > 0 && (
          <Notice tone="warning">
            <ul className="flex flex-col gap-1">
              {preview.data.warnings.map((warning) => (
                <li key={warning}>{warning}</li>
              ))}
            </ul>
          </Notice>
        )}
        {preview.data && <CodeBlock code={preview.data.compose} caption="compose.yaml" maxHeight={320} />}
        {preview.data && preview.data.env !== '' && (
          <CodeBlock code={preview.data.env} caption=".env" maxHeight={120} />
        )}
      </div>
    </Dialog>
  );
};
