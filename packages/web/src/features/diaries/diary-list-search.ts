import type { DiaryScope } from '@atrium/protocol';

/** Parts of the list of diaries, and what each asks for. */
export const diaryLists = {
  mine: { label: 'Yours and shared', scope: ['own', 'shared', 'team'] },
  own: { label: 'Yours', scope: ['own'] },
  shared: { label: 'Shared', scope: ['shared'] },
  team: { label: 'Teams', scope: ['team'] },
  network: { label: 'Network', scope: ['network', 'public'] },
} as const satisfies Record<string, { label: string; scope: DiaryScope[] }>;
export type DiaryList = keyof typeof diaryLists;

export interface DiaryListSearch {
  list?: Exclude<DiaryList, 'mine'> | undefined;
}

export const parseDiaryList = (search: Record<string, unknown>): DiaryListSearch => {
  const list = search['list'];
  return {
    list: list === 'own' || list === 'shared' || list === 'team' || list === 'network' ? list : undefined,
  };
};
