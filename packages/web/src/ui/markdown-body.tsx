// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import { ImageOff } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { CodeBlock } from './code-block.tsx';
import { safeUrl } from './safe-url.ts';

const textOf = (node: ReactNode): string =>
  typeof node === 'string'
    ? node
    : Array.isArray(node)
      ? node.map(textOf).join('')
      : node && typeof node === 'object' && 'props' in node
        ? textOf((node.props as { children?: ReactNode }).children)
        : '';

const components: Components = {
  p: ({ children }) => <p className="my-2.5 first:mt-0 last:mb-0">{children}</p>,
  h1: ({ children }) => <h3 className="mt-5 mb-2 text-16 font-semibold first:mt-0">{children}</h3>,
  h2: ({ children }) => <h4 className="mt-5 mb-1.5 text-14 font-semibold first:mt-0">{children}</h4>,
  h3: ({ children }) => <h5 className="mt-4 mb-1 text-14 font-semibold first:mt-0">{children}</h5>,
  h4: ({ children }) => <h6 className="mt-4 mb-1 text-13 font-semibold text-text-2 first:mt-0">{children}</h6>,
  ul: ({ children }) => <ul className="my-2.5 list-disc space-y-1 pl-5 marker:text-text-3">{children}</ul>,
  ol: ({ children, start }) => (
    <ol start={start} className="tabular my-2.5 list-decimal space-y-1 pl-5 marker:text-text-3">
      {children}
    </ol>
  ),
  li: ({ children }) => <li className="pl-0.5 has-[>input]:-ml-5 has-[>input]:list-none">{children}</li>,
  input: ({ checked }) => (
    <input
      type="checkbox"
      checked={checked ?? false}
      readOnly
      disabled
      aria-label={checked ? 'done' : 'open'}
      className="mr-2 size-3.5 translate-y-[2px] accent-(--accent)"
    />
  ),
  blockquote: ({ children }) => (
    <blockquote className="my-3 border-l-2 border-line-strong pl-3 text-text-2">{children}</blockquote>
  ),
  hr: () => <hr className="my-5 border-line" />,
  a: ({ href, children }) =>
    href ? (
      <a
        href={href}
        target="_blank"
        rel="noopener noreferrer nofollow"
        className="rounded-[3px] font-medium text-text underline decoration-accent decoration-[1.5px] underline-offset-[3px] hover:text-accent-text"
      >
        {children}
      </a>
    ) : (
      <span>{children}</span>
    ),
  code: ({ children }) => <code className="rounded-[4px] bg-active px-1 py-px text-[0.92em]">{children}</code>,
  pre: ({ children }) => (
    <div className="my-3">
      <CodeBlock code={textOf(children).replace(/\n$/, '')} />
    </div>
  ),
  table: ({ children }) => (
    <div tabIndex={0} className="my-3 overflow-x-auto rounded-control border border-line">
      <table className="w-full border-collapse text-13">{children}</table>
    </div>
  ),
  th: ({ children, style }) => (
    <th style={style} className="border-b border-line bg-sunken px-3 py-1.5 text-left font-medium text-text-2">
      {children}
    </th>
  ),
  td: ({ children, style }) => (
    <td style={style} className="border-b border-line px-3 py-1.5 [tr:last-child_&]:border-b-0">
      {children}
    </td>
  ),
  img: ({ src, alt }) => <BlockedImage src={typeof src === 'string' ? src : ''} alt={alt ?? ''} />,
};

// Fetching an image tells its host that, when and from where somebody reads the item.
const BlockedImage = ({ src, alt }: { src: string; alt: string }) => {
  const [shown, setShown] = useState(false);
  const url = safeUrl(src, location.href);
  if (!url) return <span className="text-text-3">[image: {alt || 'without description'}]</span>;
  const own = new URL(url).origin === location.origin;
  if (shown || own)
    return (
      <img
        src={url}
        alt={alt}
        referrerPolicy="no-referrer"
        loading="lazy"
        className="my-3 max-h-[480px] max-w-full rounded-control border border-line"
      />
    );
  return (
    <button
      type="button"
      onClick={() => setShown(true)}
      className="my-1 inline-flex max-w-full items-center gap-2 rounded-control border border-line-strong bg-raised px-2.5 py-1 text-13 text-text-2 hover:border-control hover:text-text"
    >
      <ImageOff aria-hidden className="size-4 shrink-0" />
      <span className="truncate">
        Load image{alt && ` “${alt}”`} from {new URL(url).host}
      </span>
    </button>
  );
};

export const MarkdownBody = ({ text }: { text: string }) => (
  <ReactMarkdown
    remarkPlugins={[remarkGfm]}
    components={components}
    skipHtml
    urlTransform={(url) => safeUrl(url, location.href) ?? ''}
  >
    {text}
  </ReactMarkdown>
);
