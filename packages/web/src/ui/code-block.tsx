// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import { CopyButton } from './copy-line.tsx';

/** Several lines of code with a caption and a copy button. */
export const CodeBlock = ({
  code,
  caption,
  maxHeight = 420,
}: {
  code: string;
  caption?: string;
  maxHeight?: number;
}) => (
  <figure className="group relative overflow-hidden rounded-control border border-line bg-sunken">
    {caption && (
      <figcaption className="border-b border-line px-3 py-1.5 font-mono text-12 text-text-3">{caption}</figcaption>
    )}
    <pre
      tabIndex={0}
      className="-outline-offset-2 overflow-auto px-3 py-2.5 text-13 leading-5 text-text"
      style={{ maxHeight }}
    >
      <code>{code}</code>
    </pre>
    <span className="absolute top-1 right-1 rounded-control bg-sunken opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 touch:opacity-100">
      <CopyButton text={code} label="Copy code" />
    </span>
  </figure>
);
