/** The court in section: walls open to the sky, light falling to the floor. */
export const AtriumMark = ({ size = 24, className }: { size?: number; className?: string }) => (
  <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden className={className}>
    <path d="M11.5 3.5h9L26.5 25.5h-21z" fill="var(--accent)" />
    <path d="M8.5 5H4v22h24V5h-4.5" fill="none" stroke="currentColor" strokeWidth="3" />
  </svg>
);

export const Wordmark = ({ className }: { className?: string }) => (
  <span className={`inline-flex items-center gap-2.5 text-text ${className ?? ''}`}>
    <AtriumMark size={24} />
    <span className="text-16 font-semibold tracking-[-0.02em]">Atrium</span>
  </span>
);
