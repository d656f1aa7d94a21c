import type { Device } from '@atrium/protocol';
import { Globe, Laptop, type LucideIcon, Monitor, Smartphone } from 'lucide-react';
import type { Tone } from '../../ui/badge.tsx';
import { scopeWords } from '../agents/agent-words.ts';

/** How a device is, in a word or two. */
export const deviceState = (device: Device): { word: string; tone: Tone } => {
  if (device.revoked_at) return { word: 'Revoked', tone: 'neutral' };
  if (device.needs_pairing) return { word: 'Needs pairing', tone: 'danger' };
  return device.online ? { word: 'Online', tone: 'success' } : { word: 'Offline', tone: 'neutral' };
};

const platforms: Record<Device['platform'], string> = {
  ios: 'iOS',
  android: 'Android',
  web: 'Browser',
  desktop: 'Desktop',
  linux: 'Linux',
  macos: 'macOS',
  windows: 'Windows',
};

/** "Pixel 9, Android 16": what it is, as far as it told. */
export const deviceKind = ({ model, platform, platform_version }: Device): string =>
  [model, [platforms[platform], platform_version].filter(Boolean).join(' ')].filter(Boolean).join(', ');

const icons: Record<Device['platform'], LucideIcon> = {
  ios: Smartphone,
  android: Smartphone,
  web: Globe,
  desktop: Monitor,
  linux: Laptop,
  macos: Laptop,
  windows: Laptop,
};
export const deviceIcon = ({ platform }: Device): LucideIcon => icons[platform];

/** A scope of a device as a sentence part; one app by its name. */
export const deviceScopeWords = (scope: string): string => {
  const slug = /^access:(.+)$/.exec(scope)?.[1];
  return slug === undefined || slug === '*' ? scopeWords(scope) : `Open the app ${slug}`;
};
