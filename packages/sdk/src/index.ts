/** Typed client of an Atrium server: every operation, and `ask()` that waits for a person's typed answer. */
export {
  type ArchiveReport,
  entryContentId,
  fingerprintOf,
  generateKeyPair,
  parsePublicKey,
  publicKeyText,
  type SigningRequestView,
  signEntry,
  sshPrivatePem,
  sshPublicLine,
  verifyDiaryArchive,
  verifyEntrySignature,
  verifyMessage,
} from '@atrium/protocol';
export { type AgentClient, type AgentClientOptions, agentAuth, createAgentClient } from './agent/agent-client.ts';
export { AgentError, type AgentErrorCode } from './agent/agent-error.ts';
export { type AgentKey, agentKeyOf, makeAgentKey, sign, signInput } from './agent/agent-key.ts';
export { type DiaryNamespace, diaryNamespace, type KeySource } from './agent/diary-namespace.ts';
export {
  type ClientSecret,
  enrol,
  info,
  newIdempotencyKey,
  type Registered,
  type RegisterOptions,
  recover,
  register,
  type ServerOptions,
} from './agent/identity-calls.ts';
export {
  type AnswerOf,
  type AskOptions,
  askForOutcome,
  NotAnswered,
  type Question,
  type WaitOptions,
  waitForOutcome,
} from './ask.ts';
export { type Atrium, createAtrium } from './atrium.ts';
export { type CallOptions, type ClientOptions, type FileUpload, type Operations, Transport } from './client.ts';
export { type DeviceKey, makeDeviceKey, type ProofOf, proveKey } from './device/device-key.ts';
export { DeviceSession, type DeviceSessionOptions } from './device/device-session.ts';
export { type PairedDevice, PairingMismatch, type PairOptions, pairDevice } from './device/pair-device.ts';
export { AtriumError, AuthenticationError, NetworkError, RegistrationError } from './errors.ts';
export { type IdentityAssertionOptions, identityAssertion } from './oauth/identity-assertion.ts';
export { oauth } from './oauth/oauth.ts';
export { OAuthError, type OAuthErrorCode } from './oauth/oauth-errors.ts';
export type { OAuth, OAuthClient, OAuthOptions, OAuthSession, SignInOptions } from './oauth/oauth-options.ts';
export type { AssertionRequest, DevicePrompt, Redirect, RedirectListener, SignIn } from './oauth/sign-in.ts';
export { memoryStore, type StoredGrant, type TokenStore } from './oauth/token-store.ts';
