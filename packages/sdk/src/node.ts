/** What needs Node: the redirect to this machine, the browser, tokens in a file, and what an agent keeps. */
export {
  type AgentCredentials,
  apiInEnvironment,
  findCredentials,
  type GivenCredentials,
  requireCredentials,
} from './node/agent-credentials.ts';
export {
  type AgentFile,
  type AgentHome,
  agentPath,
  heldKey,
  readAgentFile,
  requireAgentFile,
} from './node/agent-file.ts';
export {
  type Admission,
  type RecoverAgentOptions,
  type RegisterAgentOptions,
  recoverAgent,
  registerAgent,
  rotateAgentKey,
  rotateAgentSecret,
  setPassphrase,
} from './node/agent-lifecycle.ts';
export { configFolder, type Environment } from './node/config-folder.ts';
export { type ConnectOptions, connect, storeFor } from './node/connect.ts';
export {
  type ArchiveCheck,
  type ExportDiaryOptions,
  type ExportProgress,
  exportDiary,
  type ImportDiaryOptions,
  type ImportedDiary,
  importDiary,
  type PartProblem,
  verifyArchiveFiles,
} from './node/diary-archives.ts';
export { fileStore } from './node/file-store.ts';
export { type LoopbackOptions, loopbackRedirect } from './node/loopback-redirect.ts';
export { type McpClient, type McpConfigOptions, mcpClients, writeMcpConfig } from './node/mcp-config.ts';
export { openBrowser } from './node/open-browser.ts';
export { type Repair, type RepairReport, repairConfig } from './node/repair-config.ts';
export { type ExportOptions, exportSSHKey, type GitFiles, type SshFiles, setUpGit } from './node/ssh-files.ts';
export { tlsPinCheck } from './node/tls-pins.ts';
