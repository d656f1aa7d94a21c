import { CodeBlock } from '../../ui/code-block.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';

const lines = `scripts:
  enabled: true
  directory: /srv/scripts
  # Without this line scripts run in containers.
  allow_host: true`;

/** Scripts are off until an operator wants them. */
export const ScriptsOff = () => (
  <div>
    <EmptyState title="Scripts are switched off">
      An operator puts files into a folder, registers them here, and people and agents run them with checked parameters.
      These lines in atrium.yaml switch it on; no restart is needed.
    </EmptyState>
    <div className="mx-auto -mt-8 max-w-[520px] px-5 pb-14">
      <CodeBlock code={lines} caption="atrium.yaml" />
    </div>
  </div>
);
