/** What a container says on the socket, as a list of lines. */
export const logMessages = (id: string): string[] => {
  const texts = [
    'listening on :80',
    'migrations are up to date (42)',
    'GET /board 200 14 ms',
    'GET /api/notes?since=2026-11-20 200 31 ms',
    'job digest: 18 letters sent in 2.4 s',
    'slow query (812 ms): select * from notes where search @@ to_tsquery($1) order by rank desc limit 50',
    'GET /board 200 12 ms',
  ];
  const lines = Array.from({ length: 140 }, (_, index) => ({
    at: new Date(Date.UTC(2026, 10, 20, 9, 0, index * 3)).toISOString(),
    stream: index % 7 === 5 ? ('stderr' as const) : ('stdout' as const),
    text: texts[index % texts.length]!,
  }));
  return [JSON.stringify({ type: 'logs.lines', id, lines, skipped: 0 })];
};
