import { FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';

export interface LinkDraft {
  title: string;
  url: string;
  icon: string;
  description: string;
}
export const emptyLink: LinkDraft = { title: '', url: '', icon: '', description: '' };

/** "wiki.lan/start" as people write it means HTTPS. */
const asUrl = (text: string): string => {
  const trimmed = text.trim();
  return /^[a-z][a-z0-9+.-]*:/i.test(trimmed) && !/^[^/]*:\d/.test(trimmed) ? trimmed : `https://${trimmed}`;
};
const isUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

export const linkProblem = ({ url, title }: LinkDraft): string | null =>
  url.trim() === '' || title.trim() === ''
    ? ''
    : isUrl(asUrl(url))
      ? null
      : 'This is no address that a browser opens, such as https://example.org/';

export const asLink = ({ title, url, icon, description }: LinkDraft): LinkDraft => ({
  title: title.trim(),
  url: asUrl(url),
  icon: icon.trim(),
  description: description.trim(),
});

/** A link that is no route: it leads where it says. */
export const LinkFields = ({ value, onChange }: { value: LinkDraft; onChange: (next: LinkDraft) => void }) => {
  const set = (key: keyof LinkDraft) => (event: { target: { value: string } }) =>
    onChange({ ...value, [key]: event.target.value });
  return (
    <>
      <FormField label="Address" error={linkProblem(value) || undefined}>
        <Input
          name="link-url"
          required
          inputMode="url"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          maxLength={2000}
          className="font-mono text-13"
          placeholder="https://wiki.example.org/"
          value={value.url}
          onChange={set('url')}
        />
      </FormField>
      <FormField label="Title">
        <Input dir="auto" name="link-title" required maxLength={100} value={value.title} onChange={set('title')} />
      </FormField>
      <div className="grid gap-5 sm:grid-cols-[1fr_96px]">
        <FormField label="Description" required={false}>
          <Input
            dir="auto"
            name="link-description"
            maxLength={200}
            value={value.description}
            onChange={set('description')}
          />
        </FormField>
        <FormField label="Icon" required={false}>
          <Input name="link-icon" maxLength={64} placeholder="book" value={value.icon} onChange={set('icon')} />
        </FormField>
      </div>
    </>
  );
};
