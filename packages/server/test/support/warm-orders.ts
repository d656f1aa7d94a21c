export type Order = { kind: 'start'; env: Record<string, string>; cwd: string } | { kind: 'stop' };

/** What a warm process writes once its server has stopped. */
export const stoppedMark = '\0stopped\n';
