export type { ToolCallAsker, ToolCallQuestion } from './tools-parts.ts';
