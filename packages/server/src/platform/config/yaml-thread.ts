import { parentPort, workerData } from 'node:worker_threads';
import { parseYaml } from './yaml-text.ts';

parentPort!.postMessage(parseYaml(workerData as string));
