import {
  type AppView,
  appsFigures,
  type Board,
  type BoardItem,
  boardsCreate,
  boardsDelete,
  boardsGet,
  boardsList,
  type InputOf,
  type Operation,
  type OutputOf,
  toRequest,
} from '@atrium/protocol';
import { ago } from './admin-answers.ts';
import { apps, gatewayAnswers, gatewayOwn } from './gateway-answers.ts';
import { type Answers, me } from './recorded-api.ts';

const id = (kind: number, index: number): string =>
  `01980000-${(0xd0 + kind).toString(16)}00-7000-8000-${index.toString(16).padStart(12, '0')}`;
const mara = { type: 'user' as const, id: me.user.id, name: me.user.name };

/** Every answer with the operation that gives it. */
export const boardRecords: { operation: Operation; input: unknown; body: unknown }[] = [];
const answer = <O extends Operation>(operation: O, input: InputOf<O>, body: OutputOf<O>): Answers => {
  boardRecords.push({ operation, input, body });
  const { pathname } = new URL(toRequest(operation, input as Record<string, unknown>).path, 'http://localhost');
  return { [`${operation.method} ${pathname}`]: { status: operation.status, body } };
};

let counted = 0;
const appItem = (app: AppView | null, more: Partial<Extract<BoardItem, { kind: 'app' }>> = {}): BoardItem => {
  counted += 1;
  return { kind: 'app', id: id(2, counted), size: 'small', widgets: [], app, ...more };
};
const linkItem = (title: string, url: string, more: Partial<Extract<BoardItem, { kind: 'link' }>> = {}): BoardItem => {
  counted += 1;
  return { kind: 'link', id: id(2, counted), size: 'small', title, url, icon: '', description: '', ...more };
};
const of = (slug: string): AppView => apps.find((app) => app.slug === slug)!;
const wide = { size: 'wide' as const, widgets: ['health' as const, 'requests' as const, 'container' as const] };

const shown = (index: number, name: string, more: Partial<Board> = {}) => ({
  id: id(0, index),
  name,
  shared: false,
  editable: true,
  position: index,
  version: 7,
  created_by: mara,
  created_at: ago(60 * 24 * 12),
  updated_at: ago(60 * 3),
  ...more,
});

export const morning: Board = {
  ...shown(1, 'Every morning'),
  groups: [
    {
      id: id(1, 1),
      name: 'First of all',
      items: [
        appItem(of('notes'), wide),
        appItem(of('media'), wide),
        appItem(of('grafana')),
        appItem(of('photos')),
        linkItem('Status of the provider', 'https://status.provider.example/', { icon: 'gauge' }),
        appItem(null),
      ],
    },
    {
      id: id(1, 2),
      name: 'Paper and books',
      items: [
        appItem(of('dms')),
        appItem(of('dafatir')),
        linkItem('Bank', 'https://bank.example/login', { icon: 'key', description: 'With the key on the hook' }),
        linkItem('Timetable', 'https://trains.example/home?from=here', { icon: '🚆' }),
        linkItem('Weather', 'https://weather.example/'),
      ],
    },
    { id: id(1, 3), name: 'Read later', items: [] },
  ],
};
export const house: Board = {
  ...shown(0, 'House', { shared: true, editable: true }),
  groups: [{ id: id(1, 9), name: '', items: [appItem(of('media')), appItem(of('notes'))] }],
};
export const emptyBoard: Board = { ...morning, groups: [] };
const summary = ({ groups, ...board }: Board) => ({
  ...board,
  items: groups.reduce((sum, { items }) => sum + items.length, 0),
});
const boards = [house, morning];

const days = Array.from({ length: 7 }, (_, index) => ago(60 * 24 * (6 - index)).slice(0, 10));
const figuresOf = (app: string, requests: number[], failed = 0) => ({
  app,
  requests,
  errors: requests.map((_, index) => (index === 6 ? failed : 0)),
  bytes_out: requests.map((count) => count * 4200),
  mean_ms: requests.map((count) => (count === 0 ? null : 18.4)),
});

export const boardsOwn: Answers = {
  ...gatewayOwn,
  ...answer(boardsList, {}, { items: boards.map(summary), next_cursor: null }),
  ...Object.assign({}, ...boards.map((board) => answer(boardsGet, { id: board.id }, board))),
  ...answer(boardsCreate, { name: 'Evening' }, morning),
  ...answer(boardsDelete, { id: morning.id }, null),
  ...answer(
    appsFigures,
    {},
    {
      days,
      items: [
        figuresOf('notes', [812, 1440, 1303, 960, 204, 188, 1204]),
        figuresOf('media', [41, 80, 77, 60, 212, 340, 96], 3),
      ],
    },
  ),
};
export const boardAnswers: Answers = { ...gatewayAnswers, ...boardsOwn };
export const withEmptyBoard: Answers = { ...boardAnswers, ...answer(boardsGet, { id: morning.id }, emptyBoard) };
export const onlyLooking: Answers = {
  ...boardAnswers,
  ...answer(boardsGet, { id: house.id }, { ...house, editable: false }),
  'GET /api/v1/me': { body: { ...me, permissions: ['apps.open', 'items.read'], is_operator: false } },
};
