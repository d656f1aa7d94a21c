import { escapeHtml } from '../http/html.ts';
import type { Mail } from './mail.ts';

export interface Letter {
  to: string;
  subject: string;
  /** Paragraphs before the button. */
  lead: readonly string[];
  /** The one thing to do. */
  act?: { label: string; url: string };
  /** Paragraphs after it: how long it lasts, what to do when it was not you. */
  foot: readonly string[];
  /** Address of the server, so that a reader can tell whose letter it is. */
  origin: string;
}

const paragraph = (text: string, colour: string): string =>
  `<p style="margin:0 0 16px;color:${colour}">${escapeHtml(text)}</p>`;

const button = ({ label, url }: NonNullable<Letter['act']>): string =>
  `<p style="margin:24px 0"><a href="${escapeHtml(url)}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#8a5a00;color:#ffffff;font-weight:600;text-decoration:none">${escapeHtml(label)}</a></p>
<p style="margin:0 0 16px;color:#6b6560;font-size:13px">Or open this address:<br><a href="${escapeHtml(url)}" style="color:#6b6560;word-break:break-all">${escapeHtml(url)}</a></p>`;

/** A letter in plain text and in HTML that says the same. */
export const composeLetter = ({ to, subject, lead, act, foot, origin }: Letter): Mail => {
  const signature = `Sent by Atrium at ${origin}`;
  const blocks = [...lead, ...(act === undefined ? [] : [`${act.label}:\n${act.url}`]), ...foot, `-- \n${signature}`];
  return {
    to,
    subject,
    text: `${blocks.join('\n\n')}\n`,
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>
<body style="margin:0;padding:32px 16px;background:#f7f5f2;font:15px/1.55 system-ui,-apple-system,'Segoe UI',sans-serif">
<div style="max-width:480px;margin:0 auto;padding:28px;background:#ffffff;border:1px solid #e4dfd9;border-radius:12px">
${lead.map((text) => paragraph(text, '#25211d')).join('\n')}
${act === undefined ? '' : button(act)}
${foot.map((text) => paragraph(text, '#6b6560')).join('\n')}
</div><p style="max-width:480px;margin:16px auto 0;color:#6b6560;font-size:12px">${escapeHtml(signature)}</p></body></html>
`,
  };
};
