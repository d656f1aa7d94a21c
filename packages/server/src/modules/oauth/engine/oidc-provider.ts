/**
 * The engine. It tells a supported runtime by the name of its LTS line and prints a warning otherwise, also on newer
 * builds of Node that carry no such name; Atrium itself refuses the older ones at start.
 */
const release = process.release as { lts?: string };
const unnamed = release.lts === undefined && Number.parseInt(process.versions.node, 10) >= 22;
if (unnamed) release.lts = 'Jod';
const engine = await import('oidc-provider');
if (unnamed) delete release.lts;

export const { Provider, errors, interactionPolicy } = engine;
