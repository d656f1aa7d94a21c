import { useState } from 'react';
import { Textarea } from '../../ui/input.tsx';

const parse = (text: string): { ok: true; value: unknown } | { ok: false; problem: string } => {
  if (text.trim() === '') return { ok: true, value: undefined };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/ in JSON at position.*| is not valid JSON/, '') : '';
    return { ok: false, problem: `is not valid JSON: ${reason}` };
  }
};

/** JSON as text: checked while typing, laid out when leaving it, Tab stays a way out. */
export const JsonField = ({
  value,
  onChange,
  onProblem,
  rows = 4,
}: {
  value: unknown;
  onChange: (value: unknown) => void;
  onProblem: (problem: string | null) => void;
  rows?: number;
}) => {
  const [text, setText] = useState(() => (value === undefined ? '' : JSON.stringify(value, null, 2)));
  const [problem, setProblem] = useState<string | null>(null);
  const report = (next: string | null) => {
    setProblem(next);
    onProblem(next);
  };
  return (
    <div className="flex flex-col gap-1">
      <Textarea
        rows={rows}
        maxRows={22}
        value={text}
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        placeholder="{ }"
        className="font-mono text-13! leading-5"
        onChange={(event) => {
          setText(event.target.value);
          const parsed = parse(event.target.value);
          if (parsed.ok) onChange(parsed.value);
          report(parsed.ok ? null : parsed.problem);
        }}
        onBlur={() => {
          const parsed = parse(text);
          if (parsed.ok && parsed.value !== undefined) setText(JSON.stringify(parsed.value, null, 2));
        }}
      />
      {problem && (
        <p role="status" className="text-12 text-danger-text">
          {problem.charAt(0).toUpperCase() + problem.slice(1)}
        </p>
      )}
    </div>
  );
};
