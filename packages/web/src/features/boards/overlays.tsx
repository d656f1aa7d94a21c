import { lazy, useState } from 'react';
import { useExternalStore } from '../../ui/external-store.ts';
import { makingBoard } from './board-stores.ts';

const NewBoardDialog = lazy(async () => ({ default: (await import('./board-dialogs.tsx')).NewBoardDialog }));

/** A board is made from any page, by the palette. The code of its dialog comes when it is first asked for. */
export const BoardOverlays = () => {
  const open = useExternalStore(makingBoard);
  const [asked, setAsked] = useState(open);
  if (open && !asked) setAsked(true);
  return asked ? <NewBoardDialog /> : null;
};
