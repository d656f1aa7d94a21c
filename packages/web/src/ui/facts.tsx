import type { ReactNode } from 'react';
import { cx } from './class-names.ts';

export interface Fact {
  label: string;
  value: ReactNode;
}

/** Names and values in a grid of hairlines; `roomy` for values that are names with a mark. */
export const Facts = ({ facts, roomy }: { facts: readonly Fact[]; roomy?: boolean }) => (
  <dl
    className={cx(
      'grid grid-cols-2 gap-px overflow-hidden rounded-card border border-line bg-line',
      !roomy && 'sm:grid-cols-3',
    )}
  >
    {facts.map((fact) => (
      <div key={fact.label} className="min-w-0 bg-surface px-4 py-3 max-sm:last:odd:col-span-2">
        <dt className="text-12 text-text-3">{fact.label}</dt>
        <dd className="tabular mt-0.5 truncate text-14 font-medium text-text">{fact.value}</dd>
      </div>
    ))}
  </dl>
);
