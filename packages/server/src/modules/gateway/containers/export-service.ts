import { Readable } from 'node:stream';
import {
  type containersExport,
  type containersExportMany,
  type containersPreviewExport,
  type containersPreviewMany,
  hasPermission,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import { strToU8, zipSync } from 'fflate';
import { AppError } from '../../../platform/errors/app-error.ts';
import type { FileAnswer } from '../../../platform/operations/binding.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { Turns } from '../discovery/turns.ts';
import { composeFile, envFile } from './compose-file.ts';
import type { ContainersParts } from './containers-parts.ts';
import type { ContainersService } from './containers-service.ts';

type Many = ParsedInputOf<typeof containersExportMany>;

const fileOf = (bytes: Uint8Array, file_name: string, content_type: string): FileAnswer => ({
  ...{ stream: Readable.from([Buffer.from(bytes)]), length: bytes.length, file_name, content_type, inline: false },
});

export type ExportService = ReturnType<typeof createExportService>;

export const createExportService = ({ database }: ContainersParts, containers: ContainersService) => {
  const composed = async (call: Call, ids: readonly string[], wishes: { volumes: boolean; networks: boolean }) => {
    const turns = new Turns(8);
    const inspected = await containers.asking(call, (runtime) =>
      Promise.all([...new Set(ids)].map((id) => turns.take(() => runtime.inspect(id, call.signal)))),
    );
    return { inspected, file: composeFile(inspected, wishes) };
  };

  const preview = async (
    call: Call,
    ids: readonly string[],
    wishes: { volumes: boolean; networks: boolean },
  ): Promise<OutputOf<typeof containersPreviewMany>> => {
    const { file } = await composed(call, ids, wishes);
    return { compose: file.compose, env: envFile(file.secrets, false), warnings: file.warnings };
  };

  const write = async (call: Call, { ids, format, secrets, ...wishes }: Many): Promise<FileAnswer> => {
    if (secrets && !hasPermission(call.caller.permissions, 'containers.control'))
      throw new AppError('permission_denied', 'Values of secrets need the permission containers.control.');
    const { inspected, file } = await composed(call, ids, wishes);
    await database.transaction(call, async (tx) => {
      for (const { id, name } of inspected)
        tx.audit({ action: 'containers.export', target_type: 'container', target_id: id, details: { name, secrets } });
    });
    const name = inspected.length === 1 ? inspected[0]!.name : 'containers';
    if (format === 'yaml') return fileOf(strToU8(file.compose), `${name}.compose.yaml`, 'application/yaml');
    const zip = zipSync({
      'compose.yaml': strToU8(file.compose),
      ...(file.secrets.length === 0 ? {} : { '.env': strToU8(envFile(file.secrets, secrets)) }),
      ...(file.warnings.length === 0 ? {} : { 'WARNINGS.txt': strToU8(`${file.warnings.join('\n')}\n`) }),
    });
    return fileOf(zip, `${name}.zip`, 'application/zip');
  };

  return {
    preview: (call: Call, { id, ...wishes }: ParsedInputOf<typeof containersPreviewExport>) =>
      preview(call, [id], wishes),
    previewMany: (call: Call, { ids, ...wishes }: ParsedInputOf<typeof containersPreviewMany>) =>
      preview(call, ids, wishes),
    write: (call: Call, { id, ...wishes }: ParsedInputOf<typeof containersExport>) =>
      write(call, { ids: [id], ...wishes }),
    writeMany: (call: Call, input: Many) => write(call, input),
  };
};
