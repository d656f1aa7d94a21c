import { lazy, useState } from 'react';
import { useExternalStore } from '../../ui/external-store.ts';
import { addingApp } from './add-app-store.ts';

const AddAppDialog = lazy(async () => ({ default: (await import('./add-app-dialog.tsx')).AddAppDialog }));

/** Adding an app is possible from any page, by the palette. Its code comes when it is first asked for. */
export const GatewayOverlays = () => {
  const open = useExternalStore(addingApp);
  const [asked, setAsked] = useState(open);
  if (open && !asked) setAsked(true);
  return asked ? <AddAppDialog /> : null;
};
