import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { FieldError } from '@atrium/protocol';
import { type CheckedDocument, checkDocument } from '../../platform/config/check-document.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import { actorOf, systemCaller } from '../../platform/operations/caller.ts';
import { appsStore } from './apps-store.ts';
import { DocumentProblems, type DocumentsService } from './documents-service.ts';
import { readDocument } from './gateway-document.ts';
import { gatewayEvents } from './gateway-events.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewayWriting } from './gateway-writing.ts';

/** What a file is now. */
export interface SourceFile {
  path: string;
  read: CheckedDocument;
}

export interface Reload {
  /** Null when the settings file was refused: what it held stays. */
  main: { path: string; apps: unknown; routes: unknown } | null;
  /** Why it was refused. */
  problems: readonly string[];
  /** Keys of the settings that were applied. */
  applied: readonly string[];
  waiting_for_restart: readonly string[];
}

const textOf = ({ path, message }: FieldError): string => (path === '' ? message : `${path}: ${message}`);
/** Is it a file that the directory of files is looked at for? */
export const isDocument = (name: string): boolean => /^[^.].*\.(?:ya?ml|json)$/i.test(name);

export type FilesService = ReturnType<typeof createFilesService>;

/**
 * Apps and routes that files keep. Being there is the approval, and the word of an operator: who writes these files runs
 * the server. A file that cannot be taken leaves what it held before.
 */
export const createFilesService = (
  parts: GatewayParts,
  writing: GatewayWriting,
  documents: DocumentsService,
  { directory }: { directory: () => string },
) => {
  const { database, onError, onNotice } = parts;
  /** What a file held when it was last taken. */
  const seen = new Map<string, string>();
  /** Why it was refused the last time, so that it is told of once. */
  const refused = new Map<string, string>();
  let waitingTold = '';
  const unknownOrgs = new Set<string>();

  const readDirectory = async (): Promise<SourceFile[]> => {
    let names: string[];
    try {
      names = readdirSync(directory()).filter(isDocument).toSorted();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return [];
    }
    const files = names.map(async (name): Promise<SourceFile | null> => {
      const path = join(directory(), name);
      try {
        return { path, read: await readDocument(readFileSync(path, 'utf8')) };
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        // It went between the two readings.
        if (code === 'ENOENT') return null;
        return { path, read: { problems: [{ path: '', message: `cannot be read (${code ?? message})` }] } };
      }
    });
    return (await Promise.all(files)).filter((file) => file !== null);
  };

  const reject = async (call: Call, path: string, problems: readonly string[], waiting: readonly string[]) => {
    if (refused.get(path) === problems.join('\n')) return;
    refused.set(path, problems.join('\n'));
    onNotice({ path, problems }, 'a file was not taken; what it held before stays');
    await database.transaction(call, async (tx) => {
      await writing.begin(tx, call);
      const number = await writing.reject(tx, call.caller.org_id, actorOf(call.caller), problems, waiting);
      const body = { version: number, file: path, problems: problems.slice(0, 20) };
      tx.emit({ kind: gatewayEvents.configRejected, id: newId(), body });
    });
  };

  /** Returns whether it was taken. */
  const take = async (
    call: Call,
    path: string,
    read: CheckedDocument,
    applied: readonly string[],
    waiting: readonly string[],
  ): Promise<boolean> => {
    if ('problems' in read) {
      await reject(call, path, read.problems.map(textOf), waiting);
      return false;
    }
    const prepared = await documents.prepare(read.document);
    try {
      await database.transaction(call, async (tx) => {
        const w = await writing.begin(tx, call);
        const problems = await documents.apply(w, prepared, { source: 'file', source_ref: path });
        if (problems.length > 0) throw new DocumentProblems(problems);
        const number = await writing.finish(w, 'file', waiting);
        if (number === null && applied.length === 0 && waiting.join() === waitingTold) return;
        const body = { version: number, file: path, applied, waiting_for_restart: waiting };
        tx.emit({ kind: gatewayEvents.configReloaded, id: newId(), body });
        tx.audit({ action: 'gateway.reload', target_type: 'config_version', details: body });
      });
      waitingTold = waiting.join();
      refused.delete(path);
      return true;
    } catch (error) {
      if (!(error instanceof DocumentProblems)) throw error;
      await reject(call, path, error.problems.map(textOf), waiting);
      return false;
    }
  };

  /** Files of the places that this server reads, whose rows are there and that are gone themselves. */
  const vanished = async (orgId: string, present: ReadonlySet<string>): Promise<string[]> =>
    (await appsStore.sourcesOfFiles(database.read, orgId)).filter(
      // Of places that only another replica has, that replica decides.
      (path) => !present.has(path) && (dirname(path) === resolve(directory()) || seen.has(path)),
    );

  return {
    /** False while there is no organisation yet to have them. */
    reload: async (reload: Reload): Promise<boolean> => {
      const org = await appsStore.orgOfFiles(database.read, parts.settings().org);
      if (org === null) {
        const { org: named } = parts.settings();
        if (named !== null && !unknownOrgs.has(named)) onNotice({ org: named }, 'gateway.org names no organisation');
        if (named !== null) unknownOrgs.add(named);
        return false;
      }
      const call = internalCall(systemCaller(org), newId());
      const files: SourceFile[] = await readDirectory();
      const { main, waiting_for_restart: waiting } = reload;
      const path = parts.config_file();
      if (main === null && path !== null) await reject(call, path, reload.problems, waiting);
      if (main !== null) {
        const read = await checkDocument({ apps: main.apps ?? [], routes: main.routes ?? [] });
        seen.set(main.path, '');
        await take(call, main.path, read, reload.applied, waiting);
      }
      for (const { path: file, read } of files) {
        const text = JSON.stringify(read);
        if (seen.get(file) === text) continue;
        try {
          if (await take(call, file, read, [], waiting)) seen.set(file, text);
        } catch (error) {
          onError(error, `taking ${file}`);
        }
      }
      const present = new Set([...files.map((file) => file.path), ...(path === null ? [] : [path])]);
      for (const file of await vanished(org.id, present)) {
        await take(call, file, { document: { apps: [], routes: [] } }, [], waiting);
        seen.delete(file);
      }
      return true;
    },
  };
};
