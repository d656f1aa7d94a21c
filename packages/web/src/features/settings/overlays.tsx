import { CreateOrgDialog } from './create-org-dialog.tsx';
import { StepUpDialog } from './step-up-dialog.tsx';

/** Dialogs of this feature that open above any page. */
export const SettingsOverlays = () => (
  <>
    <CreateOrgDialog />
    <StepUpDialog />
  </>
);
