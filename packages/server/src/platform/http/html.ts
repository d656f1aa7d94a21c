/** Text that is markup already. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const marks: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (mark) => marks[mark]!);

type Part = string | number | Html | null | undefined | false | readonly Part[];

const partText = (part: Part): string => {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  return typeof part === 'object' ? part.map(partText).join('') : escapeHtml(String(part));
};

/** Every value is escaped unless it is markup itself. */
export const html = (parts: TemplateStringsArray, ...values: Part[]): Html =>
  new Html(parts.reduce((text, part, index) => text + partText(values[index - 1]) + part));
