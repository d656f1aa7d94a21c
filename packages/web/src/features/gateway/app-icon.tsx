import {
  BookOpen,
  Bot,
  Box,
  Calendar,
  Camera,
  ChartLine,
  Cloud,
  Code,
  Database,
  FileText,
  Film,
  FolderOpen,
  Gauge,
  GitBranch,
  Globe,
  HardDrive,
  House,
  Image,
  KeyRound,
  Lightbulb,
  type LucideIcon,
  Mail,
  Map as MapIcon,
  MessageSquare,
  Music,
  Network,
  NotebookText,
  Printer,
  Router,
  Server,
  ShieldCheck,
  ShoppingCart,
  Terminal,
  Thermometer,
  Wrench,
} from 'lucide-react';
import { cx } from '../../ui/class-names.ts';
import { identityHue } from '../../ui/identity-hash.ts';

/** Icons that an app may name instead of bringing one. */
export const shippedIcons: Readonly<Record<string, LucideIcon>> = {
  book: BookOpen,
  bot: Bot,
  box: Box,
  calendar: Calendar,
  camera: Camera,
  chart: ChartLine,
  cloud: Cloud,
  code: Code,
  database: Database,
  disk: HardDrive,
  file: FileText,
  film: Film,
  folder: FolderOpen,
  gauge: Gauge,
  git: GitBranch,
  globe: Globe,
  house: House,
  image: Image,
  key: KeyRound,
  light: Lightbulb,
  mail: Mail,
  map: MapIcon,
  message: MessageSquare,
  music: Music,
  network: Network,
  notebook: NotebookText,
  printer: Printer,
  router: Router,
  server: Server,
  shield: ShieldCheck,
  shop: ShoppingCart,
  terminal: Terminal,
  thermometer: Thermometer,
  wrench: Wrench,
};

/** What apps have that nobody chose an icon for: it tells nothing apart. */
const anyApp = '📦';

const lettersOf = (name: string): string => {
  const words = name.split(/[\s_.-]+/).filter(Boolean);
  const letters =
    words.length > 1 ? `${[...words[0]!][0]}${[...words[1]!][0]}` : [...(words[0] ?? '?')].slice(0, 2).join('');
  return letters.toLocaleUpperCase();
};

/**
 * An app as a tile: its emoji, a shipped icon, or the first letters of its name. Pages load no picture of another host, so
 * an app whose icon is an address shows its letters too.
 */
export const AppIcon = ({ icon, name, size = 36 }: { icon: string; name: string; size?: number }) => {
  const Shipped = shippedIcons[icon];
  const hue = identityHue(name);
  const letters = icon === anyApp || icon.startsWith('https:') || (Shipped === undefined && /^[\w-]+$/.test(icon));
  return (
    <span
      aria-hidden
      className={cx(
        'inline-flex shrink-0 items-center justify-center rounded-[24%] font-semibold select-none',
        !letters && 'bg-sunken text-text-2 shadow-[inset_0_0_0_1px_var(--line)]',
      )}
      style={{
        width: size,
        height: size,
        fontSize: size * (letters ? 0.36 : 0.5),
        ...(letters
          ? {
              background: `light-dark(oklch(0.93 0.045 ${hue}), oklch(0.32 0.06 ${hue}))`,
              color: `light-dark(oklch(0.43 0.1 ${hue}), oklch(0.86 0.1 ${hue}))`,
            }
          : {}),
      }}
    >
      {letters ? (
        lettersOf(name)
      ) : Shipped ? (
        <Shipped strokeWidth={1.75} style={{ width: size * 0.52, height: size * 0.52 }} />
      ) : (
        icon
      )}
    </span>
  );
};
