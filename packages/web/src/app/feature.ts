import type { InputOf, Operation, OutputOf } from '@atrium/protocol';
import type { LucideIcon } from 'lucide-react';
import type { ComponentType } from 'react';
import { call } from '../data/client.ts';
import { invalidate } from '../data/operations.ts';
import { toast } from '../ui/toast.tsx';

export type NavGroup = 'top' | 'Work' | 'Things' | 'People' | 'House';

/** A place in the rail. */
export interface NavEntry {
  to: string;
  label: string;
  icon: LucideIcon;
  group: NavGroup;
  /** `g i`: works everywhere and shows in the tooltip. */
  keys: string;
  /** Without this permission the place is not shown. */
  permission?: string;
  /** Shown to people who run the server, and to nobody else. */
  operator?: boolean;
  /** A hook that gives the number beside the name. */
  useCount?: () => number;
  /** Position in the bottom bar of the phone, 1 to 4; the others are behind "More". */
  phone?: 1 | 2 | 3 | 4;
}

export interface ArgumentOption {
  value: string;
  label: string;
  /** Drawn before the label in that theme's own colours. */
  theme?: string;
}

export interface CommandArgument {
  name: string;
  label: string;
  placeholder?: string;
  /** Choices; without them the argument is typed. */
  options?: () => Promise<ArgumentOption[]>;
  /** Told which choice stands under the hand, and null when the question is left. */
  onLook?: (value: string | null) => void;
  /** The choice as it is now. */
  current?: () => string;
}

/** Something the palette can do. */
export interface Command {
  id: string;
  title: string;
  group: string;
  icon?: LucideIcon;
  /** Other words under which it is found. */
  keywords?: string[];
  keys?: string;
  permission?: string;
  operator?: boolean;
  arguments?: CommandArgument[];
  run: (values: Record<string, string>, go: (to: string) => void) => void | Promise<void>;
}

export interface FoundObject {
  id: string;
  label: string;
  hint?: string;
  to: string;
  icon?: LucideIcon;
}

/** A source of objects that the palette finds by name. */
export interface ObjectSearch {
  id: string;
  heading: string;
  permission?: string;
  operator?: boolean;
  search: (text: string, signal: AbortSignal) => Promise<FoundObject[]>;
}

/** What a feature adds to the frame. */
export interface Feature {
  nav?: readonly NavEntry[];
  commands?: readonly Command[];
  searches?: readonly ObjectSearch[];
  /** Dialogs that open above any page; drawn by the frame. */
  overlay?: ComponentType;
  /** Starts listening to events; called once when somebody is signed in. */
  listen?: () => void;
}

/** A command from an operation: title and permission are the operation's, its arguments are asked in the palette. */
export const operationCommand = <O extends Operation>(
  operation: O,
  options: {
    group: string;
    title?: string;
    icon?: LucideIcon;
    arguments?: CommandArgument[];
    toInput?: (values: Record<string, string>) => InputOf<O>;
    done?: (output: OutputOf<O>) => string;
    invalidates?: string[];
  },
): Command => ({
  id: operation.name,
  title: options.title ?? operation.summary,
  group: options.group,
  keywords: [operation.name],
  ...(operation.permission ? { permission: operation.permission } : {}),
  ...(operation.operator ? { operator: true } : {}),
  ...(options.icon ? { icon: options.icon } : {}),
  ...(options.arguments ? { arguments: options.arguments } : {}),
  async run(values) {
    const output = await call(operation, options.toInput ? options.toInput(values) : (values as InputOf<O>));
    await invalidate(...(options.invalidates ?? []));
    if (options.done) toast({ title: options.done(output), tone: 'success' });
  },
});
