/**
 * The gateway: apps that people open below one sign-in, the routes that lead to them, what was found by itself. Owns the
 * tables gateway_*. Announces `gateway.*` events (gateway-events.ts). Leaves to others: devices and pairing (identity),
 * sending notices (delivery), MCP servers behind routes (tools), backups of the whole server.
 */
export { isDocument } from './files-service.ts';
export { createGatewayModule, type GatewayModule } from './gateway-module.ts';
export type { GatewayParts, Lanes, TrafficBook } from './gateway-parts.ts';
export { type GatewaySettings, gatewaySettingsOf } from './gateway-settings.ts';
export type { RunApprovalAsker } from './scripts/scripts-parts.ts';
