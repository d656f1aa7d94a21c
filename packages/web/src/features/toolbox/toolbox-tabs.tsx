import { toolboxStatus } from '@atrium/protocol';
import { NoPermission } from '../../app/no-permission.tsx';
import { PageTabs } from '../../app/page-tabs.tsx';
import { useOperation } from '../../data/operations.ts';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';

export const ToolboxTabs = () => (
  <PageTabs
    label="Toolbox"
    tabs={[
      { to: '/toolbox', label: 'Catalogue' },
      { to: '/toolbox/installed', label: 'Installed' },
    ]}
  />
);

export const ToolboxClosed = () => (
  <>
    <PageHeader title="Toolbox" />
    <NoPermission what="installing applications" permission="toolbox.deploy" />
  </>
);

/** What keeps anything from being installed, with the line that helps. */
export const EngineNotice = () => {
  const status = useOperation(toolboxStatus, {}).data;
  if (!status || (status.enabled && status.engine.reachable)) return null;
  if (!status.enabled)
    return (
      <Notice>
        The toolbox is off. <code className="text-12">toolbox.enabled: true</code> in atrium.yaml turns it on.
      </Notice>
    );
  const [words = '', line] = status.engine.hint?.split(/: (.+)/) ?? [];
  return (
    <Notice tone="warning">
      <p className="text-text">{status.engine.problem} Until it does, nothing can be installed here.</p>
      {words && <p className="mt-1">{words}</p>}
      {line && <CopyLine text={line} className="mt-2" />}
    </Notice>
  );
};
