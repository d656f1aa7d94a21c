import { availableParallelism } from 'node:os';
import type { InferenceSession, Tensor } from 'onnxruntime-web';

/** What is used of ONNX Runtime; each of its packages has the same face. */
interface Package {
  InferenceSession: {
    create: (model: Uint8Array, options: InferenceSession.SessionOptions) => Promise<InferenceSession>;
  };
  Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => Tensor;
}

export interface Runtime {
  name: string;
  open: (model: Uint8Array) => Promise<InferenceSession>;
  tensor: (data: BigInt64Array, dims: readonly number[]) => Tensor;
}

const runtimeOf = (name: string, ort: Package, options: InferenceSession.SessionOptions): Runtime => ({
  name,
  open: (model) =>
    ort.InferenceSession.create(model, { graphOptimizationLevel: 'all', logSeverityLevel: 3, ...options }),
  tensor: (data, dims) => new ort.Tensor('int64', data, dims),
});

/** Machine code, several times as quick. Too large to come with every install; who wants it adds it. */
const native = async (): Promise<Runtime | null> => {
  // Held in a variable, because types, linters and bundlers would want it to be there.
  const name: string = 'onnxruntime-node';
  try {
    const ort = (await import(name)) as { default: Package };
    // Half of the cores are left to the server and its database.
    const threads = Math.max(1, Math.floor(availableParallelism() / 2));
    return runtimeOf(name, ort.default, { executionProviders: ['cpu'], intraOpNumThreads: threads });
  } catch {
    // Not there, or not for this machine.
    return null;
  }
};

const portable = async (): Promise<Runtime> => {
  const ort = await import('onnxruntime-web');
  // More than one would need memory that threads share and a worker for each.
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return runtimeOf('onnxruntime-web', ort, { executionProviders: ['wasm'] });
};

export const loadRuntime = async (): Promise<Runtime> => (await native()) ?? portable();
