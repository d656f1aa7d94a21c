/** The peer of the first budget line: Fastify alone, one route, one indexed SELECT through the same driver. */
import fastify from 'fastify';
import pg from 'pg';

const [url] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url!, max: 20 });
const app = fastify();
app.get<{ Params: { id: string } }>('/items/:id', async (request) => {
  const { rows } = await pool.query({
    name: 'item',
    text: 'select * from inbox_items where id = $1',
    values: [request.params.id],
  });
  return rows[0];
});
await app.listen({ port: 0, host: '127.0.0.1' });
const address = app.server.address();
console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : null }));
