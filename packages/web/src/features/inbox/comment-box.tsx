// biome-ignore-all lint/a11y/noNoninteractiveElementToInteractiveRole: the suggestions follow the combobox pattern.
// biome-ignore-all lint/a11y/useFocusableInteractive: the focus stays in the text.
import { type ItemView, inboxComment } from '@atrium/protocol';
import { SendHorizontal } from 'lucide-react';
import { type KeyboardEvent, useId, useRef, useState } from 'react';
import { call, sayError } from '../../data/client.ts';
import { IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { Avatar } from '../../ui/identity-mark.tsx';
import { Textarea } from '../../ui/input.tsx';
import { toast } from '../../ui/toast.tsx';
import { applyItem, invalidateBelow } from './items-cache.ts';
import { type Person, usePeople } from './people.ts';

const mentionAt = /(?:^|\s)@([\p{L}\p{N}._-]{0,40})$/u;

/** A word to the others: @ mentions, Ctrl/Cmd+Enter sends. */
export const CommentBox = ({ item }: { item: ItemView }) => {
  const [text, setText] = useState('');
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(0);
  const [closed, setClosed] = useState(false);
  const [busy, setBusy] = useState(false);
  const [mentioned, setMentioned] = useState<readonly Person[]>([]);
  const box = useRef<HTMLDivElement>(null);
  const listId = useId();
  const typed = mentionAt.exec(text.slice(0, caret))?.[1];
  const people = usePeople(typed ?? '').slice(0, 6);
  const suggesting = typed !== undefined && !closed && people.length > 0;

  const choose = (person: Person) => {
    const start = caret - (typed?.length ?? 0) - 1;
    const next = `${text.slice(0, start)}@${person.name} ${text.slice(caret)}`;
    setText(next);
    setMentioned([...mentioned.filter((other) => other.id !== person.id), person]);
    const at = start + person.name.length + 2;
    setCaret(at);
    requestAnimationFrame(() => {
      const area = box.current?.querySelector('textarea');
      area?.focus();
      area?.setSelectionRange(at, at);
    });
  };
  const send = async () => {
    const body = text.trim();
    if (!body || busy) return;
    setBusy(true);
    try {
      await call(
        inboxComment,
        {
          id: item.id,
          body,
          mentions: mentioned.filter((person) => body.includes(`@${person.name}`)).map((person) => person.id),
        },
        { idempotencyKey: crypto.randomUUID() },
      );
      setText('');
      setMentioned([]);
      applyItem({ ...item, comment_count: item.comment_count + 1 });
      invalidateBelow(item.id, ['inbox.list_comments', 'inbox.history']);
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    } finally {
      setBusy(false);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (suggesting && ['ArrowDown', 'ArrowUp', 'Enter', 'Tab', 'Escape'].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      if (event.key === 'Escape') setClosed(true);
      else if (event.key === 'ArrowDown') setActive((active + 1) % people.length);
      else if (event.key === 'ArrowUp') setActive((active + people.length - 1) % people.length);
      else choose(people[Math.min(active, people.length - 1)]!);
    } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void send();
    }
  };
  return (
    <div ref={box} className="relative">
      <Textarea
        aria-label="Comment"
        role={suggesting ? 'combobox' : undefined}
        aria-expanded={suggesting || undefined}
        aria-controls={suggesting ? listId : undefined}
        aria-activedescendant={suggesting ? `${listId}-${active}` : undefined}
        rows={1}
        dir="auto"
        placeholder="Comment, @ mentions people"
        className="block resize-none! pr-12"
        value={text}
        onKeyDown={onKeyDown}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onChange={(event) => {
          setText(event.target.value);
          setCaret(event.target.selectionStart);
          setActive(0);
          setClosed(false);
        }}
      />
      <span className="absolute right-1 bottom-1 touch:bottom-0.5">
        <IconButton
          label="Send comment"
          keys="mod+enter"
          size="small"
          disabled={!text.trim() || busy}
          onClick={() => void send()}
        >
          <SendHorizontal />
        </IconButton>
      </span>
      {suggesting && (
        <ul
          id={listId}
          role="listbox"
          aria-label="People"
          className="floating absolute bottom-full left-0 z-30 mb-1 w-64 animate-pop-in p-1"
        >
          {people.map((person, index) => (
            <li
              key={person.id}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === active}
              onPointerDown={(event) => {
                event.preventDefault();
                choose(person);
              }}
              className={cx(
                'flex h-8 items-center gap-2 rounded-control px-2 text-13 touch:h-11',
                index === active && 'bg-active',
              )}
            >
              <Avatar id={person.id} name={person.name} size={20} />
              {person.name}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
};
