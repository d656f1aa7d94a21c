/**
 * Owns inbox_* tables. Announces `inbox.*` events (kinds in packages/protocol/src/inbox.ts). Sending anything out of the
 * server (push, mail, webhooks, routes of channels) is left to the module `delivery`, which listens to these events.
 */
export { createInboxModule, type InboxModule } from './inbox-module.ts';
