/** Writes ONNX files, as far as small models need it: a few fields of protocol buffers. */

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
};

const number = (field: number, value: number): Buffer => Buffer.from([...varint(field * 8), ...varint(value)]);
const bytes = (field: number, value: Uint8Array | string): Buffer => {
  const content = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
};
const message = (field: number, ...parts: Buffer[]): Buffer => bytes(field, Buffer.concat(parts));

const types = { float: 1, int64: 7 } as const;

/** A matrix or vector of constants. */
export const floats = (name: string, dims: readonly number[], values: ArrayLike<number>): Buffer =>
  Buffer.concat([
    ...dims.map((dim) => number(1, dim)),
    number(2, types.float),
    bytes(8, name),
    bytes(9, new Uint8Array(Float32Array.from(values).buffer)),
  ]);

/** An input or output of the model; dimensions are numbers, or names for what each call decides. */
export const value = (name: string, type: keyof typeof types, dims: readonly (number | string)[]): Buffer => {
  const shape = dims.map((dim) => message(1, typeof dim === 'number' ? number(1, dim) : bytes(2, dim)));
  return Buffer.concat([bytes(1, name), message(2, message(1, number(1, types[type]), message(2, ...shape)))]);
};

export interface OnnxModel {
  /** What is computed, in order. */
  nodes: readonly { type: string; inputs: readonly string[]; outputs: readonly string[] }[];
  constants: readonly Buffer[];
  inputs: readonly Buffer[];
  outputs: readonly Buffer[];
}

export const onnxFile = ({ nodes, constants, inputs, outputs }: OnnxModel): Buffer =>
  Buffer.concat([
    number(1, 8),
    message(8, number(2, 17)),
    message(
      7,
      ...nodes.map((node) =>
        message(
          1,
          ...node.inputs.map((name) => bytes(1, name)),
          ...node.outputs.map((name) => bytes(2, name)),
          bytes(4, node.type),
        ),
      ),
      bytes(2, 'graph'),
      ...constants.map((constant) => bytes(5, constant)),
      ...inputs.map((input) => bytes(11, input)),
      ...outputs.map((output) => bytes(12, output)),
    ),
  ]);
